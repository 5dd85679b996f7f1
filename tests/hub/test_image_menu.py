"""The menu of images, as people, links and programs use it. The catalogue is the file that the controller keeps."""

import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import playwright.sync_api as chromium
import pytest
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported
from jldhub.images.catalogue import FILE, Catalogue, ImageState

from tests.chromium import open_chromium

from .browser import Browser, xsrf
from .conftest import Hubs
from .deployment import SITE
from .labs import HEADERS, LabHub, Program

DIGEST = "sha256:" + "a1" * 32
PICTURES = Path(__file__).parents[2] / "docs" / "images"
LAB: dict[str, Any] = {
    "sizes": {
        "small": {"cpu": 1, "memory": "2Gi"},
        "large": {"cpu": 4, "memory": "8Gi"},
        "gpu": {"cpu": 8, "memory": "48Gi", "gpus": 1, "shmSize": "8Gi", "nodeSelector": {"pool": "gpu"}},
    },
    "images": {
        "science": {
            "reference": "quay.io/jupyter/scipy-notebook:2026-11-02",
            "title": "Python for science",
            "description": "NumPy, SciPy, pandas and Matplotlib",
        },
        "pytorch": {
            "reference": "quay.io/jupyter/pytorch-notebook:cuda12-2026-11-02",
            "title": "PyTorch",
            "description": "With CUDA, for labs that have a GPU",
            "sizes": ["gpu"],
        },
        "lsst": {
            "reference": "docker.io/lsstsqre/sciplat-lab",
            "title": "LSST stack",
            "description": "The pipelines of the Rubin observatory",
            "tags": "lsst",
            "newest": {"release": 1, "weekly": 2, "daily": 3},
            "recommended": "recommended",
        },
        "staff": {"reference": "quay.io/staff/lab:1", "groups": ["lsst-sqre:friends"]},
    },
    "defaultImage": "science",
    "typedImages": {"groups": ["lsst"], "allow": ["quay.io/jupyter/*"]},
    "notices": {"maintenance": "The cluster rests on Monday from 8 to 10."},
}
WEEKS = [f"w_20{year:02}_{week:02}" for year in range(10, 27) for week in range(1, 53) if (year, week) <= (26, 21)]
DAYS = [f"d_20{year:02}_{month:02}_{day:02}" for year in range(0, 27) for month in range(1, 13) for day in range(1, 29)]
TAGS = ["recommended", "r29_2_0", "r29_1_1", *WEEKS, *DAYS]


def write_catalogue(hub: LabHub, **changes: Any) -> None:
    state: dict[str, Any] = {
        "reference": "docker.io/lsstsqre/sciplat-lab",
        "tags": TAGS,
        "digests": {"recommended": DIGEST, "w_2026_21": DIGEST, "w_2026_20": "sha256:" + "b2" * 32},
        "checked": datetime.now(UTC),
    }
    folder = hub.deployment.directory / "catalogue"
    folder.mkdir(exist_ok=True)
    (folder / "new").write_bytes(Catalogue(images={"lsst": ImageState.model_validate(state | changes)}).pack())
    (folder / "new").replace(folder / FILE)


@pytest.fixture(scope="module")
def hub(hubs: Hubs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHub]:
    auth = {"admins": ["ada"], "github": hubs.github.login(allow=["lsst", "lsst-sqre"])}
    hub = LabHub(tmp_path_factory.mktemp("images"), [], lab=LAB, auth=auth)
    folder = hub.deployment.directory / "catalogue"
    hub.change_settings(lambda document: document.update(catalogueDirectory=str(folder)))
    write_catalogue(hub)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


@pytest.fixture
async def ada(hub: LabHub) -> AsyncIterator[Browser]:
    """A member of lsst."""
    async with Browser(hub.deployment.url) as browser:
        await browser.log_in_with_provider("Ada")
        yield browser


def values(text: str, name: str = "image") -> list[str]:
    return re.findall(rf'<input type="radio" name="{name}"[^>]* value="([^"]*)"', text)


def checked(text: str, name: str = "image") -> list[str]:
    return re.findall(rf'<input type="radio" name="{name}"[^>]* value="([^"]*)"[^>]* checked', text)


def pod(hub: LabHub, name: str) -> dict[str, Any]:
    (found,) = [each for each in hub.kubernetes.pods() if each["metadata"]["name"] == f"jld-lab-{name}"]
    return dict(found)


def variables(pod: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in pod["spec"]["containers"][0]["env"]}


async def test_a_link_opens_the_page_and_starts_nothing(hub: LabHub, ada: Browser) -> None:
    page = await ada.get("/hub/spawn?image=lsst:latest-weekly&size=large&next=/hub/home")
    assert page.status == 200
    assert (checked(page.text), checked(page.text, "profile")) == (["lsst:w_2026_21"], ["large"])
    for link in ("image=pytorch", "opt-image=lsst&opt-profile=gpu", "profile=large", "anything=else", "image=%00%ff"):
        page = await ada.get(f"/hub/spawn/ada?{link}")
        assert page.status == 200
        assert values(page.text)
    assert hub.kubernetes.pods() == []


