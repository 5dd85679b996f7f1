"""The program on a node, against a runtime that speaks the real protocol."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from grpclib.const import Status
from jldhub.images.purger import __main__ as program
from jldhub.images.purger import client
from jldhub.images.purger.removing import Disk

from tests.standins.container_runtime import ContainerRuntime

LAB, OTHER, FOREIGN = "registry.example.org/lab", "registry.example.org/other", "registry.k8s.io/pause"
ORDER = {"repositories": [LAB, OTHER], "wanted": [f"{LAB}:wanted"], "above": 80}
GB = 10**9

Run = Callable[..., Any]


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[ContainerRuntime]:
    async with ContainerRuntime(tmp_path / "s") as found:
        found.images = [
            {"id": "sha256:wanted", "repo_tags": [f"{LAB}:wanted"], "size": 9 * GB},
            {"id": "sha256:small", "repo_tags": [f"{LAB}:small"], "size": 1 * GB},
            {"id": "sha256:large", "repo_digests": [f"{OTHER}@sha256:aa"], "size": 8 * GB},
            {"id": "sha256:ended", "repo_tags": [f"{LAB}:ended"], "size": 8 * GB},
            {"id": "sha256:pinned", "repo_tags": [f"{LAB}:pinned"], "size": 8 * GB, "pinned": True},
            {"id": "sha256:both", "repo_tags": [f"{LAB}:both", f"{FOREIGN}:both"], "size": 8 * GB},
            {"id": "sha256:pause", "repo_tags": [f"{FOREIGN}:3"], "size": 1},
        ]
        found.containers = [{"id": "c", "image": {"image": f"{LAB}:ended"}, "image_ref": "sha256:ended"}]
        yield found


@pytest.fixture
def run(runtime: ContainerRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs it where other things take 60 GB of a disk of 100 GB, so that it is 82 % full with what has 22 GB. Returns its exit code and its summary."""

    async def once(others: int = 40, order: dict[str, Any] | str | None = None, **changes: Any) -> tuple[int, Any]:
        def disk() -> Disk:
            return Disk(100 * GB, others * GB + sum(image["size"] for image in runtime.images))

        monkeypatch.setattr(program, "disk", disk)
        text = order if isinstance(order, str) else json.dumps(ORDER | (order or {}) | changes)
        log = tmp_path / "termination-log"
        code = await program.run({"JLD_PURGE": text, "JLD_SOCKET": str(runtime.socket)}, log)
        assert log.stat().st_size <= 2048
        return code, json.loads(log.read_bytes())

    return once


