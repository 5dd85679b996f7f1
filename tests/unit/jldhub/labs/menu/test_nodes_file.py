"""What the hub knows of nodes, from a file that may be missing, old, broken, or of a newer controller."""

import asyncio
import gzip
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jldhub.images.nodes import FILE, ImageOnNodes, NodesError, NodesState
from jldhub.labs.menu.nodes_file import NodesFile

from .conftest import write_nodes

REFERENCE = "quay.io/jupyter/scipy-notebook:2026-11-02"


def science(**changes: Any) -> ImageOnNodes:
    told = {"reference": REFERENCE, "title": "science", "bytes": 7_900_000_000, "eligible": 12, "there": 7}
    return ImageOnNodes.model_validate(told | changes)


async def read(folder: Path) -> NodesFile:
    nodes = NodesFile(folder)
    await nodes.refresh()
    return nodes


async def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        nodes = await read(folder)
        assert nodes.image(REFERENCE) is None
        assert nodes.readiness(REFERENCE) == ""
        assert nodes.state == NodesState()


async def test_a_file_that_comes_changes_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nodes, times = await read(tmp_path), []
    unpack = NodesState.unpack
    monkeypatch.setattr(nodes._file, "_read_content", lambda packed: times.append(len(packed)) or unpack(packed))
    for there in (7, 12):
        write_nodes(tmp_path, science(there=there))
        await asyncio.gather(*(nodes.refresh() for _ in range(20)))
        assert nodes.image(REFERENCE) == science(there=there)
    assert len(times) == 2
    (tmp_path / FILE).unlink()
    await nodes.refresh()
    assert nodes.image(REFERENCE) is None
    assert not nodes.is_current
    write_nodes(tmp_path, science(there=3))
    await nodes.refresh()
    assert nodes.image(REFERENCE) == science(there=3)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("minutes", "is_known"), [(-5, True), (0, True), (119, True), (121, False), (60 * 24 * 30, False)]
)
async def test_a_state_older_than_two_hours_is_not_known_any_more(tmp_path: Path, minutes: int, is_known: bool) -> None:
    write_nodes(tmp_path, science(), written=datetime.now(UTC) - timedelta(minutes=minutes))
    nodes = await read(tmp_path)
    assert nodes.is_current is is_known
    assert (nodes.image(REFERENCE) is not None) is is_known
    assert (nodes.readiness(REFERENCE) != "") is is_known
    assert nodes.state.images == [science()]  # for the admins' page, which says of when it is


def packed(**document: Any) -> bytes:
    return gzip.compress(json.dumps(document).encode())


BROKEN = {
    "empty": b"",
    "no gzip": b"not gzip",
    "a gzip that ends too early": packed(version=1, images=[])[:-9],
    "no JSON": gzip.compress(b"{"),
    "no object": gzip.compress(b"[]"),
    "of a newer format": packed(version=2),
    "with a time of no zone": packed(version=1, written="2026-01-01T00:00:00"),
    "with a failure of no zone": packed(
        nodes=[{"name": "a", "attempts": [{"reference": "r", "failures": 1, "failed": "2026-01-01T00:00:00"}]}]
    ),
    "with a number for a name": packed(nodes=[{"name": 1}]),
    "larger than any": gzip.compress(b" " * (2**24 + 1)),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_file_leaves_the_last_state_with_one_warning(
    tmp_path: Path, broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    write_nodes(tmp_path, science())
    nodes = await read(tmp_path)
    (tmp_path / "new").write_bytes(broken)
    (tmp_path / "new").replace(tmp_path / FILE)
    for _ in range(3):
        await nodes.refresh()
    assert nodes.image(REFERENCE) == science()
    (warning,) = caplog.messages
    assert warning.startswith(f"The state of nodes in {tmp_path / FILE} is left as it was: ")
    assert len(warning) < 600


async def test_what_a_newer_controller_tells_beside_is_left_out(tmp_path: Path) -> None:
    image = science().model_dump() | {"colour": "blue"}
    written = datetime.now(UTC).isoformat()
    (tmp_path / FILE).write_bytes(packed(version=1, written=written, images=[image], weather={"rain": True}))
    assert (await read(tmp_path)).image(REFERENCE) == science()


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_is_more_than_an_error(content: bytes, compressed: bool) -> None:
    with suppress(NodesError):
        NodesState.unpack(gzip.compress(content) if compressed else content)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"there": 12}, ""),
        ({"there": 13}, ""),  # a node went between two looks
        ({"there": 7}, "On 7 of 12 nodes: may start slowly"),
        ({"there": 0}, "On no node yet, 7.9 GB: the first start takes minutes"),
        ({"there": 0, "bytes": 480_400_000}, "On no node yet, 480 MB: the first start takes minutes"),
        ({"there": 0, "bytes": 0}, "On no node yet: the first start takes minutes"),
        ({"there": 0, "eligible": 0}, ""),
        ({"reference": "quay.io/some/other:1"}, "Not pulled beforehand: may start slowly"),
    ],
)
async def test_what_people_are_told_before_they_choose(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    write_nodes(tmp_path, science(**changes))
    assert (await read(tmp_path)).readiness(REFERENCE) == sentence


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, ""),
        (1, "1 MB"),
        (999_400_000, "999 MB"),
        (999_600_000, "1.0 GB"),
        (1_000_000_000, "1.0 GB"),
        (7_940_000_000, "7.9 GB"),
    ],
)
def test_a_size_as_people_read_it(size: int, text: str) -> None:
    assert science(bytes=size).size == text
