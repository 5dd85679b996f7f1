"""Names of people in `admins` and `users.allow`: each is one that a login can give, or is refused with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jld.rules import listed_names as site_names
from jldhub.identity import IdentityError
from jldhub.login.usernames import login_name
from jldhub.settings import listed_names as hub_names
from jldhub.settings.login import Auth
from jldhub.settings.reserved_names import RESERVED
from oauthenticator.cilogon import CILogonOAuthenticator
from pydantic import ValidationError

PLAIN, STRIPPED, PREFIXED = {}, {"stripDomain": "uni.edu"}, {"prefix": "toronto"}
AT_PROVIDER = "is written as at the provider; write {}, as in the hub"
KEY = 'hub.auth.cilogon.identityProviders."https://0.example.org/idp"'
NO_PROVIDER = f"is a name that none of {KEY} gives; write it like {{}}"
NO_LOGIN = "is no login of GitHub, which has letters, digits and hyphens; write one like octocat"
SYSTEM = "the name of a system account, which nobody gets; write another one"


def cilogon(*providers: dict[str, str]) -> dict[str, Any]:
    named = {f"https://{number}.example.org/idp": provider for number, provider in enumerate(providers)}
    return {"cilogon": {"clientId": "cilogon:/client_id/1", "identityProviders": named}}


def other(authenticator: str) -> dict[str, Any]:
    options = {"authorize_url": "https://id.example.org/a", "token_url": "https://id.example.org/t"}
    options |= {"userdata_url": "https://id.example.org/u", "username_claim": "preferred_username"}
    generic = {"options": options} if authenticator == "generic-oauth" else {}
    return {"other": {"class": authenticator, "clientId": "jld", **generic}}


GITHUB: dict[str, Any] = {"github": {"clientId": "Iv1.abc"}}
NAMES = [
    (GITHUB, "octocat", None),
    (GITHUB, "Octo-Cat", None),
    (GITHUB, "octo_corp", None),
    (GITHUB, "newton-4000066", None),
    (GITHUB, "jane.doe", NO_LOGIN),
    (GITHUB, "jane@uni.edu", NO_LOGIN),
    (GITHUB, "_jane", NO_LOGIN),
    (GITHUB, "my-org:my-team", "is no login; write organizations and teams in organizations.allow"),
    (GITHUB, "root", SYSTEM),
    (cilogon(PLAIN), "jane.uni.edu", None),
    (cilogon(PLAIN), "jane@uni.edu", AT_PROVIDER.format("jane.uni.edu")),
    (cilogon(PLAIN), "Jane+Test@Uni.edu", AT_PROVIDER.format("jane.test.uni.edu")),
    (cilogon(PLAIN), "jane", NO_PROVIDER.format("jane.uni.edu")),
    (cilogon({"nameClaim": "uid"}), "jane", None),
    (cilogon(STRIPPED), "jane", None),
    (cilogon(STRIPPED), "jane.other.edu", None),
    (cilogon(STRIPPED), "jane@uni.edu", AT_PROVIDER.format("jane")),
    (cilogon(STRIPPED), "jane@other.edu", AT_PROVIDER.format("jane.other.edu")),
    (cilogon(STRIPPED), "jane.uni.edu", NO_PROVIDER.format("jane")),
    (cilogon(PREFIXED), "toronto.ann.utoronto.ca", None),
    (cilogon(PREFIXED), "toronto:ann@utoronto.ca", AT_PROVIDER.format("toronto.ann.utoronto.ca")),
    (cilogon(PREFIXED), "ann@utoronto.ca", AT_PROVIDER.format("toronto.ann.utoronto.ca")),
    (cilogon(PREFIXED), "ann.utoronto.ca", NO_PROVIDER.format("toronto.ann.utoronto.ca")),
    (cilogon(PREFIXED), "ann", NO_PROVIDER.format("toronto.ann.uni.edu")),
    (cilogon(STRIPPED, PREFIXED), "jane@uni.edu", AT_PROVIDER.format("jane or toronto.jane.uni.edu")),
    (cilogon(STRIPPED, PREFIXED), "toronto.jane.uni.edu", None),
    (cilogon(STRIPPED), "daemon", SYSTEM),
    (other("generic-oauth"), "jane", None),
    (other("generic-oauth"), "jane.uni.edu", None),
    (other("generic-oauth"), "jane@uni.edu", AT_PROVIDER.format("jane.uni.edu")),
    (other("globus"), "jane@uni.edu", AT_PROVIDER.format("jane.uni.edu or jane")),
    (other("generic-oauth"), "nobody", SYSTEM),
    ({"dummy": {}}, "root", SYSTEM),
]  # fmt: skip


@pytest.mark.parametrize(("auth", "name", "fault"), NAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_listed_name_is_one_of_the_hub_or_is_refused(
    auth: dict[str, Any], name: str, fault: str | None, complaints: Callable[[str], list[str]]
) -> None:
    (way,) = auth
    users = {"users": [name]} if way == "dummy" else {"users": {"allow": [name]}}
    chosen = {"admins": [name], way: auth[way] | users}
    top = {
        "global": {"hostname": "jupyter.example.org", "imageRegistry": "ghcr.io/my-org"},
        "nginx": {"tls": {"existingSecret": "jupyter-tls"}},
    }
    routes = {"nginx": top["nginx"] | {"routes": {"existingSecret": "mine"}}}
    said = complaints(yaml.safe_dump(top | routes | {"hub": {"auth": chosen, "existingSecret": "mine"}}))
    lists = ["admins[0]", "dummy.users[0]" if way == "dummy" else f"{way}.users.allow[0]"]
    assert sorted(line.split("error: ")[1] for line in said) == (
        [f"hub.auth.{key}: {fault}" for key in lists] if fault else []
    )

    with nullcontext() if fault is None else pytest.raises(ValidationError, match=re.escape(fault.removeprefix("is "))):
        Auth.model_validate(chosen)


TEXT = st.from_regex(r"[a-z0-9_][a-z0-9._@:+-]{0,20}", fullmatch=True)
WORDS = st.sampled_from(["", "uni.edu", "b"])
DERIVATIONS = st.builds(
    lambda claim, word, kind: (claim, word if kind else "", "" if kind else word.replace(".", "-")),
    st.sampled_from(["eppn", "email", "uid"]),
    WORDS,
    st.booleans(),
)


@given(TEXT, st.lists(DERIVATIONS, min_size=1, max_size=3), st.sampled_from(["globus", "google", "generic-oauth"]))
def test_tool_and_hub_say_the_same(name: str, derivations: list[tuple[str, str, str]], authenticator: str) -> None:
    said = [
        (
            module.github_fault(name),
            module.cilogon_fault(name, [module.Derivation(*each) for each in derivations]),
            module.other_fault(name, authenticator),
        )
        for module in (site_names, hub_names)
    ]
    assert said[0] == said[1]


@given(
    st.from_regex(r"[a-z0-9][a-z0-9.+-]{0,12}", fullmatch=True), st.sampled_from(["uni.edu", "b", "c.d"]), DERIVATIONS
)
def test_a_name_that_a_login_gives_is_accepted_and_told_for_the_one_at_the_provider(
    local: str, domain: str, derivation: tuple[str, str, str]
) -> None:
    claim, strip_domain, prefix = derivation
    at_provider = local if claim == "uid" else f"{local}@{domain}"
    action = {"action": "prefix", "prefix": prefix} if prefix else {}
    action = {"action": "strip_idp_domain", "domain": strip_domain} if strip_domain else action
    login = SimpleNamespace(idps={"x": {"username_derivation": {"username_claim": claim, **action}}})
    processed = CILogonOAuthenticator._get_processed_username(login, at_provider, {"idp": "x"})
    try:
        in_the_hub = login_name(processed).name
    except IdentityError:
        return
    told = hub_names.Derivation(claim, strip_domain, prefix)
    if strip_domain and in_the_hub.endswith(f".{strip_domain}"):
        return  # whose name at the provider ends like the domain, without being of it
    assert hub_names.cilogon_fault(in_the_hub, [told]) is None
    if re.search("[@:+]", at_provider):
        assert hub_names.cilogon_fault(at_provider, [told]) == AT_PROVIDER.format(in_the_hub)


def test_both_know_the_same_names_of_the_system() -> None:
    assert site_names.RESERVED == RESERVED
