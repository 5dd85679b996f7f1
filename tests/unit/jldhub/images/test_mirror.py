"""A list of the Kubernetes API and its watch, from a server that answers as the API's does, well and badly."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from jldhub.images.controller import mirror
from jldhub.images.controller.api import connect
from jldhub.images.controller.mirror import Mirror

PATH = "/api/v1/namespaces/science/pods"


def pod(name: str, version: int, value: str = "") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "science", "resourceVersion": str(version)}, "value": value}


class Api:
    """Pods of one namespace. `script` has what each watch answers: events, a status, or bytes as they are."""

    def __init__(self) -> None:
        self.pods: list[dict[str, Any]] = []
        self.version = 10
        self.script: list[list[dict[str, Any]] | int | bytes] = []
        self.lists: list[int] = []  # the status that each list answers; then 200
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch"):
            return await self._watch(request)
        start = int(request.query.get("continue", "0"))
        self.asked.append(f"list {start}")
        if self.lists and (status := self.lists.pop(0)) != 200:
            return web.json_response({"kind": "Status", "code": status}, status=status)
        size = min(int(request.query["limit"]), 2)
        following = {"continue": str(start + size)} if start + size < len(self.pods) else {}
        metadata = {"resourceVersion": str(self.version), **following}
        return web.json_response({"metadata": metadata, "items": self.pods[start : start + size]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"watch {request.query['resourceVersion']}")
        if not self.script:
            await asyncio.sleep(3600)
        step = self.script.pop(0)
        if isinstance(step, int):
            return web.json_response({"kind": "Status", "code": step, "reason": "x", "message": "y"}, status=step)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(
            step if isinstance(step, bytes) else b"".join(json.dumps(event).encode() + b"\n" for event in step)
        )
        return response


@asynccontextmanager
async def mirrored(api: Api, changed: asyncio.Event | None = None) -> AsyncIterator[Mirror[str]]:
    application = web.Application()
    application.router.add_get(PATH, api.answer)
    async with TestServer(application) as server:
        os.environ["JLD_KUBERNETES_API"] = str(server.make_url("/")).rstrip("/")
        async with connect(Path("/nowhere")) as client:
            made: Mirror[str] = Mirror(
                client, "the pods", PATH, lambda raw: raw.get("value") or None, changed or asyncio.Event()
            )
            running = asyncio.create_task(made.run())
            yield made
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JLD_KUBERNETES_API", "of each test")
    monkeypatch.setattr(mirror, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(mirror, "_LONGEST_PAUSE", 0.02)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_long_list_is_read_in_pages() -> None:
    api = Api()
    api.pods = [pod(f"p{number}", number, "x") for number in range(5)]
    async with mirrored(api) as made:
        await until(lambda: "watch 10" in api.asked)
    assert set(made.items) == {f"science/p{number}" for number in range(5)}
    assert api.asked == ["list 0", "list 2", "list 4", "watch 10"]


async def test_what_changes_is_taken_over_and_told() -> None:
    api, changed = Api(), asyncio.Event()
    api.pods = [pod("a", 1, "one"), pod("b", 2, "two"), pod("left-out", 3)]
    api.script = [
        [
            {"type": "ADDED", "object": pod("c", 11, "three")},
            {"type": "MODIFIED", "object": pod("a", 12, "four")},
            {"type": "DELETED", "object": pod("b", 13, "two")},
            {"type": "MODIFIED", "object": pod("c", 14)},  # none of ours any more
            {"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "20"}}},
        ]
    ]
    async with mirrored(api, changed) as made:
        await until(lambda: "watch 20" in api.asked)
    assert made.items == {"science/a": "four"}
    assert changed.is_set()
    assert api.asked == ["list 0", "list 2", "watch 10", "watch 20"]  # it goes on where it was


@pytest.mark.parametrize(
    "step",
    [
        410,
        403,
        500,
        [{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}],
        b'{"type": "ADDED", "object": {"meta',
        b"<html>a proxy</html>\n",
        b"[]\n",
        b'{"type": "ADDED", "object": {}}\n',
    ],
    ids=str,
)
async def test_after_an_answer_that_is_none_everything_is_listed_anew(step: Any) -> None:
    api = Api()
    api.pods = [pod("a", 1, "one")]
    api.script = [step]
    async with mirrored(api) as made:
        await until(lambda: len(api.asked) > 1)
        api.pods, api.version = [pod("b", 2, "two")], 30
        await until(lambda: "watch 30" in api.asked)
    assert made.items == {"science/b": "two"}


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
async def test_a_list_that_fails_is_asked_for_again_and_told(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "jldhub.images")
    api = Api()
    api.pods = [pod(f"p{number}", number, "x") for number in range(3)]
    api.lists = [status, 200, status]
    async with mirrored(api) as made:
        await until(lambda: len(api.asked) > 1)
        assert not made.is_listed or len(made.items) == 3  # a half list is none
        await until(lambda: made.is_listed)
    assert len(made.items) == 3
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        f"the pods: the Kubernetes API answers {status}"
    ] * 2
