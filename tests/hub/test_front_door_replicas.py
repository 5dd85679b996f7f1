"""A real hub and two real nginx. The lab is a real one, started as a process of its own beside the hub, for want of a cluster."""

import asyncio
import json
import sys
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.ports import free_port

from .browser import Browser, xsrf
from .deployment import PASSWORD, SITE, Deployment
from .front_door import TOKEN, FrontDoor, needs_nginx
from .processes import answers

pytestmark = needs_nginx

# The stand-in for KubeSpawner: the lab is a process. It runs as root where the tests do.
OPERATOR_CONFIG = """
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{homes}/{{username}}"
c.Spawner.cmd = ["{python}", "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root", "--ServerApp.disable_check_xsrf=True"]
c.Spawner.environment = {{"SHELL": "/bin/sh"}}
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.Proxy.extra_routes["/docs/"] = "http://127.0.0.1:9/v2"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("replicas")
    port, api_port = free_port(), free_port()
    doors = [FrontDoor(folder, port, api_port, address) for address in ("127.0.0.2", "127.0.0.3")]
    deployment = Deployment(folder / "hub", {"admins": ["alice"], "dummy": {"users": ["alice", "bob"]}}, doors)
    homes = folder / "homes"
    homes.mkdir()
    deployment.operator_config.write_text(OPERATOR_CONFIG.format(homes=homes, python=sys.executable))
    try:
        deployment.start()
        deployment.wait()
        yield deployment
    finally:
        deployment.stop()


@pytest.fixture
async def browser(site: Deployment) -> AsyncIterator[Browser]:
    async with Browser(site.url) as browser:
        await browser.log_in("alice", PASSWORD)
        yield browser


def doors(site: Deployment) -> list[FrontDoor]:
    return site.doors


def routes(door: FrontDoor) -> set[str]:
    return set(table(door))


def table(door: FrontDoor) -> dict[str, Any]:
    request = urllib.request.Request(f"{door.api_url}/api/routes", headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


async def until(condition: Callable[[], bool], site: Deployment, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, site.hub.log()[-4000:]
        await asyncio.sleep(0.05)


async def start_lab(browser: Browser, site: Deployment) -> None:
    page = await browser.post_json("/hub/api/users/alice/server", {})
    assert page.status in (201, 202, 400), page.text  # 400: it runs already
    await until(lambda: all("/user/alice" in routes(door) for door in doors(site)), site, 120)
    page = await browser.get("/user/alice/lab")  # logs in at the lab
    assert (page.status, page.url.partition("?")[0]) == (200, f"{SITE}/user/alice/lab"), page.text


async def stop_lab(browser: Browser, site: Deployment) -> None:
    token = xsrf(await browser.get("/hub/home"))["_xsrf"]
    await browser.delete(f"/hub/api/users/alice/server?_xsrf={token}")
    await until(lambda: not any("/user/alice" in routes(door) for door in doors(site)), site)


async def run_a_cell(browser: Browser, code: str) -> str:
    """What a kernel prints, over a WebSocket."""
    page = await browser.post_json_to_lab("/user/alice/api/kernels", {})
    assert page.status == 201, page.text
    kernel = json.loads(page.text)["id"]
    message = {
        "header": {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "version": "5.3",
            "username": "",
            "session": "s",
        },
        "parent_header": {},
        "metadata": {},
        "content": {
            "code": code,
            "silent": False,
            "store_history": False,
            "user_expressions": {},
            "allow_stdin": False,
        },
        "channel": "shell",
        "buffers": [],
    }
    async with browser.socket(f"/user/alice/api/kernels/{kernel}/channels") as stream, asyncio.timeout(90):
        await stream.send_json(message)
        async for heard in stream:
            said = json.loads(heard.data)
            if said["msg_type"] == "stream":
                return str(said["content"]["text"])
    raise AssertionError("the kernel said nothing")


async def test_a_lab_is_used_from_start_to_stop(browser: Browser, site: Deployment) -> None:
    await start_lab(browser, site)
    assert await run_a_cell(browser, "print(6 * 7)") == "42\n"
    for door in doors(site):
        async with Browser(door.url) as other:
            await other.log_in("alice", PASSWORD)
            page = await other.get("/user/alice/lab")
            assert page.url.startswith(f"{SITE}/user/alice/lab"), "through each replica"
    await stop_lab(browser, site)
    page = await browser.get("/user/alice/lab")
    assert page.url.startswith(f"{SITE}/hub/user/alice/lab"), page.url
    assert "Start My Server" in page.sentence or "not running" in page.sentence


async def test_a_replica_that_is_killed_is_filled_when_it_is_back(browser: Browser, site: Deployment) -> None:
    await start_lab(browser, site)
    one, other = doors(site)
    other.stop()
    assert (await browser.get("/user/alice/api/status")).status == 200
    other.start()
    assert not answers(f"{other.api_url}/nginx-ready") or "/user/alice" in routes(other), "ready means complete"
    await until(lambda: answers(f"{other.api_url}/nginx-ready"), site)
    assert routes(other) == routes(one)


async def test_a_route_of_the_sites_own_is_told_with_the_path_of_its_target(browser: Browser, site: Deployment) -> None:
    for door in doors(site):
        await until(lambda told=door: "/docs" in routes(told), site)  # type: ignore[misc]
        assert table(door)["/docs"]["target"] == "http://127.0.0.1:9/v2"
    assert "/docs/" in json.loads((await browser.get("/hub/api/proxy")).text)


async def restart(door: FrontDoor, site: Deployment) -> None:
    """And wait until it is filled."""
    door.stop()
    door.start()
    await until(lambda: answers(f"{door.api_url}/nginx-ready"), site)


@pytest.mark.parametrize(
    "change", [{"auth_token": "different!"}, {"api_url": "http://127.0.0.1:9"}], ids=lambda it: next(iter(it))
)
async def test_the_hub_is_told_of_no_other_proxy(browser: Browser, site: Deployment, change: dict[str, str]) -> None:
    (name,) = change
    page = await browser.patch_json("/hub/api/proxy", change)
    assert page.status == 400, page.text
    assert f"The front door's {name} cannot be changed here" in json.loads(page.text)["message"]
    await restart(doors(site)[1], site)


async def test_a_replica_with_another_token_is_told_of_in_the_log(browser: Browser, site: Deployment) -> None:
    await start_lab(browser, site)
    _, other = doors(site)
    told = len(site.hub.log())

    def said(sentence: str) -> list[str]:
        messages = (json.loads(line)["message"] for line in site.hub.log()[told:].splitlines() if line.startswith("{"))
        return [message for message in messages if message.startswith(f"The front door at {other.api} {sentence}")]

    other.stop()
    other.token_file.write_text("34" * 32)
    other.start()
    await until(lambda: any("answers 403" in line for line in said("cannot be filled")), site)
    other.token_file.write_text(TOKEN)
    await until(lambda: answers(f"{other.api_url}/nginx-ready"), site)
    assert routes(other) == routes(doors(site)[0])
    await until(lambda: bool(said("is filled")), site)
    (line,) = [line for line in said("cannot be filled") if "403" in line]
    assert "the same proxyToken" in line


async def test_a_replica_that_is_gone_holds_no_lab_up(browser: Browser, site: Deployment) -> None:
    await start_lab(browser, site)
    await stop_lab(browser, site)
    _, other = doors(site)
    other.stop()
    page = await browser.post_json("/hub/api/users/alice/server", {})
    assert page.status in (201, 202), page.text
    await until(lambda: "/user/alice" in routes(doors(site)[0]), site, 120)
    other.start()
    await until(lambda: "/user/alice" in routes(other), site)


async def test_a_hub_that_restarts_leaves_labs_alone(browser: Browser, site: Deployment) -> None:
    await start_lab(browser, site)
    site.hub.kill()
    page = await browser.get("/user/alice/api/status")
    assert page.status == 200, "without a hub"
    page = await browser.get("/hub/home")
    assert page.status == 503
    assert "the hub is starting" in page.sentence
    site.hub.start()
    site.wait()
    assert (await browser.get("/user/alice/api/status")).status == 200
    await until(lambda: all("/user/alice" in routes(door) for door in doors(site)), site)
    await stop_lab(browser, site)


async def test_a_lab_that_died_unnoticed_gives_the_hubs_page(browser: Browser, site: Deployment) -> None:
    path = doors(site)[0].api_url + "/api/routes/user/bob"
    async with aiohttp.ClientSession(headers={"Authorization": f"token {TOKEN}"}) as session:
        target = {"target": f"http://127.0.0.1:{free_port()}"}
        async with session.post(URL(path), json=target) as answer:
            assert answer.status == 201
        page = await browser.get("/user/bob/lab")
        assert page.status == 503
        assert "Your server appears to be down" in page.sentence
        async with session.delete(URL(path)) as answer:
            assert answer.status == 204
