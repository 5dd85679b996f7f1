"""The Kubernetes API is away for a while, or the hub is, and labs come through: those that run, those that start, those to come."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .browser import Browser
from .deployment import PASSWORD
from .labs import LabHub, Program

# What KubeSpawner waits for a lab that runs to answer; a lab that only starts to run must not be counted in.
CONFIG = "c.KubeSpawner.http_timeout = 3\n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHub]:
    hub = LabHub(tmp_path_factory.mktemp("outage"), ["alice", "bob", "carol", "dave"], CONFIG)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


def uids(hub: LabHub) -> dict[str, str]:
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in hub.kubernetes.pods()}


async def state(program: Program, name: str) -> dict[str, Any]:
    server = await program.server(name)
    return {key: server.get(key) for key in ("ready", "stopped")}


@pytest.fixture
async def program(hub: LabHub) -> Any:
    async with Program(hub.deployment.url) as program:
        if not (await program.server("alice")).get("ready"):
            assert await program.start_lab("alice") in (201, 202)
            await program.until_ready("alice")
        yield program


async def test_a_hub_that_starts_in_an_outage_keeps_the_labs_that_run(hub: LabHub, program: Program) -> None:
    before = uids(hub)
    hub.kubernetes.order(outage=12)
    hub.deployment.restart_hub()
    await program.until_ready("alice")
    await asyncio.sleep(3)
    assert uids(hub) == before
    assert await state(program, "alice") == {"ready": True, "stopped": False}


async def test_a_lab_that_was_starting_when_the_hub_restarted_is_reached_before_others_have_started(
    hub: LabHub, program: Program
) -> None:
    hub.kubernetes.order(name="bob", slow=20)
    hub.kubernetes.order(name="dave", slow=600)
    starting = [asyncio.create_task(program.start_lab(name)) for name in ("bob", "dave")]
    async with asyncio.timeout(30):
        while not {"jld-lab-bob", "jld-lab-dave"} <= set(uids(hub)):
            await asyncio.sleep(0.1)
    before = uids(hub)
    hub.deployment.restart_hub()
    await asyncio.gather(*starting, return_exceptions=True)
    await program.until_ready("bob")
    async with httpx.AsyncClient(base_url=hub.deployment.url, headers={"Host": "jupyter.example.org"}) as browser:
        async with asyncio.timeout(30):
            while "stand-in" not in (await browser.get("/user/bob/api")).text:
                await asyncio.sleep(0.2)
    assert not (await state(program, "dave"))["ready"]
    assert uids(hub) == before


@pytest.mark.slow
async def test_labs_start_again_after_the_api_was_away_for_longer_than_its_client_waits(
    hub: LabHub, program: Program
) -> None:
    """KubeSpawner's watch gives up after 51 seconds, and for ever; a control plane's upgrade takes ten minutes."""
    before = uids(hub)
    hub.kubernetes.order(outage=75)
    await asyncio.sleep(76)
    assert await program.start_lab("carol") in (201, 202)
    await program.until_ready("carol")
    assert {name: uid for name, uid in uids(hub).items() if name in before} == before
    assert await state(program, "alice") == {"ready": True, "stopped": False}
    async with httpx.AsyncClient(headers={"Host": "jupyter.example.org"}) as browser:
        assert (await browser.get(f"{hub.deployment.url}/hub/health")).status_code == 200
    async with Browser(hub.deployment.url) as admin:
        await admin.log_in("alice", PASSWORD)
        numbers = (await admin.get("/hub/metrics")).text
    revived = re.search(r"(?m)^jld_watches_revived_total (\S+)$", numbers)
    assert revived
    assert float(revived[1]) >= 1
