"""Services with tokens and roles, named servers, administrators' access to labs, and blocked people, on a real hub."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.ports import free_port

from .browser import Browser, Page
from .conftest import GitHub, Hubs
from .deployment import PASSWORD, Deployment
from .front_door import needs_nginx
from .labs import LabHub, Program

pytestmark = [needs_nginx, pytest.mark.slow]

TOKENS = {"user-list": "a1" * 32, "announcement": "b2" * 32, "grader": "c3" * 32}
PAGES_PORT = free_port()
HUB: dict[str, Any] = {
    "services": {
        "user-list": {"scopes": ["list:users"]},
        "announcement": {"url": f"http://localhost:{PAGES_PORT}", "allowAll": True},
        "grader": {},
    },
    "roles": {
        "graders": {"scopes": ["servers!user=bob"], "services": ["grader"]},
        "teachers": {"scopes": ["read:servers", "list:users", "delete:servers"], "users": ["Bob"]},
    },
    "namedServers": {"limit": 2},
}


def lab_hub(directory: Path, config: str = "") -> LabHub:
    hub = LabHub(directory, ["alice", "bob", "mallory"], config)
    hub.change_settings(lambda document: document["hub"].update(HUB))
    for name, token in TOKENS.items():
        (hub.deployment.secrets / f"service.{name}").write_text(token)
    return hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHub]:
    hub = lab_hub(tmp_path_factory.mktemp("services"))
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


def restart(hub: LabHub, change: Callable[[Any], object]) -> None:
    hub.change_settings(change)
    hub.deployment.restart_hub()


async def log_in(browser: Browser, name: str) -> Page:
    return await browser.log_in(name, PASSWORD)


async def test_a_service_reads_the_user_list_and_does_no_more(hub: LabHub) -> None:
    async with Program(hub.deployment.url, TOKENS["user-list"]) as client:
        status, people = await client.ask("GET", "users")
        assert (status, sorted(each["name"] for each in people)) == (200, ["alice", "bob", "mallory"])
        assert {key for each in people for key in each} == {"kind", "name", "admin", "user_info"}
        assert (await client.ask("POST", "users/bob/server"))[0] in (403, 404)
        assert (await client.ask("DELETE", "users/bob"))[0] in (403, 404)
        assert (await client.ask("GET", "proxy"))[0] == 403
    async with Program(hub.deployment.url, "d4" * 32) as stranger:
        assert (await stranger.ask("GET", "users"))[0] == 403


async def test_a_role_gives_a_service_and_a_person_what_it_says(hub: LabHub) -> None:
    async with Program(hub.deployment.url, TOKENS["grader"]) as grader, Browser(hub.deployment.url) as bob:
        assert (await grader.ask("GET", "users"))[0] == 403
        assert await grader.start_lab("bob") in (201, 202)
        assert await grader.start_lab("alice") in (403, 404)
        await log_in(bob, "bob")
        page = await bob.get("/hub/api/users")
        assert sorted(each["name"] for each in json.loads(page.text)) == ["alice", "bob", "mallory"]
        async with asyncio.timeout(60):
            while (await grader.ask("DELETE", "users/bob/server"))[0] not in (202, 204):
                await asyncio.sleep(0.5)


async def test_the_front_door_leads_to_the_pages_of_a_service_and_the_hub_logs_people_in_for_it(
    hub: LabHub,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"announced at {request.path}")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app, port=PAGES_PORT), Browser(hub.deployment.url) as bob:
        async with asyncio.timeout(30):  # the front door is told within a second
            while (page := await bob.get("/services/announcement/x")).status != 200:
                await asyncio.sleep(0.2)
        assert (page.status, page.text) == (200, "announced at /services/announcement/x")
        assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
        await log_in(bob, "bob")
        asked = "/hub/api/oauth2/authorize?client_id=service-announcement&response_type=code&redirect_uri="
        page = await bob.get(f"{asked}/services/announcement/oauth_callback", follow=False)
        assert (page.status, "announcement" in page.sentence) == (200, True)
        page = await bob.get(f"{asked}https://elsewhere.example.org/oauth_callback", follow=False)
        assert page.status == 400


async def test_named_servers_start_up_to_the_limit_on_one_home_and_are_routed(hub: LabHub) -> None:
    async with Program(hub.deployment.url) as client, Browser(hub.deployment.url) as bob:
        for name in ("first", "second"):
            status, _ = await client.ask("POST", f"users/bob/servers/{name}", {"profile": "tiny"})
            assert status in (201, 202)
        status, told = await client.ask("POST", "users/bob/servers/third", {"profile": "tiny"})
        assert (status, "maximum of 2 named servers" in told["message"]) == (400, True)
        async with asyncio.timeout(60):
            while not all([(await client.server("bob", name)).get("ready") for name in ("first", "second")]):
                await asyncio.sleep(0.2)
        pods = {pod["metadata"]["name"]: pod for pod in hub.kubernetes.pods()}
        assert {"jld-lab-bob--first", "jld-lab-bob--second"} <= pods.keys()
        homes = [
            mount["subPath"]
            for name in ("jld-lab-bob--first", "jld-lab-bob--second")
            for mount in pods[name]["spec"]["containers"][0]["volumeMounts"]
            if mount["name"] == "volume-home" or mount["mountPath"].startswith("/home")
        ]
        assert set(homes) == {"bob"}
        secrets = {secret["metadata"]["name"].rpartition("-")[0] for secret in hub.kubernetes.objects("secrets")}
        assert {"jld-lab-bob--first", "jld-lab-bob--second"} <= secrets
        await log_in(bob, "bob")
        for name in ("first", "second"):
            assert (await bob.get(f"/user/bob/{name}/api")).status == 200
        assert (await bob.get("/user/bob/third/api")).status in (404, 424, 503)
        assert (await bob.get("/hub/spawn/bob/first")).status == 200


async def test_administrators_enter_labs_of_others_only_where_the_site_says_so(hub: LabHub) -> None:
    """Not by a token in the person's name, by another name, or by what the hub keeps of a login, either."""
    lab = "/hub/api/oauth2/authorize?client_id=jupyterhub-user-bob-entered&response_type=code"
    async with Program(hub.deployment.url) as client:
        await client.ask("DELETE", "users/bob/servers/first", {"remove": True})
        async with asyncio.timeout(60):  # until the other one's name is free
            while (await client.ask("POST", "users/bob/servers/entered", {"profile": "tiny"}))[0] not in (201, 202):
                await asyncio.sleep(0.5)

    async def powers() -> list[bool]:
        async with Browser(hub.deployment.url) as alice:
            await log_in(alice, "alice")
            assert (await alice.get("/hub/admin")).status == 200
            assert json.loads((await alice.get("/hub/api/users/bob")).text)["name"] == "bob"
            entered = (await alice.get(lab, follow=False)).status != 403
            token = (await alice.post_json("/hub/api/users/bob/tokens", {})).status < 300
            renamed = (await alice.patch_json("/hub/api/users/mallory", {"name": "other"})).status < 300
            if renamed:
                await alice.patch_json("/hub/api/users/other", {"name": "mallory"})
            state = "auth_state" in json.loads((await alice.get("/hub/api/users/bob")).text)
            return [entered, token, renamed, state]

    assert await powers() == [False] * 4
    restart(hub, lambda document: document["hub"]["auth"].update(adminAccess=True))
    assert await powers() == [True] * 4


