"""The admins' page of images and nodes: what it shows of a state."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.hub.prepull.handler import log_command
from jldhub.hub.prepull.view import ROWS, Cell, view
from jldhub.images.nodes import ImageOnNodes, NodeRow, NodesState
from jldhub.settings.settings import Settings

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
IMAGES = [
    ImageOnNodes(reference="quay.io/a/b:1", title="science", bytes=7_900_000_000, eligible=3, there=1),
    ImageOnNodes(reference="quay.io/a/b:2", title="gone", eligible=3, stopped="not found"),
]


def ago(**time: int) -> datetime:
    return NOW - timedelta(**time)


def attempt(place: int = 0, **keys: Any) -> dict[str, Any]:
    return {"reference": IMAGES[place].reference, **keys}


def cells(**keys: Any) -> list[Cell]:
    row = NodeRow.model_validate({"name": "a", **keys})
    (shown,) = view(NodesState(images=IMAGES, nodes=[row]), NOW, {}).rows
    return list(shown.cells)


MISSING, STOPPED = Cell("missing", "missing"), Cell("missing", "stopped")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, MISSING),
        ({"there": [0]}, Cell("there", "there")),
        ({"there": [7, -3]}, MISSING),
        ({"why_not": "it is cordoned"}, Cell("none", "")),
        ({"why_not": "it is cordoned", "there": [0]}, Cell("there", "there")),
        ({"pulling": {"reference": "quay.io/a/b:1", "since": ago(seconds=10)}}, Cell("pulling", "being pulled")),
        (
            {"pulling": {"reference": "quay.io/a/b:1", "since": ago(minutes=7)}},
            Cell("pulling", "being pulled for 7 min"),
        ),
        ({"pulling": {"reference": "quay.io/a/b:1", "since": ago(minutes=-7)}}, Cell("pulling", "being pulled")),
        (
            {"attempts": [attempt(failures=1, failed=ago(seconds=5), message="no route to host")]},
            Cell("failed", "failed once, next at 12:00 UTC", "no route to host"),
        ),
        (
            {"attempts": [attempt(failures=4, failed=ago(minutes=1), message="no route")]},
            Cell("failed", "failed 4 times, next at 12:07 UTC", "no route"),
        ),
        (
            {"attempts": [attempt(failures=9, failed=ago(minutes=61))]},
            Cell("failed", "failed 9 times, next soon"),
        ),
        ({"attempts": [attempt(failures=2)]}, Cell("failed", "failed 2 times")),
        (
            {"attempts": [attempt(vanished=[ago(hours=hours) for hours in (20, 3, 1)])]},
            Cell("failed", "given up", "It was pulled and removed again three times in a day: the node has no room."),
        ),
        ({"attempts": [attempt(vanished=[ago(hours=hours) for hours in (25, 3, 1)])]}, MISSING),
        ({"attempts": [attempt(failures=3, failed=ago(hours=2))], "there": [0]}, Cell("there", "there")),
    ],
)
def test_a_cell_says_what_is_with_the_image_on_the_node(keys: dict[str, Any], expected: Cell) -> None:
    assert cells(**keys)[0] == expected


def test_an_image_that_is_pulled_nowhere_has_no_next_attempt() -> None:
    assert cells()[1] == STOPPED
    failed = cells(attempts=[attempt(1, failures=2, failed=ago(seconds=5), message="not found")])[1]
    assert failed == Cell("failed", "failed 2 times", "not found")


def test_the_pull_of_an_image_that_nobody_wants_any_more_is_told_beside_the_node() -> None:
    pulling = {"reference": "quay.io/a/old:1", "since": ago(minutes=3)}
    row = NodeRow.model_validate({"name": "a", "pulling": pulling})
    (shown,) = view(NodesState(images=IMAGES, nodes=[row]), NOW, {}).rows
    assert shown.other_pull == "quay.io/a/old:1 being pulled for 3 min"
    assert list(shown.cells) == [MISSING, STOPPED]


def many(nodes: int) -> NodesState:
    """Every tenth failed; and every seventh failed once, and has the image now."""
    failed = [attempt(failures=1, failed=ago(seconds=5), message="no")]
    rows = [
        {"name": f"n{n:04}", "attempts": failed if n % 10 == 0 or n % 7 == 0 else [], "there": [0] if n % 10 else []}
        for n in range(nodes)
    ]
    return NodesState.model_validate({"images": [each.model_dump() for each in IMAGES], "nodes": rows})


@pytest.mark.parametrize(
    ("nodes", "arguments", "page", "pages", "first", "shown"),
    [
        (0, {}, 1, 1, None, 0),
        (100, {}, 1, 1, "n0000", 100),
        (101, {}, 1, 2, "n0000", 100),
        (101, {"page": "2"}, 2, 2, "n0100", 1),
        (1000, {"page": "10"}, 10, 10, "n0900", 100),
        (1000, {"page": "11"}, 10, 10, "n0900", 100),  # nodes went meanwhile
        (1000, {"page": "0"}, 1, 10, "n0000", 100),
        (1000, {"page": "-1"}, 1, 10, "n0000", 100),
        (1000, {"page": "1e3"}, 1, 10, "n0000", 100),
        (1000, {"page": "²"}, 1, 10, "n0000", 100),
        (1000, {"page": "9" * 5000}, 1, 10, "n0000", 100),
        (1000, {"trouble": "1"}, 1, 1, "n0000", 100),
        (1010, {"trouble": "1", "page": "2"}, 2, 2, "n1000", 1),
        (1000, {"trouble": "yes"}, 1, 10, "n0000", 100),
    ],
)
def test_pages_of_many_nodes(
    nodes: int, arguments: dict[str, str], page: int, pages: int, first: str | None, shown: int
) -> None:
    got = view(many(nodes), NOW, arguments)
    assert (got.page, got.pages, len(got.rows)) == (page, pages, shown)
    assert next((row.name for row in got.rows), None) == first


@given(st.integers(0, 450), st.dictionaries(st.sampled_from(["page", "trouble", "x"]), st.text(max_size=12)))
def test_there_is_a_page_for_whatever_is_asked(nodes: int, arguments: dict[str, str]) -> None:
    got = view(many(nodes), NOW, arguments)
    assert 1 <= got.page <= got.pages
    assert len(got.rows) <= ROWS
    assert all(len(row.cells) == len(got.images) for row in got.rows)


def test_where_the_log_is(settings: Settings) -> None:
    without = settings.model_copy(update={"names": settings.names.model_copy(update={"prepuller": None})})
    names = settings.names.model_copy(update={"prepuller": "my-prepuller", "namespace": "labs"})
    having = settings.model_copy(update={"names": names})
    assert log_command(without) == ""
    assert log_command(having) == "kubectl logs deployment/my-prepuller --namespace labs"
