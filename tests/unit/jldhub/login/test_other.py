"""Every authenticator class that is installed beside the hub: people log in with it, or the hub says why it cannot be."""

import json
from importlib.metadata import entry_points
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from jldhub.login.configuration import authenticator_config
from jldhub.login.other import other_login
from jldhub.login.people import METADATA
from jldhub.settings.login import Auth, Other
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings, SettingsError
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from tornado.httpclient import HTTPRequest
from traitlets.config import Config

ADDRESSES = {f"{each}_url": f"https://id.example.org/{each}" for each in ("authorize", "token", "userdata")}
# What is written for a class, what its provider says of a person, and their name in the hub.
USABLE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "auth0": (
        {"options": {"auth0_domain": "lab.eu.auth0.com"}},
        {"sub": "auth0|1", "email": "Jane@uni.edu", "email_verified": True},
        "jane.uni.edu",
    ),
    "azuread": (
        {"options": {"tenant_id": "common", "username_claim": "upn"}},
        {"sub": "1", "upn": "jane@uni.edu"},
        "jane.uni.edu",
    ),
    "bitbucket": ({"subjectClaim": "uuid"}, {"uuid": "{1}", "username": "jane"}, "jane"),
    "generic-oauth": ({"options": ADDRESSES | {"username_claim": "name"}}, {"sub": "1", "name": "jane"}, "jane"),
    "gitlab": ({"subjectClaim": "id"}, {"id": 7, "username": "jane"}, "jane"),
    "globus": ({}, {"sub": "1", "preferred_username": "jane@uni.edu"}, "jane"),
    "google": (
        {"subjectClaim": "id", "options": {"hosted_domain": ["uni.edu"]}},
        {"id": "1", "email": "jane@uni.edu", "verified_email": True, "hd": "uni.edu"},
        "jane",
    ),
    "openshift": (
        {"subjectClaim": "metadata.uid", "options": {"openshift_auth_api_url": "https://oauth.example.org"}},
        {"metadata": {"name": "jane", "uid": "1"}},
        "jane",
    ),
}
OWN_SYSTEM = "wants everybody to have an account in the hub's own system; write "
NONE_OF_OAUTHENTICATOR = "is no class of oauthenticator; write one of auth0, azuread"
REFUSED = {
    "github": "hub.auth.github is for it; write that",
    "cilogon": "hub.auth.cilogon is for it; write that",
    "mediawiki": "it speaks another protocol than the hub's login; write another class",
    **dict.fromkeys(["default", "dummy", "null", "pam", "shared-password"], NONE_OF_OAUTHENTICATOR),
}
INSTALLED = sorted(point.name for point in entry_points(group="jupyterhub.authenticators"))


def other(name: str, **changes: Any) -> Other:
    return Other.model_validate({"class": name, "clientId": "jld", "allowAll": True, **changes})


def faults(chosen: Other) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        other_login(chosen)
    return refused.value.sentences


def test_every_installed_class_is_in_one_of_the_tables() -> None:
    local = {name for name in INSTALLED if name.startswith("local-")}
    assert {*USABLE, *REFUSED, *local} == set(INSTALLED)
    assert USABLE.keys().isdisjoint(REFUSED)


@pytest.mark.parametrize("name", sorted({*INSTALLED} - {*USABLE}))
def test_a_class_that_cannot_work_is_refused_with_the_reason(name: str) -> None:
    reason = REFUSED.get(name, OWN_SYSTEM + name.removeprefix("local-"))
    (sentence,) = faults(other(name))
    assert sentence.startswith(f"hub.auth.other.class: {name!r}")
    assert reason in sentence


class Provider:
    """A provider's answers, in place of the HTTP client."""

    def __init__(self, person: dict[str, Any]) -> None:
        self.person = person

    async def fetch(self, request: HTTPRequest, **_: object) -> Any:
        claims = jwt.encode({**self.person, "aud": "jld"}, "k" * 32)
        token = {"access_token": "t", "token_type": "bearer", "id_token": claims, "other_tokens": [], "scope": "openid"}
        body = token if request.method == "POST" else self.person
        return SimpleNamespace(body=json.dumps(body).encode(), code=200)


