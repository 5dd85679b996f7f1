"""The hub and several nginx: what each is told, and when. The replicas here are stand-ins without a network."""

import asyncio
import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jldhub.front_door import proxy
from jldhub.front_door.proxy import FrontDoor, changes, newest_activity, routespec, table_path
from jldhub.front_door.replica import Record, ReplicaUnavailable, RouteRejected

HUB: Record = {"hub": True, "target": "http://jld-hub:8081", "jupyterhub": True}
ADA: Record = {"user": "ada", "target": "http://10.0.0.1:8888", "jupyterhub": True}


class StandIn:
    """A replica that can be gone, restarted, or hold back its answers."""

    def __init__(self) -> None:
        self.table: dict[str, Record] = {}
        self.told: list[str] = []
        self.gone = False
        self.full = False
        self.answers = asyncio.Event()
        self.answers.set()

    def restart(self) -> None:
        self.table, self.told = {}, []


class Client(StandIn):
    """What the hub holds of one; the same process behind every address is what `stand_ins` says."""

    stand_ins: dict[str, StandIn] = {}  # noqa: RUF012 - set by the fixture for each test

    def __init__(self, address: str, token: str) -> None:
        self.address, self.filled, self.lock = address, False, asyncio.Lock()
        self.token = token

    @property
    def there(self) -> StandIn:
        found = self.stand_ins[self.address]
        if found.gone:
            raise ReplicaUnavailable("it is gone")
        return found

    async def close(self) -> None:
        pass

    async def ready(self) -> bool:
        return "/" in self.there.table

    async def routes(self) -> dict[str, Record]:
        await asyncio.sleep(0)
        return {path: {**copy.deepcopy(record), "last_activity": "2026"} for path, record in self.there.table.items()}

    async def put(self, path: str, record: Record) -> None:
        await asyncio.sleep(0)
        await self.there.answers.wait()
        if "bad" in record["target"] or self.there.full:
            raise RouteRejected(path)
        self.there.table[path] = record
        self.there.told.append(path)

    async def delete(self, path: str) -> None:
        await asyncio.sleep(0)
        self.there.table.pop(path, None)


@pytest.fixture
def replicas(monkeypatch: pytest.MonkeyPatch) -> dict[str, StandIn]:
    found = {"127.0.0.2:8001": StandIn(), "127.0.0.3:8001": StandIn()}
    monkeypatch.setattr(Client, "stand_ins", found)
    monkeypatch.setattr(proxy, "Replica", Client)
    monkeypatch.setattr(proxy, "_POLL_SECONDS", 0.01)
    return found


class Site:
    """The hub's side, with as much of a hub as check_routes() reads."""

    def __init__(self, apis: list[str]) -> None:
        hub = SimpleNamespace(routespec="/", host=HUB["target"])
        self.proxy = FrontDoor(app=SimpleNamespace(hub=hub, subdomain_host=""), hub=hub, apis=apis, auth_token="t")

    async def __aenter__(self) -> FrontDoor:
        await self.proxy.start()
        return self.proxy

    async def __aexit__(self, *_: object) -> None:
        await self.proxy.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def test_names_are_escaped_as_jupyterhub_does() -> None:
    for spec, path in {"/": "/", "/user/ad%C3%A9/": "/user/adé", "/user/a@b~c/": "/user/a@b~c"}.items():
        assert (table_path(spec), routespec(path)) == (path, spec)
    assert (table_path("ada.example.org/x/", True), routespec("/ada.example.org/x", True)) == (
        "/ada.example.org/x",
        "ada.example.org/x/",
    )


def test_changes_are_what_differs_and_activity_is_no_difference() -> None:
    found = {"/": {**HUB, "last_activity": "2026"}, "/user/ada": {**ADA, "target": "http://old:1"}, "/user/eve": ADA}
    assert changes({"/": HUB, "/user/ada": ADA, "/user/bob": ADA}, found) == (["/user/ada", "/user/bob"], ["/user/eve"])


def test_the_last_use_through_any_replica_counts() -> None:
    tables: list[dict[str, Record]] = [
        {"/a": {"last_activity": "2026-01-01T00:00:00.000Z"}},
        {"/a": {"last_activity": "2026-01-02T00:00:00.000Z"}, "/b": {"last_activity": "2025-01-01T00:00:00.000Z"}},
    ]
    assert newest_activity(tables) == {"/a": "2026-01-02T00:00:00.000Z", "/b": "2025-01-01T00:00:00.000Z"}


