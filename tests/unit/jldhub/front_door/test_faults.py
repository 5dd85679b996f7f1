"""Replicas that leave, reject a route, or refuse the hub. They are stand-ins that the hub reaches over HTTP."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace

import pytest
from jldhub.front_door import proxy as module
from jldhub.front_door.proxy import FrontDoor
from jldhub.front_door.replica import ReplicaUnavailable, RouteRejected
from prometheus_client import REGISTRY
from tornado.web import HTTPError

from tests.standins.front_door import Nginx

LAB = "http://10.0.0.1:8888"
HUB = SimpleNamespace(routespec="/", host="http://jld-hub:8081")
OLD = {"user": "ada", "target": LAB, "jupyterhub": True}
LOG = logging.getLogger("hub")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    caplog.set_level(logging.INFO)


@asynccontextmanager
async def doors(count: int = 2) -> AsyncIterator[tuple[FrontDoor, list[Nginx]]]:
    """A hub's side whose labs are checked, and its replicas."""
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(Nginx()) for _ in range(count)]
        app = SimpleNamespace(hub=HUB, subdomain_host="")
        door = FrontDoor(app=app, hub=HUB, apis=[each.api for each in replicas], auth_token="t", log=LOG)
        await door.start()
        stack.push_async_callback(door.stop)
        await door.check_routes({}, {}, None)
        yield door, replicas


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def filled(door: FrontDoor) -> None:
    await until(lambda: all(each.filled for each in door.replicas))


async def leave(door: FrontDoor, gone: Nginx) -> None:
    door.apis = [api for api in door.apis if api != gone.api]
    await until(lambda: gone.api not in [each.address for each in door.replicas])


def unfilled() -> float | None:
    return REGISTRY.get_sample_value("jld_front_door_unfilled_replicas")


# A replica that leaves DNS.
async def test_one_that_leaves_with_a_route_in_line_fails_no_start() -> None:
    async with doors() as (door, (one, other)):
        await filled(door)
        client = next(each for each in door.replicas if each.address == other.api)
        async with client.lock:  # another change is under way
            adding = asyncio.create_task(door.add_route("/user/ada/", LAB, {"user": "ada"}))
            await until(lambda: "/user/ada" in one.table)
            await leave(door, other)
        await adding
        assert "/user/ada/" in await door.get_all_routes()
        assert one.table["/user/ada"] == OLD


async def test_one_that_leaves_with_a_route_under_way_fails_no_start() -> None:
    async with doors() as (door, (one, other)):
        await filled(door)
        other.goes_on.clear()
        adding = [asyncio.create_task(door.add_route(f"/user/{number}/", LAB, {})) for number in range(3)]
        await other.holds.wait()
        await leave(door, other)
        await asyncio.gather(*adding)
        assert set(one.table) == {"/", "/user/0", "/user/1", "/user/2"}


async def test_one_that_leaves_while_routes_are_listed_fails_no_list() -> None:
    async with doors() as (door, (_, other)):
        await filled(door)
        client = next(each for each in door.replicas if each.address == other.api)
        listing = asyncio.create_task(door.get_all_routes())
        await asyncio.sleep(0)  # it knows its replicas, and has asked none
        await client.close()
        assert list(await listing) == ["/"]
        with pytest.raises(ReplicaUnavailable):
            await client.put("/", OLD)


async def test_one_that_left_is_in_trouble_no_more() -> None:
    async with doors() as (door, (_, other)):
        other.status = 403
        await door.add_route("/user/ada/", LAB, {})
        await until(lambda: unfilled() == 1)
        await leave(door, other)
        assert unfilled() == 0


# A route that a replica rejects.
@pytest.mark.parametrize("before", [OLD, None], ids=["replaces one", "is new"])
@pytest.mark.parametrize("failure", ["rejected by one", "not JSON"])
async def test_an_add_that_fails_leaves_what_was_there(before: dict[str, object] | None, failure: str) -> None:
    async with doors() as (door, replicas):
        await filled(door)
        if before:
            await door.add_route("/user/ada/", LAB, {"user": "ada"})
        expected = {"/": replicas[0].table["/"], **({"/user/ada": before} if before else {})}
        routes = await door.get_all_routes()
        replicas[1].rejects = "10.9.9.9"
        with pytest.raises(RouteRejected if failure == "rejected by one" else TypeError):
            await door.add_route(
                "/user/ada/", "http://10.9.9.9:1", {} if failure == "rejected by one" else {"x": object}
            )
        assert json.dumps(await door.get_all_routes()) == json.dumps(routes)
        assert [each.table for each in replicas] == [expected] * 2


