"""JupyterHub's proxy: nginx with several replicas.

Every route is sent to each replica, and a replica that lost its table is refilled.
"""

import asyncio
import logging
import socket
from typing import Any
from weakref import WeakValueDictionary

from jupyterhub.proxy import Proxy
from tornado.web import HTTPError
from traitlets import Bunch, List, TraitType, Unicode, validate

from jldhub.front_door.replica import Record, Replica, ReplicaUnavailable, RouteRejected
from jldhub.front_door.table import HUB, changes, newest_activity, routespec, table_path, without_activity
from jldhub.front_door.trouble import Trouble

_POLL_SECONDS = 0.5  # between two polls of a replica, and between two discoveries of replicas
_LONGEST_PAUSE = 10.0  # seconds between two attempts to fill a replica that refuses
_BATCH_SIZE = 32  # routes that are sent to a replica concurrently


class FrontDoor(Proxy):
    """Sends every route to every replica.

    A replica that does not answer delays nobody: it is refilled when it answers again.
    """

    apis = List(Unicode(), config=True, help="host:port of the API; each name has the addresses of replicas")
    # JupyterHub's REST API sets these two to whatever it is sent, which `_keep` refuses with a sentence.
    auth_token: TraitType[Any, Any] = TraitType("", config=True, help="The token of the API")
    api_url: TraitType[Any, Any] = TraitType("", help="What `apis` says here")

    _started = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._wanted: dict[str, Record] = {}
        self._version = 0  # incremented with each change of _wanted
        self._complete = False  # whether JupyterHub has checked _wanted against its users and services
        self._replicas: dict[str, tuple[Replica, asyncio.Task[None]]] = {}
        self._changing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # one change of a path at a time
        self._trouble = Trouble(self.log)
        self._discovery: asyncio.Task[None] | None = None

    @validate("auth_token", "api_url")
    def _keep(self, proposal: Bunch) -> Any:
        """`PATCH /hub/api/proxy` sets both, for another proxy in the place of this one."""
        if self._started:
            raise HTTPError(
                400,
                f"The front door's {proposal.trait.name} cannot be changed here: nginx would refuse the hub from then on. "
                "Its replicas are found in DNS, and their token is read from hub.secret.proxyToken when the hub starts.",
            )
        return proposal.value

    @property
    def replicas(self) -> list[Replica]:
        return [replica for replica, _ in self._replicas.values()]

    async def start(self) -> None:
        """Take over the routes of filled replicas: labs and their routes outlive the hub."""
        self._started = True
        await self._discover()
        for replica in self.replicas:
            try:
                table = await replica.routes()
            except ReplicaUnavailable as reason:
                self._mark_unavailable(replica, reason)
                continue
            if HUB in table:
                self._wanted.update(without_activity(table))
        self._discovery = asyncio.create_task(self._discovery_loop())

    async def stop(self) -> None:
        if self._discovery:
            self._discovery.cancel()
        for address in list(self._replicas):
            await self._remove_replica(address)

    async def add_route(self, routespec: str, target: str, data: Record | None) -> None:
        """Add or replace a route on every replica. When one of them rejects it, all keep what they had."""
        path = table_path(self.validate_routespec(routespec), self.host_routing)
        async with self._changing.setdefault(path, asyncio.Lock()):
            before = self._wanted.get(path)
            try:
                await self._change(path, {**(data or {}), "target": target, "jupyterhub": True})
            except Exception:
                await self._restore(path, before)
                raise

    async def delete_route(self, routespec: str) -> None:
        path = table_path(self.validate_routespec(routespec), self.host_routing)
        async with self._changing.setdefault(path, asyncio.Lock()):
            await self._change(path, None)

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

    async def _change(self, path: str, record: Record | None) -> None:
        """Want this record, or none, and send it. Raises what the first replica raised, once all have answered."""
        if record is None:
            self._wanted.pop(path, None)
        else:
            self._wanted[path] = record
        self._version += 1
        pushes = (self._push_to(replica, path) for replica in self.replicas)
        for failure in await asyncio.gather(*pushes, return_exceptions=True):
            if failure:
                raise failure

    async def _restore(self, path: str, record: Record | None) -> None:
        try:
            await self._change(path, record)
        except RouteRejected as reason:
            self.log.error("The route could not be restored: %s", reason)

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
            except RouteRejected:
                if replica in self.replicas:  # one that has left DNS meanwhile has no say
                    raise

    async def _send(self, replica: Replica, path: str) -> None:
        record = self._wanted.get(path)
        await (replica.delete(path) if record is None else replica.put(path, record))

    def _mark_unavailable(self, replica: Replica, reason: Exception) -> None:
        replica.filled = False
        if replica in self.replicas:
            self._trouble.begin(replica.address, reason)

    async def _fill(self, replica: Replica) -> None:
        """Make the replica's table equal to the wanted one. Changes during a round are sent in the next round.

        Raises ReplicaUnavailable, and RouteRejected for the hub's own route, without which the replica is not filled.
        """
        replica.filled = False
        version = None
        rejections: list[RouteRejected] = []
        async with replica.lock:
            while version != self._version:
                version = self._version
                put, delete = changes(self._wanted, await replica.routes())
                rejections.clear()
                ordinary = [*delete, *(path for path in put if path != HUB)]
                for start in range(0, len(ordinary), _BATCH_SIZE):
                    batch = ordinary[start : start + _BATCH_SIZE]
                    for answer in await asyncio.gather(*(self._rejection(replica, path) for path in batch)):
                        rejections += [answer] if answer else []
                if HUB in put:  # last, because a replica with this route counts as filled
                    await self._send(replica, HUB)
            replica.filled = True
        self._tell_filled(replica, rejections)

    async def _rejection(self, replica: Replica, path: str) -> RouteRejected | None:
        try:
            await self._send(replica, path)
        except RouteRejected as reason:
            return reason
        return None

    def _tell_filled(self, replica: Replica, rejections: list[RouteRejected]) -> None:
        if rejections:
            sentence = "The front door at %s lacks %i of %i routes. The first: %s"
            self.log.error(sentence, replica.address, len(rejections), len(self._wanted), rejections[0])
        # An end is as loud as its beginning.
        level = logging.WARNING if self._trouble.end(replica.address) else logging.INFO
        self.log.log(level, "The front door at %s is filled: %i routes", replica.address, len(self._wanted))

    async def _refill_loop(self, replica: Replica) -> None:
        pause = _POLL_SECONDS
        while True:
            try:
                if self._complete and not (replica.filled and await replica.ready()):
                    await self._fill(replica)
                pause = _POLL_SECONDS
            except Exception as reason:  # the outermost loop: a bug in one round must not end the loop
                self._mark_unavailable(replica, reason)
                # One that is silent may answer at any moment, and then people wait for its routes.
                pause = _POLL_SECONDS if type(reason) is ReplicaUnavailable else min(2 * pause, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

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
        """Forget a replica. Whoever is sending to it, or about to, goes on without it."""
        replica, refill = self._replicas.pop(address)
        refill.cancel()
        replica.filled = False
        self._trouble.end(address)
        await replica.close()
