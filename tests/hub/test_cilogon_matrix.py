"""Every kind of person and of claim from CILogon, and the table about them in docs/login.md."""

from typing import Any

import pytest

from .browser import Browser
from .conftest import CILogon, Deployment
from .matrix import Matrix

Cilogon = tuple[CILogon, Deployment]

PEOPLE = [
    ("a member of an allowed group", "jane", "jane", {}),
    ("a member whose name has capitals", "Uma", "uma", {}),
    ("a member, by groups of a directory (`cn=...,ou=Groups,...`)", "dn", "dn", {}),
    ("a member through an identity provider with a prefix", "toronto", "toronto.ann.utoronto.ca", {}),
    ("somebody who is allowed by name", "visitor", "toronto.vic.utoronto.ca", {}),
    ("a member without e-mail address and name", "mailless", "mel", {}),
    (
        "a member, by a directory's group from elsewhere (`cn=lsst_users,ou=Machines,...`)",
        "Uma",
        "uma",
        {"isMemberOf": "cn=lsst_users,ou=Machines,dc=x"},
    ),
    ("a member, by a path (`/lsst_users`)", "Uma", "uma", {"isMemberOf": ["/lsst_users"]}),
    ("a member, by a text with commas", "Uma", "uma", {"isMemberOf": "users,lsst_users"}),
    (
        "a member called Zo\u00eb O'Hara",
        "jane",
        "zoe-ohara",
        {"eppn": "Zo\u00eb O'Hara@ncsa.illinois.edu", "sub": "z", "uidNumber": 50888},
    ),
    ("somebody in no allowed group", "outsider", "", {}),
    ("a member of an allowed and of a denied group", "denied", "", {}),
    ("somebody whose login has no claim with groups", "groupless", "", {}),
    ("somebody through another identity provider", "stranger", "", {}),
    ("somebody whose identity provider tells no name", "nameless", "", {}),
    ("a member with the name of a system account", "jane", "", {"eppn": "root@ncsa.illinois.edu", "sub": "r"}),
]
HOSTILE = [
    ("groups in an unknown form", {"isMemberOf": {"lsst_users": True}}),
    ("2,000 groups", {"isMemberOf": [f"g{n}" for n in range(2000)] + ["lsst_users"]}),
    ("a denied group by a directory's name (`CN=lsst_suspended,OU=Security Groups,...`)", {"isMemberOf": ["lsst_users", "CN=lsst_suspended,OU=Security Groups,DC=x"]}),
    ("a denied group by a path (`/lsst_suspended`)", {"isMemberOf": ["lsst_users", "/lsst_suspended"]}),
    ("a denied group in a text with commas", {"isMemberOf": "lsst_users,lsst_suspended"}),
    ("a denied group in a text with blanks", {"isMemberOf": "lsst_users lsst_suspended"}),
    ("a group that is a number", {"isMemberOf": ["lsst_users", 7]}),
    ("no claim `sub`", {"sub": None}),
    ("an empty claim `sub`", {"sub": "  "}),
    ("a list as claim `sub`", {"sub": ["http://cilogon.org/serverA/users/1001"]}),
    ("a list as identity provider", {"idp": ["https://idp.ncsa.illinois.edu/idp/shibboleth"]}),
    ("a number as name", {"eppn": 7}),
    ("a path as name", {"eppn": "../jane@ncsa.illinois.edu"}),
    ("a name with a line break", {"eppn": "jane\n@ncsa.illinois.edu"}),
    ("a name of 200 characters", {"eppn": "j" * 200 + "@ncsa.illinois.edu"}),
    ("the user number 0", {"uidNumber": "0"}),
    ("the user number 999", {"uidNumber": 999}),
    ("the user number -1", {"uidNumber": -1}),
    ("the user number 2147483648", {"uidNumber": 2**31}),
    ("true as user number", {"uidNumber": True}),
    ("text as user number", {"uidNumber": "50001; rm -rf /"}),
    ("a number that the hub gives to others as user number", {"uidNumber": 2000000000}),
    ("the group number 0", {"gidNumber": 0}),
    ("a number that the hub gives to others as group number", {"gidNumber": 2000000000}),
]  # fmt: skip
TROUBLE = [
    ("a member, while CILogon is down", {"mode": "error", "status": 503}),
    ("a member, while CILogon does not answer in time", {"mode": "slow", "seconds": 8}),
    ("a member, while CILogon limits questions", {"mode": "error", "status": 429}),
    ("a member, while CILogon's answer is no JSON", {"mode": "garbage", "path": "/oauth2/userinfo"}),
    ("a member, while CILogon's claims are a list", {"mode": "garbage", "path": "/oauth2/userinfo", "body": "[]"}),
    ("a member, while CILogon's token is a list", {"mode": "garbage", "path": "/oauth2/token", "body": "[]"}),
]