async def test_changes_of_one_route_end_in_the_last_that_was_accepted() -> None:
    async with doors() as (door, replicas):
        await filled(door)
        replicas[1].rejects = "10.9.9"
        targets = [f"http://10.{9 if number % 3 else 0}.9.{number}:1" for number in range(20)]
        results = await asyncio.gather(
            *(door.add_route("/user/ada/", target, {}) for target in targets), return_exceptions=True
        )
        accepted = [target for target, result in zip(targets, results, strict=True) if result is None]
        assert len(accepted) == 7
        assert {each.table["/user/ada"]["target"] for each in replicas} == {accepted[-1]}
        assert (await door.get_all_routes())["/user/ada/"]["target"] == accepted[-1]


async def test_routes_that_a_replica_lacks_are_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with doors(1) as (door, (only,)):
        await filled(door)
        for number in range(40):
            await door.add_route(f"/user/{number}/", LAB, {})
        only.table, only.rejects = {}, "10.0.0.1"
        await until(lambda: "/" in only.table and "lacks" in caplog.text)
        (line,) = [record.message for record in caplog.records if "lacks" in record.message]
        assert line.startswith(
            f"The front door at {only.api} lacks 40 of 41 routes. The first: nginx refuses the route /"
        )


# A replica that the hub cannot fill.
@pytest.mark.parametrize(
    ("status", "sentence"),
    [(403, "answers 403 when it is asked for its routes: its token is not the hub's"), (404, "404"), (500, "500")],
)
async def test_one_that_cannot_be_filled_is_told_once_and_counted(
    caplog: pytest.LogCaptureFixture, status: int, sentence: str
) -> None:
    async with doors() as (door, (one, other)):
        await filled(door)
        assert unfilled() == 0
        caplog.clear()
        other.status, other.table, other.asked = status, {}, 0
        await until(lambda: other.asked > 5)
        (told,) = [record for record in caplog.records if other.api in record.message]
        assert (told.levelname, unfilled()) == ("ERROR", 1)
        assert sentence in told.message
        await door.add_route("/user/ada/", LAB, {"user": "ada"})  # nobody is held up
        other.status = None
        await until(lambda: other.table == one.table)
        await filled(door)
        _, recovery = [record for record in caplog.records if other.api in record.message]
        assert (recovery.levelname, unfilled()) == ("WARNING", 0)
        assert recovery.message == f"The front door at {other.api} is filled: 2 routes"


async def test_one_that_rejects_the_hubs_own_route_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with doors() as (door, (one, other)):
        await filled(door)
        caplog.clear()
        other.table, other.rejects, other.asked = {}, "jld-hub", 0
        await until(lambda: other.asked > 8)
        (told,) = [record for record in caplog.records if other.api in record.message]
        assert (told.levelname, unfilled()) == ("ERROR", 1)
        assert "nginx refuses the route /: 507" in told.message
        other.rejects = ""
        await until(lambda: other.table == one.table)


async def test_one_that_never_answers_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with Nginx() as gone:
        api = gone.api
    tries = 0

    class Counted(module.Replica):
        async def routes(self) -> dict[str, dict[str, object]]:
            nonlocal tries
            tries += 1
            return await super().routes()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Replica", Counted)
        async with doors(1) as (door, _):
            door.apis = [*door.apis, api]
            await until(lambda: tries > 8)
            (told,) = [record for record in caplog.records if api in record.message]
            assert (told.levelname, unfilled()) == ("WARNING", 1)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(403, [0.02, 0.04, 0.08, 0.16, 0.3, 0.3]), (None, [0.01] * 6)],
    ids=["refuses", "is silent"],
)
async def test_who_refuses_is_asked_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch, status: int | None, expected: list[float]
) -> None:
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.3)
    sleep = asyncio.sleep
    pauses: list[float] = []

    async def in_no_time(seconds: float) -> None:
        task = asyncio.current_task()
        if task and "refill" in str(task.get_coro()):
            pauses.append(seconds)
        await sleep(0)

    async with doors(1) as (door, (only,)):
        await filled(door)
        only.status, only.table = status, {}
        if status is None:
            await only.stop()
        monkeypatch.setattr(asyncio, "sleep", in_no_time)
        async with asyncio.timeout(30):
            while len(pauses) < 8:
                await sleep(0.005)
        monkeypatch.setattr(asyncio, "sleep", sleep)
    first = pauses.index(expected[0])  # perhaps after one when all was well
    assert pauses[first : first + 6] == expected


# `PATCH /hub/api/proxy` sets these.
@pytest.mark.parametrize("value", ["another", "", None, 7, {}])
@pytest.mark.parametrize("name", ["auth_token", "api_url"])
async def test_a_running_front_door_is_not_exchanged(name: str, value: object) -> None:
    async with doors(1) as (door, _):
        before = getattr(door, name)
        with pytest.raises(HTTPError, match=f"The front door's {name} cannot be changed") as refused:
            setattr(door, name, value)
        assert (refused.value.status_code, getattr(door, name)) == (400, before)
