"""JupyterHub's proxy: nginx with several replicas.

Every route is sent to each replica, and a replica that lost its table is refilled.
"""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from jupyterhub.proxy import Proxy
from traitlets import List, Unicode

from jldhub.front_door.replica import Record, Replica, ReplicaUnavailable, RouteRejected

_POLL_SECONDS = 0.5  # between two polls of a replica, and between two discoveries of replicas
_BATCH_SIZE = 32  # routes that are sent to a replica concurrently
_HUB = "/"

Table = Mapping[str, Record]


def table_path(routespec: str, host_routing: bool = False) -> str:
    """The key in nginx's table for a routespec such as `/user/ad%C3%A9/`: decoded, without a slash at the end."""
    path = unquote(routespec).rstrip("/")
    return f"/{path}" if host_routing and path else path or _HUB


def routespec(path: str, host_routing: bool = False) -> str:
    """The reverse of `table_path`, with JupyterHub's escaping."""
    spec = quote(path, safe="@/~").rstrip("/") + "/"
    return spec.lstrip("/") if host_routing and path != _HUB else spec


def without_activity(table: Table) -> dict[str, Record]:
    """The table as it is sent: nginx adds `last_activity` to each record."""
    return {
        path: {key: value for key, value in record.items() if key != "last_activity"} for path, record in table.items()
    }


def changes(wanted: Table, present: Table) -> tuple[list[str], list[str]]:
    """The paths to put and the paths to delete, so that the table `present` becomes `wanted`."""
    existing = without_activity(present)
    put = [path for path in wanted if existing.get(path) != wanted[path]]
    return put, [path for path in present if path not in wanted]


def newest_activity(tables: list[dict[str, Record]]) -> dict[str, str]:
    """The time of the last use of each route through any replica, ISO 8601 in UTC: as text, the times sort by age."""
    newest: dict[str, str] = {}
    for table in tables:
        for path, record in table.items():
            newest[path] = max(newest.get(path, ""), record.get("last_activity", ""))
    return newest


