"""What the hub is told of nodes, images and pulls, and what the controller remembers over its own restart."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from jldhub.images.nodes import Attempt, ImageOnNodes, NodeRow, NodesError, NodesState, PullUnderWay, UnwantedImage
from jldhub.images.prepuller.node import Node
from jldhub.images.prepuller.pods import Pull
from jldhub.images.prepuller.record import Key, Record, stops
from jldhub.images.prepuller.wanted import WantedImage
from jldhub.images.prepuller.warnings import SiteWarning


def snapshot(
    nodes: Sequence[Node],
    wanted: Sequence[WantedImage],
    record: Record,
    pulls: Sequence[Pull],
    warnings: Sequence[SiteWarning],
    now: datetime,
    unwanted: Sequence[UnwantedImage] = (),
    unwanted_bytes: Mapping[str, int] = MappingProxyType({}),
) -> NodesState:
    """The state of now, which fits into its place: where there are too many nodes, those of which there is least to tell are left out."""
    whole = NodesState(
        written=now,
        images=_images(nodes, wanted, record),
        nodes=[
            row.model_copy(update={"unwanted_bytes": unwanted_bytes.get(row.name, 0)})
            for row in _rows(nodes, wanted, record, pulls)
        ],
        unwanted=[*unwanted],
        warnings=[each.message for each in warnings],
    )
    return _that_fits(whole)


def restored(state: NodesState) -> Record:
    """What is remembered of a state that an earlier controller wrote."""
    references = [image.reference for image in state.images]
    attempts: dict[Key, Attempt] = {
        (row.name, attempt.reference): attempt for row in state.nodes for attempt in row.attempts
    }
    there = {
        row.name: frozenset(references[place] for place in row.there if place < len(references)) for row in state.nodes
    }
    return Record(attempts, there)


def _images(nodes: Sequence[Node], wanted: Sequence[WantedImage], record: Record) -> list[ImageOnNodes]:
    stopped = stops(record, wanted)
    told = []
    for image in wanted:
        eligible = [node.name for node in nodes if not image.why_not(node)]
        stop = stopped.get(image.runnable)
        told.append(
            ImageOnNodes(
                reference=image.runnable,
                title=image.title,
                bytes=image.bytes or _told_size(image, nodes),
                eligible=len(eligible),
                there=sum(image.runnable in record.there.get(name, ()) for name in eligible),
                stopped=stop.message if stop else "",
            )
        )
    return told


def _told_size(image: WantedImage, nodes: Sequence[Node]) -> int:
    """What the first node that has it tells. It is what the image takes there, which is more than what is pulled with some runtimes."""
    for node in nodes:
        if image.runnable in node.names:
            return next(each.bytes for each in node.images if image.runnable in each.names)
    return 0


def _rows(nodes: Sequence[Node], wanted: Sequence[WantedImage], record: Record, pulls: Sequence[Pull]) -> list[NodeRow]:
    places = {image.runnable: place for place, image in enumerate(wanted)}
    under_way = {
        pull.node: PullUnderWay(reference=pull.reference, since=pull.created) for pull in pulls if not pull.is_over
    }
    attempts: dict[str, list[Attempt]] = {}
    for (name, _), attempt in sorted(record.attempts.items()):
        attempts.setdefault(name, []).append(attempt)
    return [
        NodeRow(
            name=node.name,
            why_not=_why_not(node, wanted),
            there=sorted(places[each] for each in record.there.get(node.name, ()) if each in places),
            pulling=under_way.get(node.name),
            attempts=attempts.get(node.name, []),
        )
        for node in sorted(nodes, key=lambda node: node.name)
    ]


def _why_not(node: Node, wanted: Sequence[WantedImage]) -> str:
    reasons = [image.why_not(node) for image in wanted]
    return reasons[0] if reasons and all(reasons) else ""


def _that_fits(state: NodesState) -> NodesState:
    """First those go of which nothing is remembered, then others, until it fits."""
    kept = sorted(state.nodes, key=lambda row: (not _has_trouble(row), row.pulling is None, row.name))
    while True:
        fitting = state.model_copy(
            update={"nodes": sorted(kept, key=lambda row: row.name), "left_out": len(state.nodes) - len(kept)}
        )
        try:
            fitting.pack()
        except NodesError:
            kept = kept[: len(kept) * 3 // 4]
            if not kept:
                return state.model_copy(update={"nodes": [], "images": [], "warnings": state.warnings[:1]})
        else:
            return fitting


def _has_trouble(row: NodeRow) -> bool:
    return any(attempt.failures or attempt.vanished for attempt in row.attempts)


def is_new(state: NodesState, before: NodesState | None) -> bool:
    """Whether anything but the time is another one."""
    return before is None or state.model_copy(update={"written": before.written}) != before
