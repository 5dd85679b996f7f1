"""A client of the route API of one nginx replica."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import aiohttp

Record = dict[str, Any]  # the JSON body for a route: its target, and JupyterHub's data

_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=1)


class ReplicaUnavailable(Exception):
    """The replica does not answer, or its response is not that of JLD's nginx."""


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
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers={"Authorization": f"token {token}"})

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
            raise ReplicaUnavailable(f"it answers {status} when it is asked for its routes")
        try:
            table: dict[str, Record] = json.loads(text)
        except ValueError as mistake:
            raise ReplicaUnavailable(f"its routes are no JSON: {mistake}") from mistake
        return table

    async def put(self, path: str, record: Record) -> None:
        """Add or replace a route. Raises RouteRejected and ReplicaUnavailable."""
        status, text = await self._request("POST", _route_path(path), json.dumps(record).encode())
        if status in (400, 413, 507):
            raise RouteRejected(f"nginx refuses the route {path}: {status} {text.decode(errors='replace')}")
        if status != 201:
            raise ReplicaUnavailable(f"it answers {status} when it is told a route")

    async def delete(self, path: str) -> None:
        """Delete a route; one that does not exist is no error. Raises ReplicaUnavailable."""
        status, _ = await self._request("DELETE", _route_path(path))
        if status not in (204, 404):
            raise ReplicaUnavailable(f"it answers {status} when a route is removed")

    async def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of the response."""
        try:
            async with self._session.request(method, f"http://{self.address}{path}", data=body) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise ReplicaUnavailable(f"{type(failure).__name__}: {failure}") from failure


def _route_path(path: str) -> str:
    return f"/api/routes{quote(path, safe='/')}"