class FrontDoor(Proxy):
    """Sends every route to every replica.

    A replica that does not answer delays nobody: it is refilled when it answers again.
    """

    apis = List(Unicode(), config=True, help="host:port of the API; each name has the addresses of replicas")
    auth_token = Unicode(config=True, help="The token of the API")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._wanted: dict[str, Record] = {}
        self._version = 0  # incremented with each change of _wanted
        self._complete = False  # whether JupyterHub has checked _wanted against its users and services
        self._replicas: dict[str, tuple[Replica, asyncio.Task[None]]] = {}
        self._discovery: asyncio.Task[None] | None = None

    @property
    def replicas(self) -> list[Replica]:
        return [replica for replica, _ in self._replicas.values()]

    async def start(self) -> None:
        """Take over the routes of filled replicas: labs and their routes outlive the hub."""
        await self._discover()
        for replica in self.replicas:
            try:
                table = await replica.routes()
            except ReplicaUnavailable as reason:
                self.log.warning("The front door at %s is left out for now: %s", replica.address, reason)
                continue
            if _HUB in table:
                self._wanted.update(without_activity(table))
        self._discovery = asyncio.create_task(self._discovery_loop())

    async def stop(self) -> None:
        if self._discovery:
            self._discovery.cancel()
        for address in list(self._replicas):
            await self._remove_replica(address)

    async def add_route(self, routespec: str, target: str, data: Record | None) -> None:
        path = table_path(self.validate_routespec(routespec), self.host_routing)
        self._wanted[path] = {**(data or {}), "target": target, "jupyterhub": True}
        try:
            await self._push(path)
        except RouteRejected:
            self._wanted.pop(path, None)
            raise

    async def delete_route(self, routespec: str) -> None:
        path = table_path(self.validate_routespec(routespec), self.host_routing)
        self._wanted.pop(path, None)
        await self._push(path)

    async def get_all_routes(self) -> dict[str, Any]:
        """The wanted routes, each with its last activity through any replica.

        A replica whose table differs is refilled.
        """
        tables = [table for table in await asyncio.gather(*map(self._table, self.replicas)) if table]
        activity = newest_activity(tables)
        routes = {}
        for path, record in self._wanted.items():
            spec = routespec(path, self.host_routing)
            data = {key: value for key, value in record.items() if key not in ("target", "jupyterhub")}
            if path in activity:
                data["last_activity"] = activity[path]
            routes[spec] = {"routespec": spec, "target": record["target"], "data": data}
        return routes

    async def check_routes(self, *args: Any, **kwargs: Any) -> None:
        """Start to refill replicas after JupyterHub's first check, which removes routes of labs that are gone."""
        await super().check_routes(*args, **kwargs)
        self._complete = True

    async def _table(self, replica: Replica) -> dict[str, Record] | None:
        version = self._version
        try:
            table = await replica.routes()
        except ReplicaUnavailable as reason:
            self._mark_unavailable(replica, reason)
            return None
        if version == self._version and without_activity(table) != self._wanted:
            replica.filled = False
        return table

    async def _push(self, path: str) -> None:
        self._version += 1
        await asyncio.gather(*(self._push_to(replica, path) for replica in self.replicas))

    async def _push_to(self, replica: Replica, path: str) -> None:
        """Send one route to a filled replica.

        A replica that is not filled gets all routes from `_refill_loop`, without delay here.
        """
        if not replica.filled:
            return
        async with replica.lock:
            try:
                if replica.filled:
                    await self._send(replica, path)
            except ReplicaUnavailable as reason:
                self._mark_unavailable(replica, reason)

    async def _send(self, replica: Replica, path: str) -> None:
        record = self._wanted.get(path)
        await (replica.delete(path) if record is None else replica.put(path, record))

    def _mark_unavailable(self, replica: Replica, reason: ReplicaUnavailable) -> None:
        if replica.filled:
            self.log.warning("The front door at %s is left out until it answers: %s", replica.address, reason)
        replica.filled = False

    async def _fill(self, replica: Replica) -> None:
        """Make the replica's table equal to the wanted one. Changes during a round are sent in the next round."""
        replica.filled = False
        version = None
        async with replica.lock:
            while version != self._version:
                version = self._version
                put, delete = changes(self._wanted, await replica.routes())
                ordinary = [*delete, *(path for path in put if path != _HUB)]
                for start in range(0, len(ordinary), _BATCH_SIZE):
                    batch = ordinary[start : start + _BATCH_SIZE]
                    await asyncio.gather(*(self._send_or_log(replica, path) for path in batch))
                if _HUB in put:  # last, because a replica with this route counts as filled
                    await self._send_or_log(replica, _HUB)
            replica.filled = True
        self.log.info("The front door at %s has all %i routes", replica.address, len(self._wanted))

    async def _send_or_log(self, replica: Replica, path: str) -> None:
        try:
            await self._send(replica, path)
        except RouteRejected as reason:
            self.log.error("%s", reason)

    async def _refill_loop(self, replica: Replica) -> None:
        while True:
            try:
                if self._complete and not (replica.filled and await replica.ready()):
                    await self._fill(replica)
            except ReplicaUnavailable as reason:
                self._mark_unavailable(replica, reason)
            except Exception:  # the outermost loop: a bug in one round must not end the loop
                self.log.exception("The front door at %s could not be looked after", replica.address)
            await asyncio.sleep(_POLL_SECONDS)

    async def _discovery_loop(self) -> None:
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            try:
                await self._discover()
            except Exception:  # as above
                self.log.exception("The replicas of the front door could not be found")

    async def _discover(self) -> None:
        """Resolve the names in `apis` to the replicas' addresses.

        A name that does not resolve leaves its replicas unchanged.
        """
        addresses: set[str] = set()
        for api in self.apis:
            host, _, port = api.rpartition(":")
            try:
                results = await asyncio.get_running_loop().getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
            except OSError:
                addresses |= {address for address in self._replicas if address.endswith(f":{port}")}
                continue
            hosts = {str(sockaddr[0]) for *_, sockaddr in results}
            addresses |= {f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts}
        for address in self._replicas.keys() - addresses:
            await self._remove_replica(address)
        for address in addresses - self._replicas.keys():
            replica = Replica(address, self.auth_token)
            self._replicas[address] = replica, asyncio.create_task(self._refill_loop(replica))

    async def _remove_replica(self, address: str) -> None:
        replica, refill = self._replicas.pop(address)
        refill.cancel()
        await replica.close()
