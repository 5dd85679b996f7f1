"""What the internet sends. Nothing of it may become a server error or stop the hub."""

import pytest

from .browser import Browser, xsrf
from .deployment import PASSWORD


async def test_a_huge_cookie_is_refused(trial_browser: Browser) -> None:
    page = await trial_browser.get("/hub/login", headers={"Cookie": "a=" + "x" * 1_000_000})
    assert 400 <= page.status < 500
    assert (await trial_browser.get("/hub/login")).status == 200


async def test_a_huge_form_is_no_server_error(trial_browser: Browser) -> None:
    page = await trial_browser.post("/hub/login", {"username": "x" * 1_000_000, "password": "y"})
    assert 400 <= page.status < 500
    assert (await trial_browser.get("/hub/login")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/hub/%00",
        "/hub/..%2f..%2fetc/passwd",
        "/hub/user/%E2%80%AEgpj",
        "/hub/spawn/%3Cscript%3E",
        "/hub/login?next=//evil.example",
        "/hub/" + "a/" * 2000,
        "/hub/oauth_callback",
        "/user/nobody/lab",
    ],
)
async def test_odd_paths_are_no_server_errors(trial_browser: Browser, path: str) -> None:
    page = await trial_browser.get(path)
    assert page.status < 500
    assert page.url.startswith("https://jupyter.example.org/")


async def test_a_login_never_leads_to_another_site(trial_browser: Browser) -> None:
    page = await trial_browser.get("/hub/login?next=https://evil.example/")
    form = {**xsrf(page), "username": "alice", "password": PASSWORD}
    page = await trial_browser.post("/hub/login?next=https://evil.example/", form)
    assert page.url.startswith("https://jupyter.example.org/")