async def test_it_removes_what_nobody_wants_until_there_is_room(
    runtime: ContainerRuntime, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    code, summary = await run(others=45)  # 87 GB; without `large` 79, without `small` 78

    assert (code, runtime.removed) == (0, ["sha256:large", "sha256:small"])
    assert summary == {
        "percentBefore": 87.0,
        "percentAfter": 78.0,
        "removed": 2,
        "freed": 9 * GB,
        "names": [f"{OTHER}@sha256:aa", f"{LAB}:small"],
        "kept": {
            "it is wanted": 1,
            "it has a name outside the repositories of labs": 2,
            "a container uses it": 1,
            "it is pinned": 1,
        },
    }
    lines = capsys.readouterr().out.splitlines()
    assert f"Removed {OTHER}@sha256:aa (sha256:large), 8000 MB" in lines
    assert f"Kept {LAB}:ended: a container uses it" in lines
    assert f"Kept {LAB}:pinned: it is pinned" in lines
    assert f"Kept {LAB}:wanted: it is wanted" in lines
    assert "Kept 2 images that are not of labs' repositories" in lines
    assert not [line for line in lines if f"{FOREIGN}:3" in line]


async def test_it_stops_ten_points_below(runtime: ContainerRuntime, run: Run) -> None:
    code, summary = await run(others=35, above=77)  # 77 GB; without `large` 69, which is not below 67; then 68
    assert (code, runtime.removed) == (0, ["sha256:large", "sha256:small"])
    assert summary["percentAfter"] == 68.0


async def test_there_is_room_when_enough_is_gone(runtime: ContainerRuntime, run: Run) -> None:
    runtime.images[2]["size"] = 18 * GB
    code, summary = await run(others=30)  # 82 GB; without `large` 64
    assert (code, runtime.removed, summary["kept"]["there is room now"]) == (0, ["sha256:large"], 1)


async def test_below_the_mark_the_runtime_is_not_even_asked(
    runtime: ContainerRuntime, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    code, summary = await run(others=30)
    assert (code, runtime.requests, summary["removed"]) == (0, [], 0)
    assert capsys.readouterr().out == "The disk is 72 % full, below 80 %: nothing is removed\n"


async def test_a_dry_run_says_the_same_and_removes_nothing(
    runtime: ContainerRuntime, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [*runtime.images]
    code, dry = await run(others=45, dryRun=True)
    lines = capsys.readouterr().out
    assert (code, runtime.images, runtime.removed) == (0, before, [])
    assert "RemoveImage" not in runtime.requests

    _, summary = await run(others=45)
    assert dry == summary
    assert lines.replace("Would remove", "Removed") == capsys.readouterr().out


async def test_a_lab_that_starts_meanwhile_keeps_its_image(runtime: ContainerRuntime, run: Run) -> None:
    def start(method: str) -> None:
        if method == "ListImages":
            runtime.containers.append({"id": "lab", "image_ref": "sha256:small", "image_id": "sha256:small"})

    runtime.asked = start
    assert (await run(others=45))[0] == 0
    assert runtime.removed == ["sha256:large"]


async def test_an_image_that_gets_another_name_meanwhile_stays(runtime: ContainerRuntime, run: Run) -> None:
    def name(method: str) -> None:
        if runtime.requests.count("ListImages") == 2:
            runtime.images[2]["repo_tags"] = [f"{FOREIGN}:another"]

    runtime.asked = name
    assert (await run(others=45))[0] == 0
    assert runtime.removed == ["sha256:small"]


async def test_what_somebody_else_removes_meanwhile_is_no_failure(runtime: ContainerRuntime, run: Run) -> None:
    def remove(method: str) -> None:
        if runtime.requests.count("ListImages") == 2:
            runtime.images = [image for image in runtime.images if image["id"] != "sha256:large"]

    runtime.asked = remove
    code, summary = await run(others=45)
    assert (code, runtime.removed, summary["kept"]["somebody else removed it"]) == (0, ["sha256:small"], 1)


@pytest.mark.parametrize("method", ["ListImages", "ListContainers", "RemoveImage"])
@pytest.mark.parametrize("kind", ["refuses", "does not know", "hangs"])
async def test_whatever_is_unexpected_ends_it(
    runtime: ContainerRuntime,
    run: Run,
    method: str,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if kind == "hangs":
        init = client.Runtime.__init__
        monkeypatch.setattr(client.Runtime, "__init__", lambda self, socket: init(self, socket, 2.0))
    runtime.faults[method] = {"refuses": Status.INTERNAL, "does not know": Status.UNIMPLEMENTED, "hangs": 60.0}[kind]
    code, summary = await run(others=45)
    assert (code, runtime.removed, summary["removed"]) == (1, [], 0)
    expected = {"refuses": "INTERNAL", "does not know": "UNIMPLEMENTED", "hangs": "no answer in 2 s"}[kind]
    assert method in summary["trouble"]
    assert expected in summary["trouble"]
    assert f"Nothing more is removed: {method}" in capsys.readouterr().err


async def test_what_was_done_before_a_failure_is_told(runtime: ContainerRuntime, run: Run) -> None:
    def fail(method: str) -> None:
        if runtime.removed:
            runtime.faults["ListImages"] = Status.UNAVAILABLE

    runtime.asked = fail
    code, summary = await run(others=45)
    assert (code, summary["removed"], summary["percentAfter"]) == (1, 1, 79.0)
    assert "UNAVAILABLE" in summary["trouble"]


async def test_without_a_socket_it_says_so(runtime: ContainerRuntime, run: Run, tmp_path: Path) -> None:
    runtime.socket = tmp_path / "none"
    code, summary = await run(others=45)
    assert code == 1
    assert "ListContainers" in summary["trouble"]


@pytest.mark.parametrize("order", ["", "{}", json.dumps(ORDER | {"wanted": []})])
async def test_without_an_order_nothing_is_asked(runtime: ContainerRuntime, run: Run, order: str) -> None:
    code, summary = await run(others=45, order=order)
    assert (code, runtime.requests) == (1, [])
    assert "order" in summary["trouble"]


async def test_something_else_behind_the_socket_is_a_failure(tmp_path: Path) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_unix_server(talk, tmp_path / "s"):
        runtime = client.Runtime(str(tmp_path / "s"), 2)
        with pytest.raises(client.RuntimeUnavailable):
            await runtime.images()
        runtime.close()


def test_the_summary_fits_however_many_names_there_are() -> None:
    document = {"names": [f"{LAB}:{number}" for number in range(1000)], "removed": 1000}
    packed = program.packed(document)
    assert len(packed) <= 2048
    assert json.loads(packed)["removed"] == 1000


def test_the_disk_is_the_one_of_the_root() -> None:
    assert 0 < program.disk().percent() <= 100