async def test_the_form_starts_what_was_chosen_by_its_digest(hub: LabHub, ada: Browser) -> None:
    page = await ada.get("/hub/spawn")
    form = {**xsrf(page), "profile": "gpu", "image": "lsst:w_2026_20", "environment": "keep"}
    await ada.post("/hub/spawn/ada", form, follow=False)
    async with Program(hub.deployment.url) as program:
        await program.until_ready("ada")
        kept = {"profile": "gpu", "image": "lsst:w_2026_20"}
        assert kept.items() <= (await program.server("ada"))["user_options"].items()
        made = pod(hub, "ada")
        (container,) = made["spec"]["containers"]
        assert container["image"] == f"docker.io/lsstsqre/sciplat-lab@sha256:{'b2' * 32}"
        assert made["metadata"]["annotations"]["jld.lsst.org/image"] == "docker.io/lsstsqre/sciplat-lab:w_2026_20"
        assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
        assert made["spec"]["nodeSelector"] == {"pool": "gpu"}
        told = variables(made)
        assert told["JUPYTER_IMAGE_SPEC"] == "docker.io/lsstsqre/sciplat-lab:w_2026_20"
        assert told["IMAGE_DESCRIPTION"] == "LSST stack, Weekly 2026_20"
        await program.ask("DELETE", "users/ada/server")
    page = await ada.get("/hub/spawn")  # the last choice
    assert (checked(page.text), checked(page.text, "profile")) == (["lsst:w_2026_20"], ["gpu"])


@pytest.mark.parametrize(
    ("options", "status", "sentence"),
    [
        ({"image": "staff"}, 403, "The lab image 'staff' is for members of lsst-sqre:friends."),
        ({"image": "lsst:w_2009_01"}, 400, "has no tag 'w_2009_01', or has it no longer."),
        ({"image": "quay.io/evil/lab:1"}, 403, "is none of the images that may be typed here: quay.io/jupyter/*."),
        ({"image": "pytorch", "profile": "small"}, 400, "does not start with the size 'small'. Choose the size gpu."),
        ({"image": ["science"]}, 400, "An image is a text"),
    ],
)
async def test_form_and_api_refuse_alike(
    hub: LabHub, ada: Browser, options: dict[str, Any], status: int, sentence: str
) -> None:
    before = hub.kubernetes.pods()
    page = await ada.post_json("/hub/api/users/ada/server", options)
    assert page.status == status
    assert sentence in page.text.encode().decode("unicode_escape")
    if isinstance(options["image"], str):
        typed = {"image": "/", "typed-image": options["image"]} if "/" in options["image"] else {}
        form = {**xsrf(await ada.get("/hub/spawn")), "profile": "large", **options, **typed}
        page = await ada.post("/hub/spawn/ada", form)
        assert page.status == status
        assert sentence in page.sentence
        assert checked(page.text, "profile") == [form["profile"]]  # what was chosen stays chosen
    assert hub.kubernetes.pods() == before


async def test_a_typed_image_starts(hub: LabHub, ada: Browser) -> None:
    async with Program(hub.deployment.url) as program:
        form = {**xsrf(await ada.get("/hub/spawn")), "profile": "small"}
        form |= {"image": "/", "typed-image": "quay.io/jupyter/r-notebook:2026-11-02"}
        await ada.post("/hub/spawn/ada", form, follow=False)
        await program.until_ready("ada")
        assert pod(hub, "ada")["spec"]["containers"][0]["image"] == "quay.io/jupyter/r-notebook:2026-11-02"
        await program.ask("DELETE", "users/ada/server")
        # The next start without a word is that of the default, and not of what this spawner had before.
        status, _ = await program.ask("POST", "users/ada/server", {"profile": "small"})
        assert status in (201, 202)
        await program.until_ready("ada")
        assert pod(hub, "ada")["spec"]["containers"][0]["image"] == "quay.io/jupyter/scipy-notebook:2026-11-02"
        await program.ask("DELETE", "users/ada/server")


async def test_by_class_through_the_api(hub: LabHub, ada: Browser) -> None:
    page = await ada.post_json("/hub/api/users/ada/server", {"image": "lsst:latest-weekly", "profile": "small"})
    assert page.status in (201, 202), page.text
    async with Program(hub.deployment.url) as program:
        await program.until_ready("ada")
        assert variables(pod(hub, "ada"))["JUPYTER_IMAGE_SPEC"].endswith(":w_2026_21")
        await program.ask("DELETE", "users/ada/server")


async def test_a_group_that_only_an_image_names_is_read_at_the_login(hub: LabHub) -> None:
    async with Browser(hub.deployment.url) as browser:
        page = await browser.log_in_with_provider("tim")
        page = await browser.get("/hub/spawn")
        assert "staff" in values(page.text)
        assert "/" not in values(page.text)  # typing is for lsst


