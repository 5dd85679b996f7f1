"""Whoever is put out starts no lab any more, with a token neither: not themselves, and nobody for them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from .browser import Browser
from .conftest import GitHub, Hubs
from .deployment import OPERATOR_CONFIG
from .labs import LabHub, Program

pytestmark = pytest.mark.slow

WAYS: dict[str, dict[str, Any]] = {
    "suspended by GitHub": {"suspended": True},
    "left the organization": {"organizations": {}},
    "joined a denied one": {"organizations": {"lsst": "private", "rivals": "private"}},
}


@pytest.fixture(scope="module")
def hub(hubs: Hubs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHub]:
    auth = {"admins": [], "github": hubs.github.login(allow=["lsst"], deny=["rivals"])}
    hub = LabHub(tmp_path_factory.mktemp("put-out"), [], OPERATOR_CONFIG, auth=auth)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


@pytest.fixture
async def grace(hub: LabHub, github: GitHub) -> AsyncIterator[Program]:
    """A script with a token of grace's, who logged in a moment ago."""
    async with Browser(hub.deployment.url) as browser, Program(hub.deployment.url) as starter:
        assert (await browser.log_in_with_provider("grace")).status == 200
        status, made = await starter.ask("POST", "users/grace/tokens", {"note": "a script"})
        assert status == 201
    async with Program(hub.deployment.url, made["token"]) as program:
        yield program


async def stopped(program: Program) -> None:
    assert (await program.ask("DELETE", "users/grace/server"))[0] in (202, 204)
    async with asyncio.timeout(60):
        while await program.server("grace"):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("change", WAYS.values(), ids=WAYS)
async def test_a_token_of_somebody_who_is_put_out_starts_no_lab(
    hub: LabHub, github: GitHub, grace: Program, change: dict[str, Any]
) -> None:
    assert await grace.start_lab("grace") in (201, 202)
    await grace.until_ready("grace")
    await github.order(person={**github.person("grace"), **change})
    await asyncio.sleep(1.2)
    # The lab that runs goes on, and is not taken for idle.
    now = datetime.now(UTC).isoformat()
    activity = {"servers": {"": {"last_activity": now}}, "last_activity": now}
    assert (await grace.ask("POST", "users/grace/activity", activity))[0] == 200
    await stopped(grace)

    async with Program(hub.deployment.url) as starter:
        for program in (grace, starter):
            status, answer = await program.ask("POST", "users/grace/server", {"profile": "tiny"})
            assert status == 403, answer
            assert "GitHub" in answer["message"]
        # It stays so while GitHub cannot be asked, and after the hub has started anew.
        await github.order(mode="error", status=503)
        hub.deployment.restart_hub()
        assert await starter.start_lab("grace") == 403
        assert hub.kubernetes.pods() == []

        await github.order(mode="ok", person=github.person("grace"))
        await asyncio.sleep(1.2)
        assert await grace.start_lab("grace") in (201, 202)
        await grace.until_ready("grace")
        await stopped(grace)


async def test_a_token_ends(grace: Program) -> None:
    status, made = await grace.ask("POST", "users/grace/tokens", {"note": "without an end"})
    assert status == 201
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert left.days in (89, 90)
    status, refused = await grace.ask("POST", "users/grace/tokens", {"expires_in": 91 * 86400})
    assert status == 400
    assert "must not exceed" in refused["message"]