@pytest.fixture
def matrix(cilogon: CILogon, request: pytest.FixtureRequest) -> Matrix:
    return Matrix("https://cilogon.org", cilogon.url, request.config.getoption("--update-tables"))


@pytest.mark.parametrize(("who", "login", "name", "changes"), PEOPLE, ids=[person[0] for person in PEOPLE])
async def test_people(
    cilogon_hub: Cilogon, cilogon: CILogon, matrix: Matrix, who: str, login: str, name: str, changes: dict[str, Any]
) -> None:
    await cilogon.order(claims={login: cilogon.claims(login, **changes)})
    async with Browser(cilogon_hub[1].url) as browser:
        matrix.check(who, await browser.log_in_with_provider(login), name)
        assert (await browser.get("/hub/home")).url.endswith("/hub/home" if name else "/hub/login?next=%2Fhub%2Fhome")


@pytest.mark.parametrize(("what", "changes"), HOSTILE, ids=[claim[0] for claim in HOSTILE])
async def test_hostile_claims(
    cilogon_hub: Cilogon, cilogon: CILogon, matrix: Matrix, what: str, changes: dict[str, Any]
) -> None:
    """Of a member who was never here."""
    before = cilogon_hub[1].people()
    nobody = {"sub": "http://cilogon.org/serverA/users/666", "eppn": "mallory@ncsa.illinois.edu", "uidNumber": None}
    await cilogon.order(claims={"jane": cilogon.claims("jane", **(nobody | changes))})
    async with Browser(cilogon_hub[1].url) as browser:
        matrix.check(f"a member with {what}", await browser.log_in_with_provider("jane"), "")
        assert (await browser.get("/hub/home")).url.endswith("/hub/login?next=%2Fhub%2Fhome")
    assert cilogon_hub[1].people() == before


@pytest.mark.parametrize(("who", "order"), TROUBLE, ids=[trouble[0] for trouble in TROUBLE])
async def test_trouble(cilogon_hub: Cilogon, cilogon: CILogon, matrix: Matrix, who: str, order: dict[str, Any]) -> None:
    async with Browser(cilogon_hub[1].url) as browser:
        back = await browser.choose_at_provider("jane")
        await cilogon.order(**order)
        matrix.check(who, await browser.get(back.headers["Location"]), "")


async def test_numbers_come_from_claims_or_are_given_once(cilogon_hub: Cilogon, cilogon: CILogon) -> None:
    deployment = cilogon_hub[1]
    for login in ("jane", "Uma", "dn", "Uma"):
        async with Browser(deployment.url) as browser:
            assert (await browser.log_in_with_provider(login)).status == 200
    people = deployment.people()
    assert people["jane"] == 50001
    assert 2_000_000_000 <= people["uma"] <= 2_099_999_999
    assert len(set(people.values())) == len(people)
    await cilogon.order(claims={"Uma": cilogon.claims("Uma", uidNumber="50777")})
    async with Browser(deployment.url) as browser:
        assert (await browser.log_in_with_provider("Uma")).status == 200
    assert deployment.people()["uma"] == people["uma"], "files would be lost with another number"


async def test_a_number_of_somebody_else_is_refused(cilogon_hub: Cilogon, cilogon: CILogon, matrix: Matrix) -> None:
    async with Browser(cilogon_hub[1].url) as browser:
        await browser.log_in_with_provider("jane")
    thief = cilogon.claims("jane", sub="http://cilogon.org/serverA/users/667", eppn="thief@ncsa.illinois.edu")
    await cilogon.order(claims={"jane": thief})
    async with Browser(cilogon_hub[1].url) as browser:
        matrix.check("a member with the user number of somebody else", await browser.log_in_with_provider("jane"), "")


async def test_a_renamed_person_stays_and_a_namesake_is_somebody_else(
    cilogon_hub: Cilogon, cilogon: CILogon, matrix: Matrix
) -> None:
    deployment = cilogon_hub[1]
    async with Browser(deployment.url) as browser:
        await browser.log_in_with_provider("jane")
    await cilogon.order(claims={"jane": cilogon.claims("jane", eppn="jane.doe@ncsa.illinois.edu")})
    async with Browser(deployment.url) as browser:
        who = "a member whose name changed from jane to jane.doe"
        matrix.check(who, await browser.log_in_with_provider("jane"), "jane")
    namesake = cilogon.claims("jane", sub="http://cilogon.org/serverA/users/2001", uidNumber="50003")
    await cilogon.order(claims={"jane": namesake})
    async with Browser(deployment.url) as browser:
        matrix.check("another member with the name jane", await browser.log_in_with_provider("jane"), "jane-50003")
    assert deployment.people()["jane"] == 50001
