"""Requests to the Kubernetes API, at a server that answers well and badly."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from jldhub.images.controller.api import Api, ApiUnavailable, connect
from jldhub.images.controller.cluster import Cluster, PodRefused

PODS = "/api/v1/namespaces/science/pods"


class Server:
    """`answers` are given one after the other: a status and a body."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[tuple[str, str, str]] = []  # method, path, and the token

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path, request.headers.get("Authorization", "")))
        status, body = self.answers.pop(0) if self.answers else (200, b"{}")
        return web.Response(status=status, body=body)


@asynccontextmanager
async def connected(
    server: Server, monkeypatch: pytest.MonkeyPatch, account: Path = Path("/nowhere")
) -> AsyncIterator[Api]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(application) as running:
        monkeypatch.setenv("JLD_KUBERNETES_API", str(running.make_url("/")).rstrip("/"))
        async with connect(account) as api:
            yield api


async def test_the_token_is_the_one_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubelet replaces it every hour."""
    server = Server()
    async with connected(server, monkeypatch, tmp_path) as api:
        for token in ("first", "second"):
            (tmp_path / "token").write_text(f"{token}\n")
            await api.get("/api", "it")
        (tmp_path / "token").unlink()
        await api.get("/api", "it")
    assert [token for *_, token in server.asked] == ["Bearer first", "Bearer second", ""]


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (
            403,
            b"{}",
            "the pods: the Kubernetes API answers 403 (Forbidden). `helm upgrade` brings it and the right to it back.",
        ),
        (
            404,
            b"{}",
            "the pods: the Kubernetes API answers 404 (Not Found). `helm upgrade` brings it and the right to it back.",
        ),
        (401, b"{}", "the pods: the Kubernetes API answers 401 (Unauthorized). Another attempt follows."),
        (500, b"<html>", "the pods: the Kubernetes API answers 500 (Internal Server Error). Another attempt follows."),
        (200, b"<html>", "the pods: the Kubernetes API answers with what is no JSON. Another attempt follows."),
        (200, b"[" * 100_000, "the pods: the Kubernetes API answers with what is no JSON. Another attempt follows."),
        (200, b"\xff\xfe", "the pods: the Kubernetes API answers with what is no JSON. Another attempt follows."),
        (200, b"[]", "the pods: the Kubernetes API answers with what is no object. Another attempt follows."),
        (200, b"5", "the pods: the Kubernetes API answers with what is no object. Another attempt follows."),
    ],
)
async def test_what_fails_is_told_with_its_place_and_a_remedy(
    status: int, body: bytes, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    server.answers = [(status, body)]
    async with connected(server, monkeypatch) as api:
        with pytest.raises(ApiUnavailable) as raised:
            await api.get(PODS, "the pods")
    assert str(raised.value) == sentence


async def test_an_api_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JLD_KUBERNETES_API", "http://127.0.0.1:1")
    async with connect(Path("/nowhere")) as api:
        with pytest.raises(
            ApiUnavailable, match=r"^the pods: the Kubernetes API does not answer \(Client.*Error\)\. Another"
        ):
            await api.get(PODS, "the pods")


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [("10.96.0.1", "443", "https://10.96.0.1"), ("fd00::1", "6443", "https://[fd00::1]:6443")],
)
async def test_the_address_is_the_one_of_the_pod_s_environment(
    host: str, port: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.delenv("JLD_KUBERNETES_API", raising=False)
    async with connect(Path("/nowhere")) as api:
        assert str(api._session._base_url).rstrip("/") == url


POD: dict[str, Any] = {"metadata": {"name": "p", "namespace": "science"}}


async def test_a_pod_is_made_once_and_deleted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    server.answers = [(201, json.dumps(POD).encode()), (409, b"{}"), (200, b"{}"), (404, b"{}")]
    async with connected(server, monkeypatch) as api:
        cluster = Cluster(api, "science")
        assert await cluster.create(POD) == POD
        assert await cluster.create(POD) is None
        await cluster.delete("p")
        await cluster.delete("p")
    assert [(method, path) for method, path, _ in server.asked] == [
        ("POST", PODS),
        ("POST", PODS),
        ("DELETE", f"{PODS}/p"),
        ("DELETE", f"{PODS}/p"),
    ]


@pytest.mark.parametrize("status", [400, 403, 422])
async def test_a_pod_that_the_cluster_does_not_take_is_told_in_its_words(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    server.answers = [(status, b'{"message": "pods \\"p\\" is forbidden:\\n exceeded quota"}'), (status, b"{}")]
    async with connected(server, monkeypatch) as api:
        with pytest.raises(PodRefused, match=r'^pods "p" is forbidden: exceeded quota$'):
            await Cluster(api, "science").create(POD)
        with pytest.raises(PodRefused, match=f"^status {status}$"):
            await Cluster(api, "science").create(POD)


async def test_an_api_that_is_busy_has_not_refused_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    server.answers = [(429, b"{}"), (503, b"{}")]
    async with connected(server, monkeypatch) as api:
        for _ in range(2):
            with pytest.raises(ApiUnavailable):
                await Cluster(api, "science").create(POD)
