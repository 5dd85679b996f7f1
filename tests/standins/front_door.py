"""A stand-in for one nginx: its API of routes, over HTTP. It can refuse every token, reject routes, and hold its answers back."""

import asyncio
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer


class Nginx:
    """One replica. It listens from `async with` on."""

    def __init__(self) -> None:
        self.table: dict[str, dict[str, Any]] = {}
        self.asked = 0  # how often, with or without success
        self.status: int | None = None  # what is answered to everything, instead of what is right
        self.rejects = ""  # a route whose target has this in it finds no room
        self.holds = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        app = web.Application()
        app.router.add_get("/nginx-ready", self._tell_readiness)
        app.router.add_route("*", "/api/routes{path:.*}", self._serve)
        self._server = TestServer(app, host="127.0.0.1")

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, it: object, trace: TracebackType | None) -> None:
        await self.stop()

    async def stop(self) -> None:
        self.goes_on.set()
        await self._server.close()

    @property
    def api(self) -> str:
        return f"127.0.0.1:{self._server.port}"

    async def _tell_readiness(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if "/" in self.table else 503)

    async def _serve(self, request: web.Request) -> web.Response:
        self.asked += 1
        if not self.goes_on.is_set():
            self.holds.set()
            await self.goes_on.wait()
        if self.status:
            return web.Response(status=self.status)
        path = request.match_info["path"] or "/"
        if request.method == "GET":
            return web.json_response({name: {**record, "last_activity": "2026"} for name, record in self.table.items()})
        if request.method == "DELETE":
            return web.Response(status=404 if self.table.pop(path, None) is None else 204)
        record = await request.json()
        if self.rejects and self.rejects in record["target"]:
            return web.Response(status=507)
        self.table[path] = record
        return web.Response(status=201)
