"""The next pod that removes, and those that have done what they were for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jldhub.images.prepuller.node import Node, NodeImage
from jldhub.images.purging.pod import DEADLINE, PurgePod

AGAIN = timedelta(hours=1)  # a pod that has ended stays for so long: it is what is remembered of its node


@dataclass(frozen=True)
class PurgePlan:
    """The node to begin on, and names of pods to delete."""

    create: Node | None
    delete: Sequence[str]


def plan_purge(
    nodes: Sequence[Node],
    unwanted: Mapping[str, Collection[NodeImage]],
    purges: Sequence[PurgePod],
    busy: Collection[str],
    now: datetime,
) -> PurgePlan:
    """One node at a time, and each once an hour: the one first where most can go.

    `busy` are names of nodes where a lab is starting, or an image is being pulled: what runtimes delete is in the way of both.
    """
    delete = list(_over(purges, {node.name for node in nodes}, now))
    if any(not purge.is_over for purge in purges):
        return PurgePlan(None, delete)
    visited = {purge.node for purge in purges}
    free = [
        node for node in nodes if unwanted.get(node.name) and node.name not in visited | set(busy) and _takes_pods(node)
    ]
    first = min(free, key=lambda node: (-sum(image.bytes for image in unwanted[node.name]), node.name), default=None)
    return PurgePlan(first, delete)


def _takes_pods(node: Node) -> bool:
    return node.is_ready and not node.is_going and node.system == "linux"


def _over(purges: Sequence[PurgePod], nodes: Collection[str], now: datetime) -> Iterator[str]:
    """Names of pods that were remembered for long enough, do not come to an end, or are of nodes that are gone."""
    for purge in purges:
        age = now - purge.created
        is_old = age >= AGAIN if purge.is_over else age >= DEADLINE
        if (is_old or purge.node not in nodes) and not purge.is_going:
            yield purge.name
