"""`hub.auth.other` in a site file: every class that is installed is accepted, or refused with key, cause and remedy."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import jupyterhub.authenticators
import oauthenticator
import pytest
import yaml
from jld.rules.traits import authenticators as tool
from jld.rules.traits import hub_image
from jld.rules.traits.owned import OPTIONS
from jldhub.login import other as hub
from jldhub.settings.login import Other
from jldhub.settings.settings import SettingsError
from jupyterhub.auth import Authenticator
from oauthenticator.oauth2 import OAuthenticator

ADDRESSES = {f"{each}_url": f"https://id.example.org/{each}" for each in ("authorize", "token", "userdata")}
CLASS = "hub.auth.other.class: "
OPTION = "hub.auth.other.options."
SUBJECT = "hub.auth.other.subjectClaim: "
USABLE = "auth0, azuread, bitbucket, generic-oauth, gitlab, globus, google, openshift"
Site = dict[str, Any]
COMPLETE: dict[str, Site] = {
    "auth0": {"options": {"auth0_domain": "lab.eu.auth0.com"}},
    "azuread": {"options": {"tenant_id": "common"}},
    "bitbucket": {"subjectClaim": "uuid"},
    "generic-oauth": {"options": ADDRESSES},
    "gitlab": {"subjectClaim": "id"},
    "globus": {},
    "google": {"subjectClaim": "id"},
    "openshift": {
        "subjectClaim": "metadata.uid",
        "options": {"openshift_auth_api_url": "https://oauth.example.org"},
    },
}
INCOMPLETE: dict[str, list[str]] = {
    "auth0": [
        "hub.auth.other.options: Auth0OAuthenticator does not take them: Configuring either auth0_domain or auth0_subdomain "
        "is required; correct them"
    ],
    "azuread": [OPTION + "tenant_id: missing; write it"],
    "bitbucket": [SUBJECT + "bitbucket tells no claim sub; write uuid"],
    "generic-oauth": [OPTION + f"{name}: missing; write it" for name in ADDRESSES],
    "gitlab": [SUBJECT + "gitlab tells no claim sub; write id"],
    "globus": [],
    "google": [SUBJECT + "google tells no claim sub; write id"],
    "openshift": [
        SUBJECT + "openshift tells no claim sub; write metadata.uid",
        OPTION + "openshift_auth_api_url: missing; write it",
    ],
}
REFUSED = {
    "github": "hub.auth.github is for it; write that",
    "cilogon": "hub.auth.cilogon is for it; write that",
    "mediawiki": "it speaks another protocol than the hub's login; write another class",
    **{
        name: f"{name} is no class of oauthenticator; write one of {USABLE}"
        for name in ("default", "dummy", "null", "pam", "shared-password")
    },
}
INSTALLED = {point.name: point for point in entry_points(group="jupyterhub.authenticators")}
MISTAKES: list[tuple[Site, str]] = [
    ({"class": "generic-oath"}, CLASS + "the hub's image has no class generic-oath; did you mean generic-oauth?"),
    ({"class": "okpy"}, CLASS + f"the hub's image has no class okpy; write one of {USABLE}"),
    (
        {"class": "oauthenticator.gitlab.GitLabOAuthenticator"},
        CLASS
        + 'found "oauthenticator.gitlab.GitLabOAuthenticator"; write a name that JupyterHub knows, like generic-oauth',
    ),
    (
        {"options": ADDRESSES | {"authorise_url": "x"}},
        OPTION + "authorise_url: GenericOAuthenticator has no such trait; did you mean authorize_url?",
    ),
    ({"options": ADDRESSES | {"scope": "openid"}}, OPTION + 'scope: found "openid"; write a list'),
    ({"options": ADDRESSES | {"login_service": 7}}, OPTION + "login_service: found the number 7; write text in quotes"),
    (
        {"options": ADDRESSES | {"modify_auth_state_hook": "f"}},
        OPTION + 'modify_auth_state_hook: found "f"; a hook is a Python function, which is written in hub.extraConfig',
    ),
    (
        {"options": ADDRESSES | {"client_secret": "abc"}},
        OPTION
        + "client_secret: not left to a site: it is a secret, and this would stand in a ConfigMap; the hub reads it "
        "from hub.secret.otherClientSecret",
    ),
    (
        {"options": ADDRESSES | {"scope": ["openid"], "allowed_scopes": ["email"]}},
        OPTION + "allowed_scopes: not left to a site: who may log in and who administers the hub is said in hub.auth",
    ),
]


def site(**other: Any) -> str:
    chosen = {"class": "generic-oauth", "clientId": "jld", "allowAll": True} | other
    return yaml.safe_dump(
        {
            "global": {"hostname": "jupyter.example.org", "imageRegistry": "ghcr.io/my-org"},
            "nginx": {"tls": {"existingSecret": "jupyter-tls"}, "routes": {"existingSecret": "mine"}},
            "hub": {"auth": {"other": chosen}, "existingSecret": "mine"},
        }
    )


def said(lines: list[str]) -> list[str]:
    return [line.split("error: ")[1] for line in lines]


@pytest.mark.parametrize("name", sorted(INSTALLED))
def test_every_installed_class_works_or_is_refused(name: str, complaints: Callable[[str], list[str]]) -> None:
    if name in COMPLETE:
        assert complaints(site(**{"class": name}, **COMPLETE[name])) == []
        assert sorted(said(complaints(site(**{"class": name})))) == sorted(INCOMPLETE[name])
        return
    own_system = (
        f"{name} wants everybody to have an account in the hub's own system; write {name.removeprefix('local-')}"
    )
    assert said(complaints(site(**{"class": name}))) == [CLASS + REFUSED.get(name, own_system)]


@pytest.mark.parametrize(("other", "sentence"), MISTAKES, ids=[sentence[:70] for _, sentence in MISTAKES])
def test_a_mistake_is_answered_with_key_cause_and_remedy(
    other: Site, sentence: str, complaints: Callable[[str], list[str]]
) -> None:
    assert said(complaints(site(**other))) == [sentence]


def test_an_image_of_ones_own_may_have_other_classes(complaints: Callable[[str], list[str]]) -> None:
    own = yaml.safe_load(site(**{"class": "our-own"}))
    own["hub"]["image"] = {"repository": "our-hub"}
    assert complaints(yaml.safe_dump(own)) == []


@pytest.mark.parametrize(
    "other",
    [
        *({"class": name, **more} for name in INSTALLED for more in ({}, COMPLETE.get(name, {}))),
        {"class": "generic-oauth", "options": ADDRESSES | {"otp_prompt": "Code:"}},  # which takes anything
    ],
    ids=str,
)
def test_the_hub_refuses_the_same_ones(other: Site, complaints: Callable[[str], list[str]]) -> None:
    wrong = complaints(site(**other))
    with pytest.raises(SettingsError) if wrong else nullcontext():
        hub.other_login(Other.model_validate({"clientId": "jld", "allowAll": True} | other))


def test_another_name_of_an_option_that_is_not_left_is_not_left_either() -> None:
    """`tls_verify` of generic-oauth is `validate_server_cert`."""
    for login in hub_image.table()["logins"].values():
        if login.get("class") not in (None, "GitHubOAuthenticator", "CILogonOAuthenticator"):
            assert {old for old, new in login["aliases"].items() if new in OPTIONS and old not in OPTIONS} == set()


def test_tool_and_hub_have_the_same_tables() -> None:
    assert (tool.OTHER_WAY, tool.NEEDED, tool.SUBJECTS) == (hub._OTHER_WAY, hub._NEEDED, hub._SUBJECTS)


def test_no_class_of_the_packages_is_left_out() -> None:
    """Those without a name in JupyterHub are what the others are made from."""
    packages = (oauthenticator, jupyterhub.authenticators)
    modules = [f"{each.__name__}.{found.name}" for each in packages for found in pkgutil.iter_modules(each.__path__)]
    usable = [name for name in modules if not name.endswith((".tests", ".mediawiki"))]
    classes = {
        cls
        for name in usable
        for _, cls in inspect.getmembers(import_module(name), inspect.isclass)
        if issubclass(cls, Authenticator)
    }
    named = {point.load() for name, point in INSTALLED.items() if name != "mediawiki"}
    assert {cls.__name__ for cls in classes - named} == {"Authenticator", "LocalAuthenticator", OAuthenticator.__name__}
