"""One nginx's route table, over its REST API."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import aiohttp

Record = dict[str, Any]  # what is posted for a route: its target, and the hub's own data

_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=1)


class ReplicaUnavailable(Exception):
    """This nginx does not answer, or not as one of ours."""


class RouteRejected(Exception):
    """nginx says that this cannot be a route, or that there is no room for it."""


class Replica:
    """An nginx at an address. `filled` means that its table is the hub's, and that changes are told to it one by one."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.filled = False
        self.lock = asyncio.Lock()  # changes arrive in the order in which they were made
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers={"Authorization": f"token {token}"})

    async def close(self) -> None:
        await self._session.close()

    async def ready(self) -> bool:
        """Whether it has the hub's own route. One that was restarted has lost it with all others."""
        status, _ = await self._ask("GET", "/nginx-ready")
        return status == 200

    async def routes(self) -> dict[str, Record]:
        """Its table, with the last activity of each route; keys are decoded paths."""
        status, text = await self._ask("GET", "/api/routes")
        if status != 200:
            raise ReplicaUnavailable(f"it answers {status} when it is asked for its routes")
        try:
            found: dict[str, Record] = json.loads(text)
        except ValueError as mistake:
            raise ReplicaUnavailable(f"its routes are no JSON: {mistake}") from mistake
        return found

    async def put(self, path: str, record: Record) -> None:
        status, text = await self._ask("POST", _address(path), json.dumps(record).encode())
        if status in (400, 413, 507):
            raise RouteRejected(f"nginx refuses the route {path}: {status} {text.decode(errors='replace')}")
        if status != 201:
            raise ReplicaUnavailable(f"it answers {status} when it is told a route")

    async def delete(self, path: str) -> None:
        """Gone is what matters: one that was not there is gone too."""
        status, _ = await self._ask("DELETE", _address(path))
        if status not in (204, 404):
            raise ReplicaUnavailable(f"it answers {status} when a route is removed")

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        try:
            async with self._session.request(method, f"http://{self.address}{path}", data=body) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise ReplicaUnavailable(f"{type(failure).__name__}: {failure}") from failure


def _address(path: str) -> str:
    return f"/api/routes{quote(path, safe='/')}"
