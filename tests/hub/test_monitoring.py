"""A real Prometheus finds what the alerts and the dashboard ask for at a real hub and a real nginx, with the labels that they name."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import playwright.sync_api as chromium
import pytest
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported

from tests.chromium import open_chromium
from tests.ports import free_port

from .browser import Browser
from .conftest import GitHub, Hubs
from .front_door import FrontDoor, needs_nginx
from .labs import LabHub, Program
from .picture import page
from .test_culling import QUICK
from .watched import CHANGES, NAMESPACE, Prometheus, panels, rules

pytestmark = [pytest.mark.slow, needs_nginx]

TOKEN = "e7" * 32
MEMBERS = ("grace", "dora", "newton", "mel")
OUTSIDER = "olga"
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "dashboard.png"
# Of the cluster, and of parts that do not run here: their sources are asked in tests/render/test_metric_names.py.
ELSEWHERE = re.compile(r"\b(kube|kubelet)_|jld_(pulls|registry|logging)_")
METRIC = re.compile(r"\b(?:jld|jupyterhub)_\w+(?:\{[^}]*\})?")


@pytest.fixture
async def watched(hubs: Hubs, github: GitHub, tmp_path: Path) -> AsyncIterator[tuple[LabHub, Prometheus]]:
    """A hub in which something happens, and who reads it."""
    try:
        debian_packages.ensure(debian_packages.ALERTS, "the test of the metrics")
    except Unsupported as reason:
        pytest.skip(str(reason))
    door = FrontDoor(tmp_path, free_port(), free_port(), changes=CHANGES)
    login = {"admins": [], "github": github.login(allow=["lsst"])}
    hub = LabHub(tmp_path, [], QUICK, auth=login, doors=[door])
    culling = {"idleTimeout": "5m", "maxAge": "0s"}
    hub.change_settings(lambda document: document["hub"].update(culling=culling))
    hub.change_settings(lambda document: document["names"].update(scraped=True))
    (hub.deployment.secrets / "metricsToken").write_text(TOKEN)
    prometheus = Prometheus(tmp_path / "prometheus", hub, TOKEN)
    try:
        hub.start()
        prometheus.start()
        yield hub, prometheus
    finally:
        prometheus.stop()
        hub.stop()


async def live(hub: LabHub) -> None:
    """People come in or are refused, labs start or do not, and pages are visited."""
    url = hub.deployment.url
    hub.kubernetes.order(name=f"lab-{MEMBERS[-1]}", refuse={"code": 403, "message": "no"})
    for person in (*MEMBERS, OUTSIDER):
        async with Browser(url) as browser:
            await browser.log_in_with_provider(person)
            await browser.get("/hub/nothing-here")
    async with Program(url) as program:
        await asyncio.gather(*(program.start_lab(name) for name in MEMBERS))


async def until_told(prometheus: Prometheus, queries: list[str], seconds: float = 120) -> None:
    """Whether each query finds something, if not at once."""
    deadline = time.monotonic() + seconds
    missing = queries
    while missing:
        assert time.monotonic() < deadline, f"Prometheus finds nothing for {missing}"
        await asyncio.sleep(1)
        missing = [query for query in missing if not prometheus.series(query)]


def queries_of(panel: dict[str, Any]) -> dict[str, str]:
    """A panel's, as Grafana fills them in, with their legends."""
    return {
        target["expr"].replace("$namespace", NAMESPACE).replace("$__rate_interval", "1m"): target["legendFormat"]
        for target in panel["targets"]
        if not ELSEWHERE.search(target["expr"])
    }


def selectors() -> list[str]:
    """What the alerts look at, each with its labels."""
    texts = [rule["expr"] for of_one in rules().values() for rule in of_one]
    return sorted({found for text in texts for found in METRIC.findall(text)})


async def test_every_alert_and_panel_finds_its_metrics(watched: tuple[LabHub, Prometheus], tmp_path: Path) -> None:
    """UPDATE_PICTURES=1 draws the dashboard of the documentation anew."""
    hub, prometheus = watched
    await until_told(prometheus, ['up{job="hub"} == 1', 'up{job="nginx"} == 1', "jld_starts_waiting"])
    begun = time.time()
    await live(hub)
    drawn = [query for panel in panels() for query in queries_of(panel)]
    assert len(drawn) > 15
    assert len(selectors()) > 10
    good = 'jupyterhub_server_spawn_duration_seconds_count{status="success"} > 0'
    await until_told(prometheus, [*drawn, *selectors(), good])

    found = prometheus.ask("rules")["groups"]
    assert [rule["name"] for group in found for rule in group["rules"] if rule["health"] != "ok"] == []
    assert sum(len(group["rules"]) for group in found) == sum(len(of_one) for of_one in rules().values())
    updating = bool(os.environ.get("UPDATE_PICTURES"))
    for _ in range(6 if updating else 0):  # something to look at
        await live(hub)
        await asyncio.sleep(5)
    file = tmp_path / "dashboard.html"
    file.write_text(page(prometheus, panels(), queries_of, begun, time.time()))
    assert file.read_text().count("<svg ") > 10
    if updating:
        await asyncio.to_thread(photograph, file)


def photograph(file: Path) -> None:
    debian_packages.ensure(debian_packages.BROWSER, "the picture of the dashboard")
    with chromium.sync_playwright() as playwright:
        window = open_chromium(playwright, {}).new_page(viewport={"width": 1280, "height": 400})
        window.goto(file.as_uri())
        window.screenshot(path=PICTURE, full_page=True)
