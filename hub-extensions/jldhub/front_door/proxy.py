"""JupyterHub's proxy is nginx, in several copies: each is told every route, and filled anew when it starts or lost its table."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from jupyterhub.proxy import Proxy
from traitlets import List, Unicode

from jldhub.front_door.replica import Record, Replica, ReplicaUnavailable, RouteRejected

_POLL_SECONDS = 0.5  # between two looks at a replica, and at which replicas there are
_BATCH_SIZE = 32  # routes that are told to a replica together
_HUB = "/"

Table = Mapping[str, Record]


def table_path(routespec: str, host_routing: bool = False) -> str:
    """`/user/ad%C3%A9/` as the key in nginx's table: decoded, without a slash at its end."""
    path = unquote(routespec).rstrip("/")
    return f"/{path}" if host_routing and path else path or _HUB


def routespec(path: str, host_routing: bool = False) -> str:
    """The reverse, escaped as JupyterHub escapes."""
    spec = quote(path, safe="@/~").rstrip("/") + "/"
    return spec.lstrip("/") if host_routing and path != _HUB else spec


def without_activity(table: Table) -> dict[str, Record]:
    return {
        path: {key: value for key, value in record.items() if key != "last_activity"} for path, record in table.items()
    }


def changes(wanted: Table, found: Table) -> tuple[list[str], list[str]]:
    """The paths to tell and those to remove, so that `found` becomes `wanted`."""
    have = without_activity(found)
    tell = [path for path in wanted if have.get(path) != wanted[path]]
    return tell, [path for path in found if path not in wanted]


def newest_activity(tables: list[dict[str, Record]]) -> dict[str, str]:
    """When each route was last used, through whichever replica. All write moments alike, so text compares as time does."""
    newest: dict[str, str] = {}
    for table in tables:
        for path, record in table.items():
            newest[path] = max(newest.get(path, ""), record.get("last_activity", ""))
    return newest


class FrontDoor(Proxy):
    """Every route on every replica. A replica that is gone holds nobody up: it is filled when it is back."""

    apis = List(Unicode(), config=True, help="host:port of the API; each name has the addresses of replicas")
    auth_token = Unicode(config=True, help="The token of the API")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._wanted: dict[str, Record] = {}
        self._version = 0  # counts the changes of _wanted
        self._complete = False  # whether the hub has checked _wanted against its labs
        self._replicas: dict[str, tuple[Replica, asyncio.Task[None]]] = {}
        self._discovery: asyncio.Task[None] | None = None

    @property
    def replicas(self) -> list[Replica]:
        return [replica for replica, _ in self._replicas.values()]

    async def start(self) -> None:
        """Begin with what filled replicas know: labs outlive the hub, and so do their routes."""
        await self._discover()
        for replica in self.replicas:
            try:
                found = await replica.routes()
            except ReplicaUnavailable as reason:
                self.log.warning("The front door at %s is left out for now: %s", replica.address, reason)
                continue
            if _HUB in found:
                self._wanted.update(without_activity(found))
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
        """What every replica ought to have, with the last use through any of them. One that has something else is filled anew."""
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
        """After the first check the table is the hub's own, and replicas that lack something are filled from it."""
        await super().check_routes(*args, **kwargs)
        self._complete = True

    async def _table(self, replica: Replica) -> dict[str, Record] | None:
        version = self._version
        try:
            found = await replica.routes()
        except ReplicaUnavailable as reason:
            self._mark_unavailable(replica, reason)
            return None
        if version == self._version and without_activity(found) != self._wanted:
            replica.filled = False
        return found

    async def _push(self, path: str) -> None:
        self._version += 1
        await asyncio.gather(*(self._push_to(replica, path) for replica in self.replicas))

    async def _push_to(self, replica: Replica, path: str) -> None:
        """Nothing is told to a replica that is not filled: it gets everything when it is, and nobody waits for that."""
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
        """Make its table the wanted one. What changes meanwhile is seen in the next round."""
        replica.filled = False
        version = None
        async with replica.lock:
            while version != self._version:
                version = self._version
                tell, remove = changes(self._wanted, await replica.routes())
                ordinary = [*remove, *(path for path in tell if path != _HUB)]
                for start in range(0, len(ordinary), _BATCH_SIZE):
                    together = ordinary[start : start + _BATCH_SIZE]
                    await asyncio.gather(*(self._send_or_log(replica, path) for path in together))
                if _HUB in tell:  # last: it says that the table is complete
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
            except Exception:  # the outermost loop: a flaw in one round must not end all others
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
        """Which replicas there are, by the addresses of their names. A name that nobody knows just now changes nothing."""
        addresses: set[str] = set()
        for api in self.apis:
            host, _, port = api.rpartition(":")
            try:
                found = await asyncio.get_running_loop().getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
            except OSError:
                addresses |= {address for address in self._replicas if address.endswith(f":{port}")}
                continue
            hosts = {str(place[0]) for *_, place in found}
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
