"""Who gets in through GitHub, who does not, and what they read."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from jldhub.identity import Group, github_identity

from .browser import Browser
from .conftest import GitHub, Hubs
from .deployment import Deployment


@pytest.mark.parametrize("login", ["Ada", "grace", "tim", "guest"], ids=["public", "private", "team", "named"])
async def test_a_member_gets_in(browser: Browser, login: str) -> None:
    page = await browser.log_in_with_github(login)
    assert page.status == 200
    assert page.url == "https://jupyter.example.org/hub/spawn"
    assert login.lower() in page.sentence


@pytest.mark.parametrize("login", ["olga", "nora"], ids=["no organization", "the organization but not the team"])
async def test_an_outsider_reads_why(browser: Browser, login: str) -> None:
    page = await browser.log_in_with_github(login)
    assert page.status == 403
    expected = (
        f"You are signed in to GitHub as {login}, but {login} is not a member of: lsst, lsst-sqre:friends, vault."
    )
    assert expected in page.sentence
    assert (await browser.get("/hub/home")).url.startswith("https://jupyter.example.org/hub/login")


async def test_a_refusal_is_headed_by_what_its_number_means(browser: Browser) -> None:
    page = await browser.log_in_with_github("olga")
    assert "403 : Forbidden" in page.sentence


async def test_a_denied_organization_wins_over_an_allowed_one(browser: Browser) -> None:
    page = await browser.log_in_with_github("dora")
    assert page.status == 403
    assert "dora is a member of rivals, whose members are not let in" in page.sentence


async def test_a_membership_that_cannot_be_read_is_refused_with_its_reason(browser: Browser) -> None:
    page = await browser.log_in_with_github("vera")
    assert page.status == 403
    assert "Whether you belong to vault could not be read: GitHub answered 403 Although you appear" in page.sentence


async def test_an_account_with_the_number_of_a_system_user_is_refused(browser: Browser) -> None:
    page = await browser.log_in_with_github("root")
    assert page.status == 403
    assert "Your GitHub account has the number 7" in page.sentence


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"mode": "error", "status": 502}, "it answers 502"),
        ({"mode": "rate-limit", "path": "/api/v3"}, "it limits how often it may be asked"),
        ({"mode": "garbage", "path": "/api/v3/user"}, "its answer could not be understood"),
        ({"mode": "error", "path": "/api/v3/orgs"}, "it answers 500"),
        ({"mode": "error", "path": "/api/v3/user/orgs"}, "it answers 500"),
    ],
    ids=["down", "rate limit", "garbage", "memberships", "organizations"],
)
async def test_no_login_while_github_is_down(
    browser: Browser, github: GitHub, order: dict[str, str], reason: str
) -> None:
    back = await browser.choose_at_github("Ada")
    await github.order(**order)
    page = await browser.get(back.headers["Location"])
    assert page.status == 503
    assert f"{github.url} cannot be asked who you are: {reason}" in page.sentence
    await github.order(mode="ok")
    assert (await browser.get("/hub/home")).url.startswith("https://jupyter.example.org/hub/login")


@pytest.mark.parametrize("mode", [{"mode": "error"}, {"mode": "rate-limit"}], ids=["down", "rate limit"])
async def test_a_session_outlives_an_outage_of_github(browser: Browser, github: GitHub, mode: dict[str, str]) -> None:
    await browser.log_in_with_github("grace")
    await github.order(**mode)
    await asyncio.sleep(1.2)  # now the hub asks GitHub again with each page
    page = await browser.get("/hub/home")
    assert (page.status, page.url) == (200, "https://jupyter.example.org/hub/home")
    assert "grace" in page.sentence


async def test_whoever_leaves_the_organization_is_sent_to_the_door(browser: Browser, github: GitHub) -> None:
    await browser.log_in_with_github("grace")
    await github.order(person={**github.person("grace"), "organizations": {}})
    await asyncio.sleep(1.2)
    assert (await browser.get("/hub/home")).url.startswith("https://jupyter.example.org/hub/login")
    page = await browser.log_in_with_github("grace")
    assert "grace is not a member of: lsst" in page.sentence


async def test_a_revoked_token_asks_for_a_new_login(browser: Browser, github: GitHub) -> None:
    await browser.log_in_with_github("grace")
    await github.order(revoke="grace")
    await asyncio.sleep(1.2)
    assert (await browser.get("/hub/home")).url.startswith("https://jupyter.example.org/hub/login")
    assert (await browser.log_in_with_github("grace")).status == 200


async def test_cancelling_at_github_is_told(browser: Browser) -> None:
    back = await browser.post((await browser.get("/hub/oauth_login")).url, {"login": ""}, follow=False)
    page = await browser.get(back.headers["Location"])
    assert page.status == 400
    assert "The user has denied your application access." in page.sentence


async def test_a_foreign_state_is_refused(browser: Browser, hubs: Hubs) -> None:
    """Somebody else's way back, pushed onto a person who began a login of their own."""
    async with Browser(hubs.with_github.url) as attacker:
        stolen = (await attacker.choose_at_github("Ada")).headers["Location"]
    await browser.choose_at_github("grace")
    page = await browser.get(stolen)
    assert page.status == 400
    assert "OAuth state mismatch" in page.sentence


