"""The tables of docs/login.md once more, as a person meets them: Chromium, over HTTPS."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import playwright.sync_api as chromium
import pytest
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported

from tests.chromium import open_chromium

from . import test_cilogon_matrix as of_cilogon
from . import test_github_matrix as of_github
from .browser import Page
from .conftest import CILogon, Deployment, Hubs, StandIn
from .deployment import SITE
from .matrix import Matrix

HOST = "jupyter.example.org"


class Visitor:
    """A new browser window at one hub."""

    def __init__(self, page: chromium.Page, standin: StandIn, provider: str) -> None:
        self._page, self._standin = page, standin
        self.matrix = Matrix(provider, standin.url, update=False)

    def order(self, **mode: Any) -> None:
        httpx.post(f"{self._standin.url}/_control", json=mode, timeout=10).raise_for_status()

    def log_in(self, login: str) -> Page:
        """By the buttons of the site and of the provider; where they lead."""
        self._page.goto(f"{SITE}/hub/login")
        self._page.get_by_role("button", name="Sign in with").click()
        own = self._page.get_by_role("button", name=f"Continue as {login}", exact=True)
        with self._page.expect_response(
            lambda each: each.url.startswith(SITE) and each.status not in (302, 303)
        ) as arrived:
            own.click()
        self._page.wait_for_load_state()
        return Page(self._page.url, arrived.value.status, self._page.content(), {})


Visits = Callable[[], Visitor]  # opens a window without history


@pytest.fixture(scope="module")
def playwright() -> Iterator[chromium.Playwright]:
    try:
        debian_packages.ensure(debian_packages.BROWSER, "a real browser at the login page")
    except Unsupported as reason:
        pytest.skip(str(reason))
    with chromium.sync_playwright() as playwright:
        yield playwright


def visitors(
    playwright: chromium.Playwright, deployment: Deployment, standin: StandIn, provider: str
) -> Iterator[Visits]:
    """While the browser is open."""
    browser = open_chromium(playwright, {HOST: f"127.0.0.1:{deployment.doors[0].https_port}"})
    yield lambda: Visitor(browser.new_context(ignore_https_errors=True).new_page(), standin, provider)
    browser.close()


@pytest.fixture(scope="module")
def at_github(playwright: chromium.Playwright, hubs: Hubs) -> Iterator[Visits]:
    yield from visitors(playwright, hubs.with_github, hubs.github, "https://github.com")


@pytest.fixture(scope="module")
def at_cilogon(playwright: chromium.Playwright, cilogon_hub: tuple[CILogon, Deployment]) -> Iterator[Visits]:
    yield from visitors(playwright, cilogon_hub[1], cilogon_hub[0], "https://cilogon.org")


@pytest.fixture
def github_visitor(at_github: Visits) -> Iterator[Visitor]:
    visitor = at_github()
    yield visitor
    visitor.order(reset=True)


@pytest.fixture
def cilogon_visitor(at_cilogon: Visits) -> Iterator[Visitor]:
    visitor = at_cilogon()
    yield visitor
    visitor.order(reset=True)


@pytest.mark.parametrize(
    ("who", "login", "name", "orders"), of_github.PEOPLE, ids=[person[0] for person in of_github.PEOPLE]
)
def test_people_of_github(
    github_visitor: Visitor, who: str, login: str, name: str, orders: list[dict[str, Any]]
) -> None:
    for order in orders:
        github_visitor.order(**order)
    github_visitor.matrix.check(who, github_visitor.log_in(login), name)


def test_a_renamed_account_of_github_and_who_took_its_login(at_github: Visits, github_visitor: Visitor) -> None:
    github_visitor.log_in("newton")
    github_visitor.order(rename=["newton", "Sir-Isaac"])
    who = "a member whose login changed from newton to Sir-Isaac"
    github_visitor.matrix.check(who, at_github().log_in("Sir-Isaac"), "newton")

    github_visitor.order(person=of_github.IMPOSTOR)
    who = "another member, who took the free login newton"
    github_visitor.matrix.check(who, at_github().log_in("Newton"), "newton-4000066")


def test_a_login_while_github_is_down(github_visitor: Visitor) -> None:
    github_visitor.order(
        mode="error", status=502, path="/login/oauth/access_token"
    )  # for the hub, not for its own page
    github_visitor.matrix.check("a member, while GitHub is down", github_visitor.log_in("Ada"), "")


@pytest.mark.parametrize(
    ("who", "login", "name", "changes"), of_cilogon.PEOPLE, ids=[person[0] for person in of_cilogon.PEOPLE]
)
def test_people_of_cilogon(
    cilogon_hub: tuple[CILogon, Deployment],
    cilogon_visitor: Visitor,
    who: str,
    login: str,
    name: str,
    changes: dict[str, Any],
) -> None:
    cilogon_visitor.order(claims={login: cilogon_hub[0].claims(login, **changes)})
    cilogon_visitor.matrix.check(who, cilogon_visitor.log_in(login), name)


def test_a_login_while_cilogon_is_down(cilogon_visitor: Visitor) -> None:
    cilogon_visitor.order(mode="error", status=503, path="/oauth2/token")
    cilogon_visitor.matrix.check("a member, while CILogon is down", cilogon_visitor.log_in("jane"), "")