def made(name: str, settings: Settings, secrets: HubSecrets, **changes: Any) -> Any:
    """The class as the hub makes it, with a provider that answers."""
    more, person, _ = USABLE[name]
    auth = {"other": {"class": name, "clientId": "jld", "allowAll": True, **more, **changes}}
    hub = settings.hub.model_copy(update={"auth": Auth.model_validate(auth)})
    config = authenticator_config(settings.model_copy(update={"hub": hub}), secrets)
    chosen = config["JupyterHub"]["authenticator_class"](config=Config(config))
    chosen.http_client = Provider(person)
    return chosen


@pytest.fixture
def secrets(settings: Settings, secret_directory: Any) -> HubSecrets:
    return HubSecrets.load(settings.model_copy(update={"secret_directory": secret_directory}))


@pytest.fixture
def handler(tmp_path: Any) -> Any:
    with Session(create_engine(f"sqlite:///{tmp_path}/hub.sqlite")) as db:
        METADATA.create_all(db.connection())
        yield SimpleNamespace(
            db=db, get_argument=lambda *_: "code", get_state_cookie=lambda: "e30=", request=SimpleNamespace()
        )


@pytest.mark.parametrize("name", USABLE)
async def test_people_log_in_with_a_class_that_is_accepted(
    name: str, settings: Settings, secrets: HubSecrets, handler: Any
) -> None:
    chosen = made(name, settings, secrets)
    chosen.enable_pkce = False
    model = await chosen.get_authenticated_user(handler, None)
    assert (model["name"], model["auth_state"]["jld"]["uid"]) == (USABLE[name][2], 2_000_000_000)


async def test_a_restriction_of_globus_class_holds(settings: Settings, secrets: HubSecrets, handler: Any) -> None:
    """Its check is a coroutine, where those of the other classes are functions."""
    chosen = made("globus", settings, secrets, options={"identity_provider": "other.edu"})
    chosen.enable_pkce = False
    with pytest.raises(Exception, match=r"restricted to other\.edu"):
        await chosen.get_authenticated_user(handler, None)


@pytest.mark.parametrize(
    ("name", "changes", "wanted"),
    [
        ("generic-oath", {}, "hub.auth.other.class: there is no 'generic-oath' in the hub's image; write one of auth0"),
        ("generic-oauth", {}, "hub.auth.other.options.authorize_url: is missing; write it"),
        (
            "generic-oauth",
            {"options": ADDRESSES | {"userdata_url": ""}},
            "hub.auth.other.options.userdata_url: is missing; write it",
        ),
        (
            "generic-oauth",
            {"options": ADDRESSES | {"authorise_url": "x"}},
            "hub.auth.other.options.authorise_url: GenericOAuthenticator has no such trait; did you mean authorize_url?",
        ),
        (
            "generic-oauth",
            {"options": ADDRESSES | {"scope": "openid"}},
            "hub.auth.other.options.scope: The 'scope' trait of a GenericOAuthenticator instance expected a list, "
            "not the str 'openid'; correct it",
        ),
        (
            "generic-oauth",
            {"options": ADDRESSES | {"scope": ["openid"], "allowed_scopes": ["email"]}},
            "hub.auth.other.options: GenericOAuthenticator does not take them: Allowed scopes must be a subset of requested "
            "scopes. ['openid'] is requested but ['email'] is allowed; correct them",
        ),
        (
            "auth0",
            {},
            "hub.auth.other.options: Auth0OAuthenticator does not take them: Configuring either auth0_domain or "
            "auth0_subdomain is required; correct them",
        ),
        ("azuread", {}, "hub.auth.other.options.tenant_id: is missing; write it"),
        (
            "openshift",
            {"subjectClaim": "metadata.uid"},
            "hub.auth.other.options.openshift_auth_api_url: is missing; write it",
        ),
        ("gitlab", {}, "hub.auth.other.subjectClaim: gitlab tells no claim sub; write id"),
        ("google", {}, "hub.auth.other.subjectClaim: google tells no claim sub; write id"),
    ],
)
def test_a_mistake_is_told_by_the_key_that_somebody_wrote(name: str, changes: dict[str, Any], wanted: str) -> None:
    assert faults(other(name, **changes))[0].startswith(wanted)


@pytest.mark.parametrize("name", USABLE)
def test_no_message_can_name_a_class_that_nobody_wrote(name: str) -> None:
    point = next(each for each in entry_points(group="jupyterhub.authenticators") if each.name == name)
    assert other_login(other(name, **USABLE[name][0])).__name__ == point.load().__name__