async def test_a_way_back_without_a_login_begun_is_refused(browser: Browser, hubs: Hubs) -> None:
    async with Browser(hubs.with_github.url) as other:
        stolen = (await other.choose_at_github("Ada")).headers["Location"]
    page = await browser.get(stolen)
    assert page.status == 400


async def test_what_the_lists_tell_is_not_asked_again(browser: Browser, github: GitHub) -> None:
    """GitHub counts requests, and answers each in a tenth of a second or more. A denied organization may be a hidden one."""
    await github.order(mode="ok")
    await browser.log_in_with_github("grace")
    asked = [each for each in await github.requests() if "/api/v3" in each]
    assert sorted(asked) == [
        "GET /api/v3/orgs/rivals/members/grace",
        "GET /api/v3/orgs/rivals/public_members/grace",  # where GitHub leads who is no member
        "GET /api/v3/user",
        "GET /api/v3/user/emails",
        "GET /api/v3/user/orgs",
    ]


async def test_a_replayed_code_is_refused(browser: Browser, hubs: Hubs) -> None:
    back = (await browser.choose_at_github("Ada")).headers["Location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert (await browser.get(back)).status == 200
    async with Browser(hubs.with_github.url) as thief:
        own = (await thief.choose_at_github("olga")).headers["Location"]
        page = await thief.get(own.replace(parse_qs(urlsplit(own).query)["code"][0], code))
    assert page.status == 403
    assert "The code passed is incorrect or expired" in page.sentence


async def test_a_session_outlives_a_restart_of_the_hub(browser: Browser, hubs: Hubs) -> None:
    await browser.log_in_with_github("Ada")
    hubs.with_github.restart_hub()
    page = await browser.get("/hub/home")
    assert (page.status, page.url) == (200, "https://jupyter.example.org/hub/home")
    assert "/hub/admin" in page.text, "Ada administers the hub"


async def test_no_secret_is_in_the_log(browser: Browser, hubs: Hubs) -> None:
    await browser.log_in_with_github("Ada")
    log = hubs.with_github.hub.log()
    secrets = {path.name: path.read_text() for path in hubs.with_github.secrets.iterdir() if path.name != "dbUrl"}
    assert [name for name, value in secrets.items() if value in log] == []
    assert "gho_" not in log


async def test_what_github_tells_is_read_whole(hubs: Hubs, github: GitHub, deploy: Callable[..., Deployment]) -> None:
    """Lists of several pages, teams, and addresses that were never verified."""
    rules = {"organizations": {"allow": ["lsst", "lsst-sqre:friends"]}, "teamsAsGroups": True}
    auth = {"clientId": github.people["client"]["id"], "url": github.url, **rules}  # its API follows from the address
    deployment = deploy({"admins": ["ada"], "adminAccess": True, "github": auth})
    deployment.start()
    deployment.wait()
    await github.order(person={**github.person("grace"), "oldAddresses": 250})
    state: dict[str, dict[str, Any]] = {}
    async with Browser(deployment.url) as ada:
        await ada.log_in_with_provider("Ada")
        for login in ("grace", "tim", "mel"):
            async with Browser(deployment.url) as browser:
                assert (await browser.log_in_with_provider(login)).status == 200
            answer = await ada.get(f"/hub/api/users/{login}")
            state[login] = json.loads(answer.text)["auth_state"]
    assert state["grace"]["github_user"]["email"] == "grace@example.org"
    assert state["mel"]["github_user"]["email"] == "4000011+mel@users.noreply.127.0.0.1"
    assert github_identity(state["tim"]).groups == (Group("lsst-sqre", 5000002), Group("lsst-sqre_friends", 1501000001))
