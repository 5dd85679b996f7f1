"""`global.hubRoute`: the hub below a path of its own, and a page of the site's own at `/`."""

from collections.abc import Iterator

import pytest

from tests.ports import free_port

from .browser import Browser, xsrf
from .deployment import PASSWORD, SITE, Deployment
from .front_door import FrontDoor, needs_nginx

pytestmark = needs_nginx
PAGE = "<!DOCTYPE html><title>Science</title><p>Here we are {{ not a template }}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("route")
    changes = ('global.hubRoute="/nb/"', f'nginx.landingPage="{PAGE}"')
    door = FrontDoor(folder, free_port(), free_port(), changes=changes)
    deployment = Deployment(folder / "hub", {"dummy": {"users": ["alice"]}}, [door], "/nb/")
    try:
        deployment.start()
        deployment.wait()
        yield deployment
    finally:
        deployment.stop()


async def test_people_log_in_below_the_route(site: Deployment) -> None:
    async with Browser(site.url) as browser:
        page = await browser.get("/nb/hub/login")
        page = await browser.post("/nb/hub/login", {**xsrf(page), "username": "alice", "password": PASSWORD})
        assert (page.status, page.url) == (200, f"{SITE}/nb/hub/spawn")


async def test_the_sites_own_page_is_at_the_root_and_all_else_leads_to_the_hub(site: Deployment) -> None:
    async with Browser(site.url) as browser:
        page = await browser.get("/")
        assert (page.status, page.text) == (200, PAGE)
        assert page.headers["Content-Type"] == "text/html"
        assert page.headers["Strict-Transport-Security"]
        assert (await browser.get("/jld-landing.html")).text != PAGE
        assert (await browser.get("/user/alice/lab")).url.startswith(f"{SITE}/nb/hub/")
        assert (await browser.get("/nb/user/alice/lab")).url.startswith(f"{SITE}/nb/hub/login")