async def test_every_replica_has_every_route_and_the_hubs_last(replicas: dict[str, StandIn]) -> None:
    async with Site(list(replicas)) as proxy:
        await proxy.add_route("/user/ada/", ADA["target"], {"user": "ada"})
        assert [each.table for each in replicas.values()] == [{}, {}], "not before the hub has checked its labs"
        await proxy.check_routes({}, {}, await proxy.get_all_routes())
        await proxy.add_route("/user/ada/", ADA["target"], {"user": "ada"})
        await until(lambda: all(each.table == {"/": HUB, "/user/ada": ADA} for each in replicas.values()))
        await proxy.delete_route("/user/ada/")
        assert [each.table for each in replicas.values()] == [{"/": HUB}] * 2


async def test_one_that_restarts_is_filled_and_the_hubs_route_told_last(replicas: dict[str, StandIn]) -> None:
    async with Site(list(replicas)) as proxy:
        await proxy.check_routes({}, {}, None)
        for number in range(100):
            await proxy.add_route(f"/user/{number}/", ADA["target"], {})
        one, other = replicas.values()
        await until(lambda: len(one.table) == len(other.table) == 101)
        one.restart()
        await until(lambda: len(one.table) == 101)
        assert one.told[-1] == "/"
        assert one.table == other.table


async def test_one_that_is_gone_holds_nobody_up_and_is_filled_when_it_is_back(replicas: dict[str, StandIn]) -> None:
    one, other = replicas.values()
    async with Site(list(replicas)) as proxy:
        await proxy.check_routes({}, {}, None)
        await until(lambda: "/" in one.table and "/" in other.table)
        one.gone = True
        await proxy.add_route("/user/ada/", ADA["target"], {"user": "ada"})
        await until(lambda: "/user/ada" in other.table)
        assert "/user/ada/" in await proxy.get_all_routes()
        one.gone = False
        await until(lambda: one.table == other.table == {"/": HUB, "/user/ada": ADA})


async def test_with_no_replica_at_all_the_hub_goes_on(replicas: dict[str, StandIn]) -> None:
    for each in replicas.values():
        each.gone = True
    async with Site([*replicas, "no.such.name.invalid:8001"]) as proxy:
        assert await proxy.get_all_routes() == {}
        await proxy.check_routes({}, {}, None)
        await proxy.add_route("/user/ada/", ADA["target"], {"user": "ada"})
        assert list(await proxy.get_all_routes()) == ["/", "/user/ada/"]


async def test_a_hub_that_restarts_goes_on_with_the_routes_that_are_there(replicas: dict[str, StandIn]) -> None:
    for each in replicas.values():
        each.table = {"/": HUB, "/user/ada": ADA}
    async with Site(list(replicas)) as proxy:
        routes = await proxy.get_all_routes()
        assert routes["/user/ada/"] == {
            "routespec": "/user/ada/",
            "target": ADA["target"],
            "data": {"user": "ada", "last_activity": "2026"},
        }
        await asyncio.sleep(0.05)
        assert [each.told for each in replicas.values()] == [[], []]


async def test_one_that_has_something_else_is_put_right(replicas: dict[str, StandIn]) -> None:
    async with Site(list(replicas)) as proxy:
        await proxy.check_routes({}, {}, None)
        one, other = replicas.values()
        await until(lambda: "/" in one.table and "/" in other.table)
        one.table["/user/mallory"] = ADA
        await proxy.get_all_routes()
        await until(lambda: one.table == {"/": HUB})


async def test_a_route_that_nginx_refuses_fails_the_spawn_and_is_forgotten(replicas: dict[str, StandIn]) -> None:
    async with Site(list(replicas)) as proxy:
        await proxy.check_routes({}, {}, None)
        await until(lambda: all("/" in each.table for each in replicas.values()))
        await until(lambda: all(each.filled for each in proxy.replicas))
        with pytest.raises(RouteRejected):
            await proxy.add_route("/user/ada/", "bad", {})
        assert list(await proxy.get_all_routes()) == ["/"]


async def test_one_that_has_left_dns_meanwhile_refuses_nothing(replicas: dict[str, StandIn]) -> None:
    one, other = replicas.values()
    async with Site(list(replicas)) as proxy:
        await proxy.check_routes({}, {}, None)
        await until(lambda: all(each.filled for each in proxy.replicas))
        other.full = True
        other.answers.clear()
        adding = asyncio.create_task(proxy.add_route("/user/ada/", ADA["target"], {"user": "ada"}))
        await until(lambda: "/user/ada" in one.table)
        proxy.apis = proxy.apis[:1]
        await until(lambda: len(proxy.replicas) == 1)
        other.answers.set()
        await adding
        assert one.table == {"/": HUB, "/user/ada": ADA}


def test_a_route_without_a_host_is_refused_where_hosts_route() -> None:
    proxy: Any = Site([]).proxy
    proxy.host_routing = True
    with pytest.raises(ValueError, match="without host"):
        proxy.validate_routespec("/user/ada/")
