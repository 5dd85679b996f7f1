"""What becomes of people who are in, while their provider is down, after it, and when they may no longer be in."""

import asyncio
import re
import time
from collections.abc import Callable

import pytest

from .browser import Browser, Page
from .conftest import CILogon, Deployment, GitHub, Hubs
from .deployment import OPERATOR_CONFIG

pytestmark = pytest.mark.slow

Cilogon = tuple[CILogon, Deployment]
Deploy = Callable[..., Deployment]


def metric(page: Page, name: str, **labels: str) -> float:
    text = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = re.search(rf"(?m)^{re.escape(name)}{{{re.escape(text)}}} (\S+)$", page.text)
    return float(found[1]) if found else 0.0


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/hub/home")).url.endswith("/hub/home")


async def until_out(browser: Browser, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while await is_in(browser):
        assert time.monotonic() < deadline, "still in"
        await asyncio.sleep(0.5)


async def later(seconds: float = 1.2) -> None:
    """From then on the hub asks the provider again with each page."""
    await asyncio.sleep(seconds)


@pytest.mark.parametrize("mode", ["error", "drop", "secondary-rate-limit"])
async def test_what_github_said_last_holds_for_a_time_and_no_longer(
    hubs: Hubs, github: GitHub, deploy: Deploy, mode: str
) -> None:
    deployment = deploy(
        {"admins": ["Ada"], "github": github.login(allow=["lsst"])},
        OPERATOR_CONFIG + "c.ProviderLogin.staleness = 10\n",
    )
    deployment.start()
    deployment.wait()
    async with Browser(deployment.url) as grace, Browser(deployment.url) as stranger, Browser(deployment.url) as ada:
        await grace.log_in_with_provider("grace")
        back = await stranger.choose_at_provider("Ada")
        await github.order(mode=mode, path="/api/v3")
        await later()
        assert await is_in(grace)
        await until_out(grace)
        assert (await stranger.get(back.headers["Location"])).status == 503

        await github.order(mode="ok")
        await later()
        assert (await grace.log_in_with_provider("grace")).status == 200
        await ada.log_in_with_provider("Ada")
        page = await ada.get("/hub/metrics")
    log = deployment.hub.log()
    assert "Keeping the session of grace on what GitHub said" in log
    assert "Ending the session of grace: GitHub could not be asked for more than 10 s" in log
    assert metric(page, "jld_sessions_kept_total", provider="GitHub") >= 1
    assert metric(page, "jld_sessions_expired_total", provider="GitHub") >= 1
    assert metric(page, "jld_login_provider_outages_total", provider="GitHub") >= 2
    assert metric(page, "jld_login_provider_up", provider="GitHub") == 1
    assert metric(page, "jld_logins_total", provider="GitHub", result="unavailable") == 1
    assert metric(page, "jld_logins_total", provider="GitHub", result="admitted") == 3


async def test_a_short_token_is_renewed_without_a_login(cilogon_hub: Cilogon, cilogon: CILogon) -> None:
    await cilogon.order(lives=1)
    async with Browser(cilogon_hub[1].url) as browser:
        await browser.log_in_with_provider("Uma")
        for _ in range(3):
            await later()
            await later()
            assert await is_in(browser)
        assert (await cilogon.requests()).count("POST /oauth2/token") >= 3


async def test_pages_that_open_at_once_renew_a_token_once(cilogon_hub: Cilogon, cilogon: CILogon) -> None:
    """A refresh token is good for one request: of eight, seven would be sent to the login page."""
    await cilogon.order(lives=1)
    async with Browser(cilogon_hub[1].url) as browser:
        await browser.log_in_with_provider("Uma")
        await later(2.4)
        await cilogon.order(lives=900)
        assert await asyncio.gather(*(is_in(browser) for _ in range(8))) == [True] * 8
        assert (await cilogon.requests()).count("POST /oauth2/token") == 1
        await later()
        assert await is_in(browser)


async def test_a_renewed_token_is_kept_when_the_provider_fails_right_after_it(
    cilogon_hub: Cilogon, cilogon: CILogon
) -> None:
    await cilogon.order(lives=1)
    async with Browser(cilogon_hub[1].url) as browser:
        await browser.log_in_with_provider("Uma")
        await later(2.4)
        await cilogon.order(mode="half")
        assert await is_in(browser)
        assert (await cilogon.requests()).count("POST /oauth2/token") == 1
        await cilogon.order(mode="ok")
        await later(2.4)
        assert await is_in(browser)


async def test_an_odd_answer_about_one_account_is_no_outage_for_the_others(hubs: Hubs, github: GitHub) -> None:
    async with Browser(hubs.with_github.url) as grace, Browser(hubs.with_github.url) as other:
        await grace.log_in_with_provider("grace")
        await other.log_in_with_provider("Ada")
        await later()
        await github.order(mode="garbage", path="/api/v3/user")
        assert await is_in(grace)
        await github.order(person={**github.person("Ada"), "suspended": True}, mode="ok")
        assert not await is_in(other)


async def test_a_session_outlives_that_a_token_cannot_be_renewed_in_an_outage(
    cilogon_hub: Cilogon, cilogon: CILogon
) -> None:
    """oauthenticator takes a provider that is down, when it renews a token, for one that says no."""
    await cilogon.order(lives=1)
    async with Browser(cilogon_hub[1].url) as browser:
        await browser.log_in_with_provider("Uma")
        await cilogon.order(mode="error", path="/oauth2/token")
        await later(2.4)
        assert await is_in(browser)


async def test_a_provider_that_cannot_be_asked_again_is_believed_for_a_time(
    cilogon_hub: Cilogon, cilogon: CILogon
) -> None:
    """Without refresh tokens a token's end says nothing about the person."""
    await cilogon.order(lives=1, refreshTokens=False)
    async with Browser(cilogon_hub[1].url) as browser:
        await browser.log_in_with_provider("Uma")
        await later(2.4)
        await cilogon.order(mode="ok")
        assert await is_in(browser)
        assert await cilogon.requests() == []


@pytest.mark.parametrize(
    "changes", [{"isMemberOf": []}, {"isMemberOf": ["lsst_users", "lsst_suspended"]}, {"isMemberOf": None}],
    ids=["left the group", "joined a denied one", "groups are no longer told"],
)  # fmt: skip
async def test_whoever_may_no_longer_be_in_is_sent_to_the_door(
    cilogon_hub: Cilogon, cilogon: CILogon, changes: dict[str, object]
) -> None:
    async with Browser(cilogon_hub[1].url) as browser:
        await browser.log_in_with_provider("Uma")
        await cilogon.order(claims={"Uma": cilogon.claims("Uma", **changes)})
        await later()
        assert not await is_in(browser)


async def test_an_account_that_github_suspends_is_sent_to_the_door(hubs: Hubs, github: GitHub) -> None:
    async with Browser(hubs.with_github.url) as browser:
        await browser.log_in_with_provider("grace")
        await github.order(person={**github.person("grace"), "suspended": True})
        await later()
        assert not await is_in(browser)


async def test_a_session_that_becomes_another_account_ends(cilogon_hub: Cilogon, cilogon: CILogon) -> None:
    async with Browser(cilogon_hub[1].url) as browser:
        await browser.log_in_with_provider("Uma")
        await cilogon.order(claims={"Uma": cilogon.claims("Uma", sub="http://cilogon.org/serverA/users/9999")})
        await later()
        assert not await is_in(browser)
