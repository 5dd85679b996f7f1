"""Every kind of person and of trouble with GitHub, and the table about them in docs/login.md."""

from typing import Any

import pytest

from .browser import Browser
from .conftest import GitHub, Hubs
from .matrix import Matrix

LONG = "a-name-which-has-thirty-nine-characters"
IMPOSTOR = {
    "login": "Newton",
    "id": 4000066,
    "name": "X",
    "email": "x@example.org",
    "organizations": {"lsst": "public"},
}
ADA = {"id": 4000001, "name": "Ada Lovelace", "email": "ada@example.org", "organizations": {"lsst": "public"}}

PEOPLE = [
    ("a member in public", "Ada", "ada", []),
    ("a member in private", "grace", "grace", []),
    ("a member of an allowed team", "tim", "tim", []),
    ("somebody who is allowed by name", "guest", "guest", []),
    ("a member whose login is written in capitals", "ADA", "ada", [{"rename": ["ada", "ADA"]}]),
    ("a member with a login of 39 characters", LONG, LONG, []),
    ("a member without a verified e-mail address", "mel", "mel", []),
    ("a member of the organization but not of the allowed team", "nora", "", []),
    ("somebody who is in no organization", "olga", "", []),
    ("a member of an allowed and of a denied organization", "dora", "", []),
    ("a member of an organization that keeps the hub's app out", "vera", "", []),
    ("a member who did not give the right to read organizations", "grace", "", [{"scopes": ["user:email"]}]),
    ("a member whose account GitHub suspended", "sue", "", []),
    ("a member with the name of a system account", "daemon", "", []),
    ("a member with an account number below 1000", "root", "", []),
]
TROUBLE = [
    ("a member, while GitHub is down", {"mode": "error", "status": 502}),
    ("a member, while GitHub closes connections", {"mode": "drop"}),
    ("a member, while GitHub does not answer in time", {"mode": "slow", "seconds": 8}),
    ("a member, while GitHub's rate limit is reached", {"mode": "rate-limit", "path": "/api/v3"}),
    ("a member, while GitHub's secondary rate limit is reached", {"mode": "secondary-rate-limit", "path": "/api/v3"}),
    ("a member, while GitHub answers 429", {"mode": "secondary-rate-limit", "status": 429, "path": "/api/v3"}),
    ("a member, while memberships cannot be read", {"mode": "error", "path": "/api/v3/orgs"}),
    ("a member, while GitHub's answers are no JSON", {"mode": "garbage", "path": "/api/v3/user"}),
    ("a member, while GitHub's profile is a list", {"mode": "garbage", "path": "/api/v3/user", "body": "[]"}),
    ("a member, while GitHub's profile has no text as login",
     {"mode": "garbage", "path": "/api/v3/user", "body": '{"login": {"a": 1}, "id": 4000001}'}),
    ("a member, while GitHub's token is no text",
     {"mode": "garbage", "path": "/login/oauth/access_token", "body": '{"access_token": ["x"]}'}),
]  # fmt: skip


@pytest.fixture
def matrix(github: GitHub, request: pytest.FixtureRequest) -> Matrix:
    return Matrix("https://github.com", github.url, request.config.getoption("--update-tables"))


@pytest.mark.parametrize(("who", "login", "name", "orders"), PEOPLE, ids=[person[0] for person in PEOPLE])
async def test_people(
    browser: Browser, github: GitHub, matrix: Matrix, who: str, login: str, name: str, orders: list[dict[str, Any]]
) -> None:
    for order in orders:
        await github.order(**order)
    page = await browser.log_in_with_github(login)
    matrix.check(who, page, name)
    assert (await browser.get("/hub/home")).url.endswith("/hub/home" if name else "/hub/login?next=%2Fhub%2Fhome")


@pytest.mark.parametrize(("who", "order"), TROUBLE, ids=[trouble[0] for trouble in TROUBLE])
async def test_trouble(browser: Browser, github: GitHub, matrix: Matrix, who: str, order: dict[str, Any]) -> None:
    back = await browser.choose_at_github("Ada")
    await github.order(**order)
    page = await browser.get(back.headers["Location"])
    matrix.check(who, page, "")
    await github.order(mode="ok")
    assert (await browser.get("/hub/home")).url.endswith("/hub/login?next=%2Fhub%2Fhome")


async def test_an_old_answer_is_asked_for_anew(browser: Browser, github: GitHub, matrix: Matrix) -> None:
    """A 304 comes from something between that answers from its memory."""
    await github.order(mode="not-modified", path="/api/v3")
    page = await browser.log_in_with_github("Ada")
    who = "a member, while something between answers 304"
    matrix.check(who, page, "ada")


async def test_a_renamed_account_keeps_name_and_number_and_nobody_gets_its_home(
    browser: Browser, hubs: Hubs, github: GitHub, matrix: Matrix
) -> None:
    await browser.log_in_with_github("newton")
    assert hubs.with_github.people()["newton"] == 4000013
    await github.order(rename=["newton", "Sir-Isaac"])

    async with Browser(hubs.with_github.url) as later:
        who = "a member whose login changed from newton to Sir-Isaac"
        page = await later.log_in_with_github("Sir-Isaac")
        matrix.check(who, page, "newton")

    await github.order(person=IMPOSTOR)
    async with Browser(hubs.with_github.url) as other:
        who = "another member, who took the free login newton"
        page = await other.log_in_with_github("Newton")
        matrix.check(who, page, "newton-4000066")
        assert (await other.get("/hub/user/newton/lab")).status in (403, 404)

    people = hubs.with_github.people()
    assert (people["newton"], people["newton-4000066"]) == (4000013, 4000066)
    assert "sir-isaac" not in people


async def test_a_running_session_survives_that_its_account_is_renamed(
    browser: Browser, hubs: Hubs, github: GitHub
) -> None:
    await browser.log_in_with_github("grace")
    await github.order(rename=["grace", "Admiral"])
    await github.order(mode="ok")
    page = await browser.get("/hub/home")
    assert (page.status, "grace" in page.sentence) == (200, True)


async def test_a_name_that_is_allowed_does_not_go_over_to_who_takes_it(hubs: Hubs, github: GitHub) -> None:
    """`guest` is let in by name. Somebody else with that login is somebody else."""
    async with Browser(hubs.with_github.url) as browser:
        assert (await browser.log_in_with_github("guest")).status == 200
    await github.order(rename=["guest", "was-guest"])
    await github.order(
        person={"login": "guest", "id": 4000067, "name": "X", "email": "x@example.org", "organizations": {}}
    )
    async with Browser(hubs.with_github.url) as browser:
        page = await browser.log_in_with_github("guest")
        assert page.status == 403
        assert "guest is not a member of" in page.error
    async with Browser(hubs.with_github.url) as browser:
        assert (await browser.log_in_with_github("was-guest")).status == 200
    assert 4000067 not in hubs.with_github.people().values(), "strangers take no names"


async def test_an_administrators_name_does_not_go_over_to_who_takes_it(hubs: Hubs, github: GitHub) -> None:
    async with Browser(hubs.with_github.url) as browser:
        await browser.log_in_with_github("Ada")
        assert (await browser.get("/hub/admin")).status == 200
    await github.order(rename=["Ada", "countess"])
    await github.order(person={**ADA, "login": "Ada", "id": 4000068})
    async with Browser(hubs.with_github.url) as browser:
        assert (await browser.log_in_with_github("Ada")).status == 200
        assert (await browser.get("/hub/admin")).status == 403
