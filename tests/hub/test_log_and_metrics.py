"""The whole log of a login and a start holds no secret, and Prometheus reads the numbers with a token of its own."""

import json
import re
from collections.abc import Iterator

import pytest

from .browser import Browser, xsrf
from .deployment import PASSWORD
from .labs import TOKEN, LabHub, Program

METRICS_TOKEN = "e7" * 32


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHub]:
    hub = LabHub(tmp_path_factory.mktemp("logged"), ["alice", "bob", "carol"])
    hub.change_settings(lambda document: document["hub"].update(log={"level": "DEBUG"}))
    hub.change_settings(lambda document: document["names"].update(scraped=True))
    (hub.deployment.secrets / "metricsToken").write_text(METRICS_TOKEN)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


async def test_the_log_of_a_login_and_a_start_holds_no_secret(hub: LabHub) -> None:
    hub.kubernetes.order(name="lab-bob", refuse={"code": 403, "message": "no"})
    cookies = set()
    for name in ("alice", "bob"):
        async with Browser(hub.deployment.url) as browser:
            page = await browser.log_in(name, PASSWORD)
            page = await browser.post(f"/hub/spawn/{name}", {**xsrf(page), "profile": "small"}, follow=False)
            await browser.post_json("/hub/api/users/alice/tokens", {"note": "mine"})
            page = await browser.get("/hub/home?token=an-old-token-in-an-address")
            cookies |= {cookie.value for cookie in browser._session.cookie_jar}
    async with Program(hub.deployment.url) as program:
        await program.until_ready("alice")
        _, made = await program.ask("POST", "users/alice/tokens", {"note": "for a script"})
    pods = hub.kubernetes.pods()
    lab_tokens = {
        variable["value"]
        for pod in pods
        for variable in pod["spec"]["containers"][0].get("env", [])
        if variable["name"].endswith("API_TOKEN") and "value" in variable
    }
    secrets = {path.name: path.read_text() for path in hub.deployment.secrets.iterdir() if path.name != "dbUrl"}
    parts = [part for text in secrets.values() for part in text.split(";")]
    log = hub.log
    for secret in [*parts, *cookies, *lab_tokens, made["token"], TOKEN, "an-old-token-in-an-address"]:
        assert len(secret) >= 8
        assert secret not in log
    assert "User logged in: alice" in log


def test_every_line_that_the_hub_writes_is_one_json_object(hub: LabHub) -> None:
    lines = [line for line in hub.log.splitlines() if line.startswith("{")]
    assert len(lines) > 50
    for line in lines:
        assert {"time", "level", "logger", "where", "message"} <= json.loads(line).keys()
    # What stands beside them comes from before the hub reads its settings.
    others = [line for line in hub.log.splitlines() if not line.startswith("{")]
    assert [line for line in others if re.search(r"Traceback|JupyterHub (app|base|user):", line)] == []


async def metrics(hub: LabHub, token: str) -> tuple[int, str]:
    async with Program(hub.deployment.url, token) as program, program._session.get("../metrics") as answer:
        return answer.status, await answer.text()


async def test_prometheus_reads_the_numbers_with_its_token(hub: LabHub) -> None:
    status, text = await metrics(hub, METRICS_TOKEN)
    assert status == 200
    assert "jupyterhub_running_servers" in text
    assert re.search(r'^jld_failed_starts_total\{reason="refused"\} 1\.0$', text, re.MULTILINE)
    assert re.search(r"^jld_starts_waiting 0\.0$", text, re.MULTILINE)


async def test_without_the_token_nobody_does(hub: LabHub) -> None:
    for token in ("f0" * 32, METRICS_TOKEN[:-1], ""):
        assert (await metrics(hub, token))[0] == 403


async def test_the_token_opens_nothing_else(hub: LabHub) -> None:
    async with Program(hub.deployment.url, METRICS_TOKEN) as program:
        for path in ("users", "users/alice", "proxy", "services", "groups"):
            assert (await program.ask("GET", path))[0] in (403, 404), path
        assert (await program.ask("POST", "users/carol/server"))[0] in (403, 404)
