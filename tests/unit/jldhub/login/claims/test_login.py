"""Who is let in by the claims of a login, and with which numbers."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.identity import IdentityError
from jldhub.login.admission import AdmissionDenied
from jldhub.login.cilogon import CILogonLogin
from jldhub.login.claims.login import ClaimsLogin
from jldhub.login.other import other_login
from jldhub.login.people import METADATA, Account, IdRange, People
from jldhub.settings.login import Other
from jldhub.support.refusal import Refusal
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from traitlets.config import Config

from .test_groups import plain, separators, spellings, wrapped

IDP = "https://idp.example.org"
OIDC = Other.model_validate(
    {
        "class": "generic-oauth",
        "clientId": "jld",
        "options": {f"{each}_url": f"{IDP}/{each}" for each in ("authorize", "token", "userdata")},
        "allowAll": True,
    }
)


def login(**traits: Any) -> ClaimsLogin:
    defaults = {"allow_groups": ["science"], "deny_groups": ["suspended"], "groups_claim": "groups", "provider": "p"}
    config = Config({"ClaimsLogin": {**defaults, **traits}})
    made: ClaimsLogin = other_login(OIDC)(config=config)
    made.username_claim = traits.get("username_claim", "name")
    return made


def model(**claims: Any) -> dict[str, Any]:
    received = {"sub": "1", "name": "jane", **claims}
    return {"name": "jane", "auth_state": {"oauth_user": received}}


async def let_in(chosen: ClaimsLogin, **claims: Any) -> str:
    """Empty for somebody who is let in, else why not."""
    try:
        await chosen.require_not_denied(model(**claims))
        await chosen.require_admitted(model(**claims))
    except AdmissionDenied as denied:
        return str(denied)
    return ""


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        (["science"], ""),
        (["/Science"], ""),
        (["CN=science,OU=Groups,DC=uni,DC=edu"], ""),
        (["science", "suspended"], "is a member of suspended"),
        (["CN=science,OU=Groups,DC=uni", "CN=suspended,OU=Security Groups,DC=uni"], "is a member of suspended"),
        (["science", "/suspended"], "is a member of suspended"),
        ("science,suspended", "is a member of suspended"),
        ("science suspended", "could not be read: the claim groups of your login has no form that is known here"),
        (["science suspended"], "could not be read: the group 'science suspended' of your login may be several"),
        (["science", 7], "could not be read: group 2 in the claim groups of your login has no form that is known here"),
        (None, "could not be read: your login has no claim groups"),
        (["users"], "is not a member of: science"),
    ],
)
@pytest.mark.parametrize("everybody", [False, True])
async def test_a_deny_list_counts_whatever_lets_somebody_in(groups: object, why: str, everybody: bool) -> None:
    told = await let_in(login(admit_all=everybody), groups=groups)
    if everybody and "is not a member" in why:
        why = ""
    assert why in told
    assert bool(told) == bool(why)


@pytest.mark.parametrize("claim", ["realm_access.roles", "https://example.org/roles"])
async def test_groups_are_read_below_a_path_or_a_name_with_dots(claim: str) -> None:
    claims = {"realm_access": {"roles": ["science"]}, "https://example.org/roles": ["science"]}
    assert await let_in(login(groups_claim=claim), **claims) == ""


@pytest.mark.parametrize("name", ["/science", "\u00c9quipe 7", "lsst:gpu"])
async def test_a_group_of_any_name_can_be_allowed_and_denied(name: str) -> None:
    assert await let_in(login(allow_groups=[name]), groups=[name.upper()]) == ""
    assert "is a member of" in await let_in(login(deny_groups=[name]), groups=["science", name.lower()])


@given(
    st.lists(plain, max_size=4),
    spellings,
    st.integers(0, 4),
    st.lists(separators, min_size=6, max_size=6),
    wrapped,
    st.booleans(),
    st.booleans(),
)
async def test_nobody_in_a_denied_group_gets_in(
    others: list[str],
    spelling: str,
    place: int,
    between: list[str],
    wrap: Any,
    one_text: bool,
    everybody: bool,
) -> None:
    names: list[Any] = ["science", *others[:place], spelling, *others[place:]]
    if one_text:
        value: Any = "".join(f"{name}{separator}" for name, separator in zip(names, [*between, ","], strict=False))
    else:
        value = [wrap(name) for name in names]
    assert await let_in(login(admit_all=everybody), groups=value), json.dumps(value)


@pytest.mark.parametrize(
    ("claim", "claims", "name"),
    [
        ("name", {}, "jane"),
        ("account.login", {"account": {"login": "Ann"}}, "ann"),
        ("https://example.org/login", {"https://example.org/login": "ann"}, "ann"),
        ("name", {"name": "Jos\u00e9 O'Neill"}, "jose-oneill"),
    ],
)
def test_a_name_comes_from_any_claim(claim: str, claims: dict[str, Any], name: str) -> None:
    chosen = login(username_claim=claim)
    assert chosen.user_info_to_username(model(**claims)["auth_state"]["oauth_user"]) == name
    assert chosen.account(model(**claims)).login == name


def test_a_missing_name_is_told() -> None:
    with pytest.raises(Refusal, match="no claim with a user name"):
        login(username_claim="account.login").account(model())


def test_a_name_of_the_settings_is_kept_for_whoever_has_it_at_the_provider() -> None:
    chosen = login()
    chosen.allowed_users = {"jose"}
    assert chosen.account(model(name="jose")).others_names == frozenset()
    assert chosen.account(model(name="Jos\u00e9")).others_names == {"jose"}


def test_a_name_at_cilogon_may_be_at_the_end_of_a_path() -> None:
    idps = {IDP: {"username_derivation": {"username_claim": "account.login"}}}
    config = Config({"CILogonOAuthenticator": {"idps": idps}, "ClaimsLogin": {"provider": "p"}})
    chosen = CILogonLogin(config=config)
    assert chosen.user_info_to_username({"idp": IDP, "account": {"login": "Ann"}}) == "ann"
    with pytest.raises(Refusal, match=r"does not tell account\.login"):
        chosen.user_info_to_username({"idp": IDP, "account": "ann"})


@pytest.fixture
def people(tmp_path: Path) -> Any:
    with Session(create_engine(f"sqlite:///{tmp_path}/hub.sqlite")) as db:
        METADATA.create_all(db.connection())
        yield People(db, IdRange(5000, 5099))


def test_whose_number_is_a_groups_needs_a_claim_with_the_number_of_their_own(people: People) -> None:
    chosen = login(uid_claim="uid")
    with_group = model(uid=7001, groups=[{"name": "science", "id": 8001}])
    first = people.record(chosen.account(with_group))
    chosen.describe(with_group, first, people)

    thief = model(sub="2", name="mallory", uid=8001)
    with pytest.raises(IdentityError, match="Your user number 8001 is the number of a group"):
        chosen.verify(thief, people.preview(chosen.account(thief)), people)

    chosen.gid_claim = "gid"
    own = model(sub="2", name="mallory", uid=8001, gid=9001)
    chosen.verify(own, people.preview(chosen.account(own)), people)


def test_all_groups_are_memberships_and_sixteen_are_groups_of_a_lab(people: People) -> None:
    groups = [{"name": f"g{number}", "id": 8000 + number} for number in range(40)]
    chosen = login()
    person = people.record(Account("p", "1", "jane"))
    described = chosen.describe(model(groups=[*groups, "lsst:gpu"]), person, people)
    assert len(described["groups"]) == 16
    assert len(described["memberships"]) == 41
    assert "lsst:gpu" in described["memberships"]
    assert people.is_group_gid(8039), "whoever comes later must not own its files"
