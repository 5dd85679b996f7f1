"""A client of the route API of one nginx replica."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import aiohttp

Record = dict[str, Any]  # the JSON body for a route: its target, and JupyterHub's data

_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=1)


class ReplicaUnavailable(Exception):
    """The replica does not answer."""


class ReplicaRefuses(ReplicaUnavailable):
    """The replica answers, and does not let the hub fill its table. It may for minutes to come."""


class RouteRejected(Exception):
    """nginx rejects the route as invalid, or its table is full."""


class Replica:
    """The replica at `address`, which is host:port.

    `filled`: its table is complete, so that changes are sent one by one.
    """

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.filled = False
        self.lock = asyncio.Lock()  # keeps changes in order
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0
            ),  # a queue of requests would be cancelled by close(), and its tasks too
            timeout=_TIMEOUT,
            headers={"Authorization": f"token {token}"},
        )

    async def close(self) -> None:
        await self._session.close()

    async def ready(self) -> bool:
        """Whether it has the hub's own route. A restarted nginx has lost all routes."""
        status, _ = await self._request("GET", "/nginx-ready")
        return status == 200

    async def routes(self) -> dict[str, Record]:
        """Its table by decoded path, with `last_activity` in each record. Raises ReplicaUnavailable."""
        status, text = await self._request("GET", "/api/routes")
        if status != 200:
            raise _refusal(status, "it is asked for its routes")
        try:
            table: dict[str, Record] = dict(json.loads(text))
        except (ValueError, TypeError) as mistake:
            raise ReplicaRefuses(f"its routes are no JSON, as JLD's nginx writes them: {mistake}") from mistake
        return table

    async def put(self, path: str, record: Record) -> None:
        """Add or replace a route. Raises RouteRejected and ReplicaUnavailable."""
        status, text = await self._request("POST", _route_path(path), json.dumps(record).encode())
        if status in (400, 413, 507):
            raise RouteRejected(f"nginx refuses the route {path}: {status} {text.decode(errors='replace')}")
        if status != 201:
            raise _refusal(status, "it is told a route")

    async def delete(self, path: str) -> None:
        """Delete a route; one that does not exist is no error. Raises ReplicaUnavailable."""
        status, _ = await self._request("DELETE", _route_path(path))
        if status not in (204, 404):
            raise _refusal(status, "a route is removed")

    async def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of the response."""
        if self._session.closed:  # it left DNS while a route was on its way to it
            raise ReplicaUnavailable("it is no longer in DNS")
        try:
            async with self._session.request(method, f"http://{self.address}{path}", data=body) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise ReplicaUnavailable(f"{type(failure).__name__}: {failure}") from failure


def _refusal(status: int, when: str) -> ReplicaRefuses:
    if status in (401, 403):
        return ReplicaRefuses(
            f"it answers {status} when {when}: its token is not the hub's. A new one reaches nginx within two minutes. "
            "If it does not, give both the same proxyToken (hub.existingSecret, nginx.routes.existingSecret), then restart "
            "the hub, which reads it when it starts"
        )
    return ReplicaRefuses(f"it answers {status} when {when}: look whether JLD's nginx listens there, and at its log")


def _route_path(path: str) -> str:
    return f"/api/routes{quote(path, safe='/')}"
