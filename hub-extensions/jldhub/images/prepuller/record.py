"""What the controller remembers of pulls beyond what nodes and pods tell, and the rules that follow from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jldhub.images.nodes import Attempt
from jldhub.images.prepuller.node import Node
from jldhub.images.prepuller.pods import Outcome, Pull, is_refusal
from jldhub.images.prepuller.wanted import WantedImage

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_DOUBLINGS = 6  # from the first pause past the longest one
# A kubelet tells of a new image within 45 seconds.
_UNTIL_TOLD = timedelta(minutes=2)
# How long a pull counts on a node that does not tell of all its images. Another one of what is there costs nothing but a pod.
_TRUSTED = timedelta(days=1)
_VANISHED_WITHIN = timedelta(days=1)
_VANISHED_AT_MOST = 3
_REFUSED_ON = 3  # nodes, which are enough to know that it is the image's fault

Key = tuple[str, str]  # names of a node and of an image's reference


@dataclass(frozen=True)
class Record:
    """`there` are the references of wanted images that each node had at the last look."""

    attempts: Mapping[Key, Attempt] = field(default_factory=dict)
    there: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def attempt(self, node: str, reference: str) -> Attempt | None:
        return self.attempts.get((node, reference))


def observe(
    record: Record, nodes: Sequence[Node], wanted: Sequence[WantedImage], pulls: Iterable[Pull], now: datetime
) -> Record:
    """The record with what nodes and pods tell now. Of nodes that are gone and images that nobody wants, nothing is kept."""
    references, names = {image.runnable for image in wanted}, {node.name for node in nodes}
    attempts = {key: kept for key, kept in record.attempts.items() if key[0] in names and key[1] in references}
    for pull in pulls:
        key = pull.node, pull.reference
        if pull.outcome is Outcome.UNDER_WAY or pull.node not in names or pull.reference not in references:
            continue
        known = attempts.get(key) or Attempt(reference=pull.reference)
        if known.counted != pull.uid:
            attempts[key] = _counted(known, pull, now)
    there = {node.name: _there(node, wanted, attempts, record.there.get(node.name), now) for node in nodes}
    for name, images in there.items():
        for reference in record.there.get(name, frozenset()) - images:
            if reference in references:
                key = name, reference
                attempts[key] = _vanished(attempts.get(key) or Attempt(reference=reference), now)
    return Record(attempts, there)


def _counted(known: Attempt, pull: Pull, now: datetime) -> Attempt:
    """With the end of one pull, by the clock of the controller: those of nodes may differ."""
    if pull.outcome is Outcome.PULLED:
        changes = {"pulled": now, "failures": 0, "failed": None, "message": "", "refused": False}
    else:
        changes = {
            "failures": known.failures + 1,
            "failed": now,
            "message": pull.message,
            "refused": is_refusal(pull.message),
        }
    return known.model_copy(update={**changes, "counted": pull.uid})


def _vanished(known: Attempt, now: datetime) -> Attempt:
    recent = [at for at in known.vanished if now - at < _VANISHED_WITHIN]
    return known.model_copy(update={"vanished": [*recent, now][-_VANISHED_AT_MOST:], "pulled": None})


def _there(
    node: Node,
    wanted: Sequence[WantedImage],
    attempts: Mapping[Key, Attempt],
    before: frozenset[str] | None,
    now: datetime,
) -> frozenset[str]:
    if not node.images and before:  # a kubelet that has just started tells of none
        return before
    found = (
        image.runnable
        for image in wanted
        if image.is_on(node) or _counts(attempts.get((node.name, image.runnable)), node, now)
    )
    return frozenset(found)


def _counts(attempt: Attempt | None, node: Node, now: datetime) -> bool:
    """Whether a pull counts though the node does not tell of the image: it is too early, or the node does not tell of all."""
    if attempt is None or attempt.pulled is None:
        return False
    return now - attempt.pulled < (_TRUSTED if node.tells_not_all else _UNTIL_TOLD)


def pause_ends(attempt: Attempt) -> datetime | None:
    """When the next attempt may be made after a failed one. None where none failed."""
    if not attempt.failures or attempt.failed is None:
        return None
    pause = _FIRST_PAUSE * float(2 ** min(attempt.failures - 1, _DOUBLINGS))
    return attempt.failed + min(pause, _LONGEST_PAUSE)


def given_up(attempt: Attempt, now: datetime) -> bool:
    """Whether the image vanished so often that the node has no room for it: its kubelet and the controller would go in circles."""
    return sum(now - at < _VANISHED_WITHIN for at in attempt.vanished) >= _VANISHED_AT_MOST


def may_try(attempt: Attempt | None, now: datetime) -> bool:
    if attempt is None:
        return True
    ends = pause_ends(attempt)
    return (ends is None or ends <= now) and not given_up(attempt, now)


@dataclass(frozen=True)
class Stop:
    """An image that is pulled nowhere: its registry refuses it on `nodes` nodes. One node tries again when the pause is over."""

    message: str
    nodes: int
    last: datetime

    def may_try(self, now: datetime) -> bool:
        return now - self.last >= _LONGEST_PAUSE


def stops(record: Record, wanted: Iterable[WantedImage]) -> dict[str, Stop]:
    """By reference. A pull that came to a good end since shows that it was a fault of the moment."""
    of_image: dict[str, list[Attempt]] = {image.runnable: [] for image in wanted}
    for (_, reference), attempt in record.attempts.items():
        if reference in of_image:
            of_image[reference].append(attempt)
    found = {}
    for reference, attempts in of_image.items():
        pulled = max((each.pulled for each in attempts if each.pulled), default=None)
        refused = sorted(
            (each.failed, each.message)
            for each in attempts
            if each.refused and each.failed and (pulled is None or each.failed > pulled)
        )
        if len(refused) >= _several(record):
            last, message = refused[-1]
            found[reference] = Stop(message, len(refused), last)
    return found


def _several(record: Record) -> int:
    """How many nodes are enough: in a small cluster both of two. One node alone has its own pauses."""
    return max(2, min(_REFUSED_ON, len(record.there)))
