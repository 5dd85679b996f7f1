"""`/hub/prepull` of a real hub: for admins alone, whatever stands in the controller's file."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import playwright.sync_api as chromium
import pytest
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported
from jldhub.images.nodes import FILE, Attempt, ImageOnNodes, NodeRow, NodesState, PullUnderWay, UnwantedImage

from tests.chromium import open_chromium

from .browser import Browser
from .conftest import Hubs
from .deployment import SITE
from .labs import LabHub

PICTURES = Path(__file__).parents[2] / "docs" / "images"
TITLES = ["science", "hub", "lsst:recommended", "lsst:r29_2_0", "lsst:w_2026_20"]
TIMED_OUT = 'ErrImagePull: failed to pull image "quay.io/lsst": dial tcp 10.0.0.9:443: i/o timeout'


def known(now: datetime | None = None) -> NodesState:
    now = now or datetime.now(UTC)
    images = [
        ImageOnNodes(reference=f"quay.io/lsst:{place}", title=title, bytes=(place + 1) * 1_900_000_000, eligible=11)
        for place, title in enumerate(TITLES)
    ]
    rows = [NodeRow(name=f"lab-{number:02}", there=list(range(5 - number // 3))) for number in range(11)]
    there = [sum(place in row.there for row in rows) for place in range(5)]
    images = [image.model_copy(update={"there": number}) for image, number in zip(images, there, strict=True)]
    failed = Attempt(reference="quay.io/lsst:2", failures=2, failed=now, message=TIMED_OUT)
    rows[9] = rows[9].model_copy(update={"attempts": [failed]})
    pulling = PullUnderWay(reference="quay.io/lsst:4", since=now - timedelta(minutes=3))
    rows[4] = rows[4].model_copy(update={"pulling": pulling})
    rows.append(NodeRow(name="gpu-00", why_not="it is cordoned"))
    rows[0] = rows[0].model_copy(update={"unwanted_bytes": 8 * 10**9})
    unwanted = [UnwantedImage(name="lsst:w_2025_40", bytes=96 * 10**9, nodes=12), UnwantedImage(name="old", nodes=1)]
    return NodesState(written=now, images=images, nodes=rows, unwanted=unwanted)


def write(hub: LabHub, packed: bytes) -> None:
    folder = hub.deployment.directory / "catalogue"
    folder.mkdir(exist_ok=True)
    (folder / "new").write_bytes(packed)
    (folder / "new").replace(folder / FILE)


@pytest.fixture(scope="module")
def hub(hubs: Hubs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHub]:
    auth = {"admins": ["ada"], "github": hubs.github.login(allow=["lsst", "lsst-sqre"])}
    hub = LabHub(tmp_path_factory.mktemp("prepull"), [], lab={}, auth=auth)
    folder = hub.deployment.directory / "catalogue"

    def with_a_prepuller(document: dict[str, Any]) -> None:
        document["catalogueDirectory"] = str(folder)
        document["names"] |= {"catalogue": "jld-catalogue", "prepuller": "jld-prepuller"}

    hub.change_settings(with_a_prepuller)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


@pytest.fixture
async def ada(hub: LabHub) -> AsyncIterator[Browser]:
    """An admin."""
    async with Browser(hub.deployment.url) as browser:
        await browser.log_in_with_provider("Ada")
        yield browser


async def test_without_a_state_it_says_so_and_what_to_do(hub: LabHub, ada: Browser) -> None:
    (hub.deployment.directory / "catalogue" / FILE).unlink(missing_ok=True)
    page = await ada.get("/hub/prepull")
    assert page.status == 200
    assert (
        "Nothing is known of nodes. Either nothing is pulled to them beforehand ( prepuller.nodesAtOnce: 0 )"
        in page.sentence
    )
    assert "kubectl logs deployment/jld-prepuller --namespace jld" in page.sentence


async def test_an_admin_sees_images_nodes_pulls_and_failures(hub: LabHub, ada: Browser) -> None:
    now = datetime.now(UTC)
    write(hub, known(now).pack())
    page = await ada.get("/hub/prepull")
    assert page.status == 200
    assert "lsst:w_2026_20 on 3 of 11, 9.5 GB" in page.sentence
    assert "12 nodes. Show only nodes with trouble" in page.sentence
    assert "science on 11 of 11, 1.9 GB" in page.sentence
    assert "lab-04 there there there there being pulled for 3 min" in page.sentence
    assert f"failed 2 times, next at {now + timedelta(minutes=2):%H:%M} UTC {TIMED_OUT}" in page.sentence
    assert "gpu-00 no labs: it is cordoned" in page.sentence
    assert "lab-00 8.0 GB that nobody wants there" in page.sentence
    assert "nobody wants any more lsst:w_2025_40 on 12 nodes: 96.0 GB could go old on 1 node " in page.sentence

    assert 'href="/hub/prepull">Images on nodes' in (await ada.get("/hub/admin")).text
    page = await ada.get("/hub/prepull?trouble=1")
    assert "Something failed on 1 node. Show all nodes" in page.sentence
    assert "lab-04" not in page.sentence


async def test_others_do_not_see_it(hub: LabHub) -> None:
    async with Browser(hub.deployment.url) as browser:
        page = await browser.get("/hub/prepull", follow=False)
        assert page.status == 302
        assert "/hub/login" in page.headers["Location"]
        await browser.log_in_with_provider("grace")
        page = await browser.get("/hub/prepull")
        assert page.status == 403
        assert "lab-04" not in page.text


HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


async def test_what_nodes_and_registries_say_is_text(hub: LabHub, ada: Browser) -> None:
    now = datetime.now(UTC)
    attempt = Attempt(reference="x", failures=1, failed=now, message=HOSTILE)
    state = NodesState(
        written=now,
        images=[ImageOnNodes(reference="x", title=HOSTILE, stopped=HOSTILE)],
        nodes=[NodeRow(name=HOSTILE, why_not=HOSTILE, attempts=[attempt])],
        unwanted=[UnwantedImage(name=HOSTILE, nodes=1)],
        warnings=[HOSTILE],
    )
    write(hub, state.pack())
    page = await ada.get("/hub/prepull")
    assert page.status == 200
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert page.text.count("&lt;script&gt;alert(1)") == 7


@pytest.mark.parametrize("packed", [b"", b"no gzip", NodesState().pack()[:12]], ids=["empty", "text", "cut off"])
async def test_a_broken_file_changes_nothing(hub: LabHub, ada: Browser, packed: bytes) -> None:
    write(hub, known().pack())
    assert "lab-04" in (await ada.get("/hub/prepull")).text
    write(hub, packed)
    page = await ada.get("/hub/prepull")
    assert page.status == 200
    assert "lab-04" in page.text


async def test_an_old_state_says_how_old_it_is(hub: LabHub, ada: Browser) -> None:
    written = datetime.now(UTC) - timedelta(hours=3)
    write(hub, known().model_copy(update={"written": written}).pack())
    page = await ada.get("/hub/prepull")
    assert f"This is of {written:%Y-%m-%d %H:%M} UTC: the prepuller has not told since." in page.sentence


async def test_a_thousand_nodes_are_told_on_pages(hub: LabHub, ada: Browser) -> None:
    rows = [NodeRow(name=f"n{number:04}", there=[0, 1]) for number in range(1000)]
    write(hub, known().model_copy(update={"nodes": rows}).pack())
    page = await ada.get("/hub/prepull")
    assert len(page.text) < 100_000
    assert "Page 1 of 10 More nodes" in page.sentence
    for link in ("page=10", "page=99"):
        page = await ada.get(f"/hub/prepull?{link}")
        assert "n0999" in page.text
        assert "Nodes before Page 10 of 10" in page.sentence
    for link in ("page=%00%ff", "page[]=1&trouble=yes", "trouble=1&page=-5"):
        assert (await ada.get(f"/hub/prepull?{link}")).status == 200


@pytest.fixture(scope="module")
def chrome(hub: LabHub) -> Iterator[chromium.Browser]:
    try:
        debian_packages.ensure(debian_packages.BROWSER, "a real browser at the page of images on nodes")
    except Unsupported as reason:
        pytest.skip(str(reason))
    with chromium.sync_playwright() as playwright:
        host = SITE.removeprefix("https://")
        yield open_chromium(playwright, {host: f"127.0.0.1:{hub.deployment.doors[0].https_port}"})


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_window(hub: LabHub, chrome: chromium.Browser, width: int, tmp_path: Path) -> None:
    """UPDATE_PICTURES=1 writes those of the documentation anew."""
    write(hub, known().pack())
    page = chrome.new_context(ignore_https_errors=True, viewport={"width": width, "height": 900}).new_page()
    page.goto(f"{SITE}/hub/prepull")
    page.get_by_role("button", name="Sign in with").click()
    page.get_by_role("button", name="Continue as Ada", exact=True).click()
    page.wait_for_url("**/hub/prepull*")
    assert page.get_by_role("columnheader", name="lsst:recommended").count() == 1
    assert page.get_by_role("rowheader", name="lab-09").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    folder: Any = PICTURES if os.environ.get("UPDATE_PICTURES") else tmp_path
    page.screenshot(path=folder / f"images-on-nodes-{width}.png", full_page=True)
    page.context.close()
