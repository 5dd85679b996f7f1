"""What JupyterHub and KubeSpawner document about labs keeps working: starts through the API, named servers, tokens, sharing."""

from collections.abc import Iterator

import pytest

from .labs import LabHub, Program

CONFIG = "c.JupyterHub.allow_named_servers = True\nc.JupyterHub.named_server_limit_per_user = 2\n"
# As docs/operator.md says how people may share their labs.
SHARING = """
c.JupyterHub.load_roles.append({"name": "user", "scopes": ["self", "shares!user", "list:users", "read:users:name"]})
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHub]:
    hub = LabHub(tmp_path_factory.mktemp("api"), ["alice", "bob", "carol", "dave"], CONFIG + SHARING)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


async def token_of(hub: LabHub, name: str, *scopes: str) -> str:
    async with Program(hub.deployment.url) as program:
        wanted = {"note": "a script", **({"scopes": list(scopes)} if scopes else {})}
        status, made = await program.ask("POST", f"users/{name}/tokens", wanted)
        assert status == 201, made
        return str(made["token"])


def pods(hub: LabHub) -> dict[str, str]:
    """Which lab each pod is, as its environment says."""
    found = {}
    for pod in hub.kubernetes.pods():
        environment = {each["name"]: each.get("value", "") for each in pod["spec"]["containers"][0]["env"]}
        found[pod["metadata"]["name"]] = environment["JUPYTERHUB_SERVER_NAME"]
    return found


async def test_a_program_starts_and_stops_a_lab_with_its_size(hub: LabHub) -> None:
    async with Program(hub.deployment.url) as program:
        assert await program.start_lab("alice", "large") in (201, 202)
        await program.until_ready("alice")
        server = await program.server("alice")
        assert server["user_options"] == {"profile": "large"}
        (pod,) = [pod for pod in hub.kubernetes.pods() if pod["metadata"]["name"] == "jld-lab-alice"]
        assert float(pod["spec"]["containers"][0]["resources"]["limits"]["cpu"]) == 4
        assert (await program.ask("POST", "users/alice/server"))[0] == 400  # it runs already
        assert (await program.ask("DELETE", "users/alice/server"))[0] in (202, 204)
        assert "jld-lab-alice" not in pods(hub)
        assert (await program.ask("DELETE", "users/alice/server"))[0] in (202, 204)  # twice is once


async def test_named_servers_are_pods_of_their_own_up_to_the_limit(hub: LabHub) -> None:
    async with Program(hub.deployment.url, await token_of(hub, "bob")) as program:
        for name in ("", "second", "third"):
            status, answer = await program.ask("POST", f"users/bob/servers/{name}", {"profile": "tiny"})
            assert status in (201, 202), answer
        status, answer = await program.ask("POST", "users/bob/servers/one-more", {"profile": "tiny"})
        assert status == 400
        assert "named server limit" in str(answer) or "maximum" in str(answer)
        _, person = await program.ask("GET", "users/bob")
        assert set(person["servers"]) == {"", "second", "third"}
        found = {name: server for name, server in pods(hub).items() if "bob" in name}
        assert sorted(found.values()) == ["", "second", "third"]
        assert len(found) == 3
        assert (await program.ask("DELETE", "users/bob/servers/second", {"remove": True}))[0] in (202, 204)
        assert "second" not in pods(hub).values()
        assert (await program.server("bob"))["ready"]


@pytest.mark.parametrize("name", ["a/b", "..", "%2e%2e", "x" * 300, "<script>"])
async def test_hostile_server_names_reach_no_other_lab(hub: LabHub, name: str) -> None:
    before = pods(hub)
    async with Program(hub.deployment.url, await token_of(hub, "carol")) as program:
        status, _ = await program.ask("POST", f"users/carol/servers/{name}", {"profile": "huge"})
        assert 400 <= status < 500
        assert pods(hub) == before


async def test_a_token_does_no_more_than_its_scopes(hub: LabHub) -> None:
    reading = await token_of(hub, "carol", "read:users!user=carol")
    async with Program(hub.deployment.url, reading) as program:
        assert (await program.ask("GET", "users/carol"))[0] == 200
        assert (await program.ask("GET", "users/alice"))[0] in (403, 404)
        assert await program.start_lab("carol") in (403, 404)
    starting = await token_of(hub, "carol", "servers!user=carol", "read:users!user=carol")
    async with Program(hub.deployment.url, starting) as program:
        assert await program.start_lab("alice") in (403, 404)
        assert await program.start_lab("carol") in (201, 202)
        await program.until_ready("carol")


async def test_a_lab_is_shared_with_one_person_and_nobody_else(hub: LabHub) -> None:
    async with Program(hub.deployment.url) as program:
        if not (await program.server("carol")).get("ready"):
            assert await program.start_lab("carol") in (201, 202)
            await program.until_ready("carol")
    async with Program(hub.deployment.url, await token_of(hub, "carol")) as carol:
        status, share = await carol.ask("POST", "shares/carol/", {"user": "alice"})
        assert status in (200, 201), share
        assert share["user"]["name"] == "alice"
    async with Program(hub.deployment.url, await token_of(hub, "alice")) as alice:
        _, shared = await alice.ask("GET", "users/alice/shared")
        assert [item["server"]["user"]["name"] for item in shared["items"]] == ["carol"]
    async with Program(hub.deployment.url, await token_of(hub, "dave")) as dave:
        _, shared = await dave.ask("GET", "users/dave/shared")
        assert shared["items"] == []


@pytest.mark.parametrize("document", [[], "tiny", 7, {"user_options": 7}, {"display_name": 7}, {"profile": ["tiny"]}])
async def test_options_that_are_none_are_a_400(hub: LabHub, document: object) -> None:
    async with Program(hub.deployment.url) as program:
        status, answer = await program.ask("POST", "users/dave/server", document)
        assert status == 400 or (document == [] and status in (201, 202)), answer
