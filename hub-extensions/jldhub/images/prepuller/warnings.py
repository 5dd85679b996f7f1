"""What whoever runs the site has to do something about. The admin page, events and the log tell it in the same words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from jldhub.images.prepuller.record import Record, given_up, stops
from jldhub.images.prepuller.wanted import WantedImage

_NAMED = 5  # nodes that a sentence names


@dataclass(frozen=True)
class SiteWarning:
    """`reason` is a word, as events have it. Two of the same reason `about` the same are one warning, however its words change."""

    reason: str
    about: str
    message: str


def warnings(record: Record, wanted: Sequence[WantedImage], held: str, now: datetime) -> list[SiteWarning]:
    """All of now. `held` says why the cluster takes no pods that pull, and is empty where it does."""
    refused = [SiteWarning("PullsRefused", "", _refused_pods(held))] if held else []
    return [*refused, *_refused_images(record, wanted), *_vanishing(record, wanted, now)]


def _refused_pods(held: str) -> str:
    return (
        f"The cluster refuses pods that pull images: {held}. Labs start and pull by themselves meanwhile. "
        "Let the prepuller make pods, or switch it off: prepuller.enabled"
    )


def _refused_images(record: Record, wanted: Sequence[WantedImage]) -> Iterator[SiteWarning]:
    titles = {image.runnable: image.title for image in wanted}
    for reference, stop in stops(record, wanted).items():
        yield SiteWarning(
            "ImageRefused",
            reference,
            f"{titles[reference]} ({reference}) is pulled nowhere any more, for its registry refuses it on {stop.nodes} nodes: "
            f"{stop.message}. Correct its reference, push it, or give a login with global.imagePullSecrets; "
            "one node an hour tries it again",
        )


def _vanishing(record: Record, wanted: Sequence[WantedImage], now: datetime) -> Iterator[SiteWarning]:
    for image in wanted:
        nodes = sorted(
            node
            for (node, reference), attempt in record.attempts.items()
            if reference == image.runnable and attempt.vanished and given_up(attempt, now)
        )
        if nodes:
            yield SiteWarning(
                "ImageVanishes",
                image.runnable,
                f"{image.title} ({image.runnable}) was pulled and removed again three times in a day on {_named(nodes)}: there is "
                "no room for it, and the kubelet removes images at 85 % of the disk. Give these nodes larger disks, or have "
                "fewer images pulled; it is pulled there again after a day",
            )


def _named(nodes: Iterable[str]) -> str:
    first, *_ = named = [*nodes]
    if len(named) == 1:
        return f"the node {first}"
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"the nodes {', '.join(named[:_NAMED])}{more}"