async def test_blocked_people_lose_their_session_their_labs_and_their_tokens(hub: LabHub) -> None:
    async with Program(hub.deployment.url) as client, Browser(hub.deployment.url) as mallory:
        await log_in(mallory, "mallory")
        made = json.loads((await mallory.post_json("/hub/api/users/mallory/tokens", {})).text)
        assert await client.start_lab("mallory") in (201, 202)
        await client.until_ready("mallory")
        (hub.deployment.secrets / "service.user-list").write_text("f6" * 32)  # as `jld rotate` does
        async with Program(hub.deployment.url, made["token"]) as own:
            assert (await own.ask("GET", "users/mallory"))[0] == 200
            restart(hub, lambda document: document["hub"]["auth"].update(blocked=["Mallory"]))
            async with asyncio.timeout(60):
                while "pods/jld-lab-mallory" not in hub.kubernetes.told()["deleted"]:
                    await asyncio.sleep(0.5)
            assert (await own.ask("GET", "users/mallory"))[0] in (403, 404)
            assert (await own.ask("GET", "user"))[0] == 403
        async with (
            Program(hub.deployment.url, "f6" * 32) as new,
            Program(hub.deployment.url, TOKENS["user-list"]) as old,
        ):
            assert [(await each.ask("GET", "users"))[0] for each in (new, old)] == [200, 403]
        page = await mallory.get("/hub/home")
        assert page.url.startswith("https://jupyter.example.org/hub/login")
        page = await log_in(mallory, "mallory")
        assert (page.status, "mallory is blocked here. Ask an administrator" in page.sentence) == (403, True), (
            page.sentence
        )
        # Nobody else starts a lab for them either.
        status, told = await client.ask("POST", "users/mallory/server", {"profile": "tiny"})
        assert status == 403
        assert told["message"].startswith("mallory is blocked here. Ask an administrator of this site.")
        restart(hub, lambda document: document["hub"]["auth"].update(blocked=[]))
        assert (await log_in(mallory, "mallory")).status == 200


