"""What the page shows of a state of nodes. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jldhub.images.nodes import Attempt, ImageOnNodes, NodeRow, NodesState, PullUnderWay, UnwantedImage, size
from jldhub.images.prepuller.record import given_up, pause_ends

ROWS = 100  # of a page


@dataclass(frozen=True)
class Cell:
    """One image on one node. `kind` is one of the page's styles, `detail` what the kubelet said."""

    kind: str
    text: str
    detail: str = ""


@dataclass(frozen=True)
class Row:
    name: str
    why_not: str
    cells: Sequence[Cell]
    unwanted: str = ""  # what images of labs take there that nobody wants: `8.0 GB`
    other_pull: str = ""  # of an image that has no column any more


@dataclass(frozen=True)
class View:
    """A page of the table. `page` counts from 1; there is always one."""

    images: Sequence[ImageOnNodes]
    rows: Sequence[Row]
    page: int
    pages: int
    nodes: int  # of which the table tells, on all pages
    left_out: int
    trouble_only: bool
    unwanted: Sequence[UnwantedImage]
    warnings: Sequence[str]
    written: datetime | None


def view(state: NodesState, now: datetime, arguments: Mapping[str, str]) -> View:
    """The page that a link asks for: `page`, and `trouble` for the nodes where something failed. Wrong ones are as if not given."""
    trouble_only = arguments.get("trouble") == "1"
    rows = [row for row in state.nodes if not trouble_only or _has_trouble(row, state.images, now)]
    pages = max(1, -(-len(rows) // ROWS))
    page = _number(arguments.get("page", ""), pages)
    return View(
        images=state.images,
        rows=[_row(row, state.images, now) for row in rows[(page - 1) * ROWS : page * ROWS]],
        page=page,
        pages=pages,
        nodes=len(rows),
        left_out=state.left_out,
        trouble_only=trouble_only,
        unwanted=state.unwanted,
        warnings=state.warnings,
        written=state.written,
    )


def _has_trouble(row: NodeRow, images: Sequence[ImageOnNodes], now: datetime) -> bool:
    """Whether the page shows a failure. What failed once and is there now is none."""
    return any(cell.kind == "failed" for cell in _row(row, images, now).cells)


def _number(text: str, pages: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1
    return min(max(1, number), pages)


def _row(row: NodeRow, images: Sequence[ImageOnNodes], now: datetime) -> Row:
    attempts = {attempt.reference: attempt for attempt in row.attempts}
    cells = [_cell(row, place, image, attempts.get(image.reference), now) for place, image in enumerate(images)]
    pulling = row.pulling if row.pulling and all(row.pulling.reference != image.reference for image in images) else None
    other_pull = f"{pulling.reference} {_pulled(pulling, now)}" if pulling else ""
    return Row(row.name, row.why_not, cells, size(row.unwanted_bytes), other_pull)


def _cell(row: NodeRow, place: int, image: ImageOnNodes, attempt: Attempt | None, now: datetime) -> Cell:
    if place in row.there:
        return Cell("there", "there")
    if row.pulling and row.pulling.reference == image.reference:
        return Cell("pulling", _pulled(row.pulling, now))
    if attempt and given_up(attempt, now):
        return Cell("failed", "given up", "It was pulled and removed again three times in a day: the node has no room.")
    if attempt and attempt.failures:
        times = "once" if attempt.failures == 1 else f"{attempt.failures} times"
        return Cell("failed", f"failed {times}{_next(attempt, image, now)}", attempt.message)
    if row.why_not:
        return Cell("none", "")
    return Cell("missing", "stopped" if image.stopped else "missing")


def _pulled(pull: PullUnderWay, now: datetime) -> str:
    minutes = max(0, int((now - pull.since).total_seconds() // 60))
    return f"being pulled for {minutes} min" if minutes else "being pulled"


def _next(attempt: Attempt, image: ImageOnNodes, now: datetime) -> str:
    ends = pause_ends(attempt)
    if image.stopped or ends is None:
        return ""
    return f", next at {ends:%H:%M} UTC" if ends > now else ", next soon"
