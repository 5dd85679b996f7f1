"""The next pods to create and to delete."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jldhub.images.prepuller.node import Node
from jldhub.images.prepuller.pods import Outcome, Pull
from jldhub.images.prepuller.record import Record, Stop, may_try, stops
from jldhub.images.prepuller.wanted import WantedImage

# An image counts as used while a container of a pod has it, also one that has ended, and kubelets look every five minutes. One that was
# never used would be the first that they remove.
KEPT = timedelta(minutes=10)


@dataclass(frozen=True)
class Plan:
    """Pulls to begin, in this order, and names of pods to delete."""

    create: Sequence[tuple[WantedImage, Node]]
    delete: Sequence[str]


def plan(
    nodes: Sequence[Node],
    wanted: Sequence[WantedImage],
    record: Record,
    pulls: Sequence[Pull],
    busy: Collection[str],
    now: datetime,
    nodes_at_once: int,
) -> Plan:
    """What to do now, with pulls as of now. `busy` are names of nodes that a lab is starting on: a kubelet pulls one image after the other.

    A node has one pull at a time, and the cluster `nodes_at_once`. Nodes that miss what matters most come first, the newest of them in front.
    """
    occupied = {pull.node for pull in pulls if not pull.is_over}
    existing = {(pull.node, pull.reference) for pull in pulls}
    stopped = _Stopped(stops(record, wanted), pulls, now)
    # What is left of a pull on a node that is gone or silent takes no bandwidth.
    free = max(0, nodes_at_once - len(occupied & {node.name for node in nodes if node.is_ready}))
    candidates = []
    for node in nodes:
        if node.name in occupied or node.name in busy:
            continue
        for place, image in enumerate(wanted):
            if _is_missing(image, node, record, existing, now) and not stopped.keeps(image):
                candidates.append((place, -node.created.timestamp(), node.name, image, node))
                break
    create = [(image, node) for *_, image, node in sorted(candidates, key=lambda each: each[:3])]
    create = list(stopped.one_each(create))[:free]
    return Plan(create, list(_over(pulls, {node.name for node in nodes}, record, now)))


def _is_missing(
    image: WantedImage, node: Node, record: Record, existing: Collection[tuple[str, str]], now: datetime
) -> bool:
    key = node.name, image.runnable
    if image.runnable in record.there.get(node.name, ()) or key in existing:
        return False
    return may_try(record.attempts.get(key), now) and not image.why_not(node)


def _over(pulls: Iterable[Pull], nodes: Collection[str], record: Record, now: datetime) -> Iterator[str]:
    """Names of pods that have done what they were for, or will not."""
    for pull in pulls:
        is_useless = pull.outcome is Outcome.FAILED or pull.node not in nodes
        has_served = pull.outcome is Outcome.PULLED and not _is_kept(pull, record, now)
        if (is_useless or has_served) and not pull.is_going:
            yield pull.name


def _is_kept(pull: Pull, record: Record, now: datetime) -> bool:
    attempt = record.attempts.get((pull.node, pull.reference))
    if attempt is None or attempt.pulled is None or pull.reference not in record.there.get(pull.node, ()):
        return False  # nobody wants it any more, or somebody removed it
    return now - attempt.pulled < KEPT


class _Stopped:
    """Images that are pulled nowhere, but for one node when the pause is over."""

    def __init__(self, stopped: Mapping[str, Stop], pulls: Iterable[Pull], now: datetime) -> None:
        tried = {pull.reference for pull in pulls if pull.outcome is Outcome.UNDER_WAY}
        self._kept = {name for name, stop in stopped.items() if name in tried or not stop.may_try(now)}
        self._tries = set(stopped) - self._kept

    def keeps(self, image: WantedImage) -> bool:
        return image.runnable in self._kept

    def one_each(self, create: Iterable[tuple[WantedImage, Node]]) -> Iterator[tuple[WantedImage, Node]]:
        for image, node in create:
            if image.runnable in self._tries:
                self._tries.discard(image.runnable)
                self._kept.add(image.runnable)
            elif image.runnable in self._kept:
                continue
            yield image, node