def test_no_token_of_a_service_is_in_the_log(hub: LabHub) -> None:
    assert [name for name, token in TOKENS.items() if token in hub.log] == []
    assert hub.log


# The shortest time-outs, in a fraction of the time, and the delay at the hub's start too.
QUICK = """
import json
for service in c.JupyterHub.services.get_value([]):
    if service["name"] == "idle-culler":
        words = service["command"]
        words[3] = "3"
        at = next(number for number, word in enumerate(words) if word.startswith("--own-limits="))
        limits = json.loads(words[at].removeprefix("--own-limits="))
        assert limits == {"labs": [43200, 0], "named": [300, None], "people": {"alice": [0, 0]}}, limits
        limits["named"][0] = 5
        words[at] = "--own-limits=" + json.dumps(limits)
        words[words.index("--cull-every=150")] = "--cull-every=3"
"""


async def test_named_servers_are_culled_and_removed_and_a_named_persons_are_not(tmp_path: Path) -> None:
    hub = lab_hub(tmp_path, QUICK)
    named = {"idleTimeout": "5m", "remove": True}
    people = {"Alice": {"idleTimeout": "0s", "maxAge": "0s"}}
    hub.change_settings(lambda document: document["hub"]["culling"].update(namedServers=named, people=people))
    try:
        hub.start()
        async with Program(hub.deployment.url) as client:
            for path in ("alice/servers/mine", "bob/servers/mine", "bob/server"):
                assert (await client.ask("POST", f"users/{path}", {"profile": "tiny"}))[0] in (201, 202)
            async with asyncio.timeout(90):
                while "pods/jld-lab-bob--mine" not in hub.kubernetes.told()["deleted"]:
                    await asyncio.sleep(0.5)
                while True:
                    _, person = await client.ask("GET", "users/bob?include_stopped_servers=1")
                    if "mine" not in person["servers"]:
                        break
                    await asyncio.sleep(0.5)
            assert (await client.server("bob"))["ready"]
            assert (await client.server("alice", "mine"))["ready"]
    finally:
        hub.stop()


def test_a_scope_that_does_not_exist_stops_the_hub_with_a_sentence(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy({"admins": [], "dummy": {"users": ["alice"]}})
    hub = LabHub.__new__(LabHub)
    hub.deployment = deployment
    services = {"one": {"scopes": ["list:user", "read:users!person=bob"]}}
    hub.change_settings(lambda document: document["hub"].update(services=services))
    (deployment.secrets / "service.one").write_text("e5" * 32)
    deployment.hub.start()
    assert deployment.hub.process is not None
    assert deployment.hub.process.wait(90) != 0
    log = deployment.hub.log()
    assert "hub.services.one.scopes: JupyterHub has no scope 'list:user'; did you mean list:users?" in log
    assert "hub.services.one.scopes: 'read:users!person=bob' has a filter that JupyterHub does not know" in log
    assert "Traceback" not in log


async def test_members_of_a_group_at_the_provider_have_its_role_and_lose_it_with_the_group(
    hubs: Hubs, github: GitHub, deploy: Callable[..., Deployment]
) -> None:
    login = github.login(allow=["lsst"]) | {"users": {"allow": ["guest"]}}
    deployment = deploy({"admins": [], "github": login})
    document = yaml.safe_load((deployment.directory / "settings.yaml").read_text())
    document["hub"]["roles"] = {"readers": {"scopes": ["list:users"], "groups": ["LSST"]}}
    deployment.write_settings(document)
    deployment.start()
    deployment.wait()
    async with Browser(deployment.url) as grace, Browser(deployment.url) as guest:
        await grace.log_in_with_provider("grace")
        await guest.log_in_with_provider("guest")
        assert (await grace.get("/hub/api/users")).status == 200
        assert (await guest.get("/hub/api/users")).status == 403
        everybody = json.loads((await grace.get("/hub/api/users")).text)
        assert {each["name"] for each in everybody} == {"grace", "guest"}
        document["hub"]["roles"]["readers"]["groups"] = ["lsst-sqre:friends-of-nobody"]
        deployment.write_settings(document)
        deployment.restart_hub()
        assert (await grace.get("/hub/api/users")).status == 403