async def test_the_page_is_small_and_says_how_old_its_tags_are(hub: LabHub, ada: Browser) -> None:
    page = await ada.get("/hub/spawn?search.lsst=w_20")
    assert len(page.text) < 100_000
    assert f"Search all {len(TAGS)} tags" in page.text
    try:
        checked_at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
        write_catalogue(hub, checked=checked_at, trouble="The registry docker.io does not answer. It was stopped.")
        page = await ada.get("/hub/spawn")
        assert "The list of tags is of 2026-01-02 03:04 UTC: its registry has not answered since." in page.sentence
        assert "stopped" not in page.text  # why is for who runs the site
        assert "lsst:w_2026_21" in values(page.text)
    finally:
        write_catalogue(hub)


@pytest.fixture(scope="module")
def chrome(hub: LabHub) -> Iterator[chromium.Browser]:
    try:
        debian_packages.ensure(debian_packages.BROWSER, "a real browser at the page of images")
    except Unsupported as reason:
        pytest.skip(str(reason))
    with chromium.sync_playwright() as playwright:
        host = SITE.removeprefix("https://")
        yield open_chromium(playwright, {host: f"127.0.0.1:{hub.deployment.doors[0].https_port}"})


def started(hub: LabHub, name: str) -> dict[str, Any]:
    """The pod of a lab that somebody started in Chromium, which is stopped again when it is ready."""
    with httpx.Client(base_url=f"{hub.deployment.url}/hub/api/users", headers=HEADERS, timeout=60) as program:
        deadline = time.monotonic() + 60
        while not program.get(name).json()["servers"].get("", {}).get("ready"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        made = pod(hub, name)
        assert program.delete(f"{name}/server").status_code in (202, 204)
    return made


def open_page(chrome: chromium.Browser, **options: Any) -> chromium.Page:
    """At the page, as Grace, in a new window."""
    page = chrome.new_context(ignore_https_errors=True, **options).new_page()
    page.goto(f"{SITE}/hub/spawn")
    page.get_by_role("button", name="Sign in with").click()
    page.get_by_role("button", name="Continue as grace", exact=True).click()
    page.wait_for_url("**/hub/spawn*")
    return page


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_all_tags_are_found_and_started_by_keyboard(hub: LabHub, chrome: chromium.Browser, scripts: bool) -> None:
    page = open_page(chrome, java_script_enabled=scripts)
    page.get_by_role("radio", name="Large").check()
    search = page.get_by_label(f"Search all {len(TAGS)} tags")
    search.focus()
    page.keyboard.type("weekly 2019_12")
    page.keyboard.press("Enter")
    found = page.get_by_role("radio", name="Weekly 2019_12")
    found.wait_for()
    assert found.is_checked()
    assert "1 more tag with" in page.locator("#found-lsst").inner_text()
    search.focus()
    for _ in range(2):  # the button, and the first that was found
        page.keyboard.press("Tab")
    assert found.evaluate("it => it === document.activeElement")
    assert page.get_by_role("radio", name="Large").is_checked() is scripts  # a page that is loaded anew has the default
    assert search.input_value() == "weekly 2019_12"
    page.keyboard.press("Enter")  # in the form of the start, which a search leaves valid
    page.wait_for_url(lambda url: "/hub/spawn?" not in url and not url.endswith("/hub/spawn"))
    (container,) = started(hub, "grace")["spec"]["containers"]
    assert container["image"] == "docker.io/lsstsqre/sciplat-lab:w_2019_12"
    page.context.close()


def test_an_image_is_offered_with_its_sizes(chrome: chromium.Browser) -> None:
    page = open_page(chrome)
    page.get_by_role("radio", name="PyTorch").check()
    assert page.get_by_role("radio", name="Gpu Up to").is_checked()
    assert page.get_by_role("radio", name="Small").is_disabled()
    page.get_by_role("radio", name="Python for science").check()
    assert page.get_by_role("radio", name="Small").is_enabled()
    page.get_by_label("The image, with its tag").fill("quay.io/jupyter/r-notebook:x")
    assert page.get_by_role("radio", name="Another image").is_checked()
    page.context.close()


def test_a_page_whose_script_comes_late_works_all_the_same(chrome: chromium.Browser) -> None:
    """RequireJS would give up after seven seconds, and the page on which people wait for a lab would stay for ever."""
    page = open_page(chrome)
    late: list[str] = []

    def hold(route: chromium.Route) -> None:
        late.append(route.request.url)
        page.wait_for_timeout(9_000)
        route.continue_()

    page.route("**/js/jhapi.js*", hold)
    page.goto(f"{SITE}/hub/home")
    page.wait_for_function("require.defined('jhapi')", timeout=60_000)
    assert late
    page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_window(chrome: chromium.Browser, width: int, tmp_path: Path) -> None:
    """UPDATE_PICTURES=1 writes those of the documentation anew."""
    page = open_page(chrome, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    folder = PICTURES if os.environ.get("UPDATE_PICTURES") else tmp_path
    page.screenshot(path=folder / f"start-a-lab-{width}.png", full_page=True)
    page.context.close()
