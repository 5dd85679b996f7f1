"""What JupyterHub and the front door are told of the site's own services, roles and named servers, as data."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jldhub.hub.culling import culling_services
from jldhub.hub.idle_culler import OwnLimits
from jldhub.hub.process import hub_config
from jldhub.hub.services import scope_faults, scopes_of_everybody, service_routes, site_roles, site_services
from jldhub.identity import IdentityError, lab_identity
from jldhub.login.configuration import admin_roles, authenticator_config
from jldhub.settings.secret_files import HubSecrets, SecretError
from jldhub.settings.settings import Settings, SettingsError
from jupyterhub.roles import get_default_roles
from jupyterhub.scopes import expand_scopes

TOKEN = "a1" * 32


@pytest.fixture
def document(settings_document: dict[str, Any], secret_directory: Path) -> dict[str, Any]:
    (secret_directory / "service.announcement").write_text(TOKEN)
    (secret_directory / "service.grader").write_text(TOKEN)
    return copy.deepcopy(settings_document) | {"secretDirectory": str(secret_directory)}


def parsed(document: dict[str, Any], **hub: Any) -> Settings:
    return Settings.parse({**document, "hub": document["hub"] | hub})


SERVICES = {
    "announcement": {"url": "http://announcement.tools:8080", "scopes": ["list:users"], "allowAll": True},
    "grader": {"oauthRedirect": "https://grader.example.org/oauth_callback", "oauthNoConfirm": True},
}


def test_a_service_has_its_token_its_role_its_route_and_what_its_pages_need(document: dict[str, Any]) -> None:
    settings = parsed(document, services=SERVICES)
    secrets = HubSecrets.load(settings)
    assert site_services(settings, secrets) == [
        {
            "name": "announcement",
            "api_token": TOKEN,
            "oauth_redirect_uri": "/services/announcement/oauth_callback",
            "oauth_no_confirm": False,
        },
        {
            "name": "grader",
            "api_token": TOKEN,
            "oauth_redirect_uri": "https://grader.example.org/oauth_callback",
            "oauth_no_confirm": True,
        },
    ]
    assert site_roles(settings) == [
        {"name": "service-announcement", "services": ["announcement"], "scopes": ["list:users"]}
    ]
    assert scopes_of_everybody(settings) == ["access:services!service=announcement"]
    routes = {"/services/announcement/": "http://announcement.tools:8080"}
    assert service_routes(settings) == routes
    assert hub_config(settings, secrets)["Proxy"]["extra_routes"] == routes
    assert TOKEN in secrets.values  # what the log never shows
    assert TOKEN not in repr(secrets)


def test_pages_lie_below_the_route_of_the_hub(document: dict[str, Any]) -> None:
    settings = parsed(document | {"global": document["global"] | {"hubRoute": "/nb/"}}, services=SERVICES)
    assert list(service_routes(settings)) == ["/nb/services/announcement/"]
    first, _ = site_services(settings, HubSecrets.load(settings))
    assert first["oauth_redirect_uri"] == "/nb/services/announcement/oauth_callback"


def test_a_role_has_its_people_its_groups_and_its_services(document: dict[str, Any]) -> None:
    role = {"scopes": ["read:servers"], "users": ["Octocat"], "groups": ["lsst:teachers"], "services": ["grader"]}
    settings = parsed(document, services=SERVICES, roles={"teachers": role, "all": {"scopes": ["x"], "allowAll": True}})
    *_, teachers, _ = site_roles(settings)
    assert teachers == role | {"name": "teachers", "description": "", "users": ["octocat"]}
    assert scopes_of_everybody(settings)[1:] == ["x"]
    config = authenticator_config(settings, HubSecrets.load(settings))
    assert config["Authenticator"]["manage_groups"] is True
    assert config["ProviderLogin"]["role_groups"] == ["lsst:teachers"]
    assert config["ProviderLogin"]["read_teams"] is True
    assert "read:org" in config["GitHubOAuthenticator"]["scope"]


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("list:user", "JupyterHub has no scope 'list:user'; did you mean list:users?"),
        ("inherit", "JupyterHub has no scope 'inherit'; look into JupyterHub's documentation"),
        ("read:users!team=x", "has a filter that JupyterHub does not know"),
        ("read:users!group", "has a filter that JupyterHub does not know"),
        ("read:users!group=", "has a filter that JupyterHub does not know"),
    ],
)
def test_a_scope_that_does_not_exist_is_told_with_its_key(document: dict[str, Any], scope: str, told: str) -> None:
    settings = parsed(document, services={"grader": {"scopes": [scope]}}, roles={"one": {"scopes": [scope, "self"]}})
    faults = scope_faults(settings)
    assert [fault.split(":")[0] for fault in faults] == ["hub.services.grader.scopes", "hub.roles.one.scopes"]
    assert all(told in fault for fault in faults)
    good = [
        "read:users",
        "read:users!user",
        "access:servers!server=bob/x",
        "read:users!group=a:b",
        "list:users!user=bob",
    ]
    assert scope_faults(parsed(document, roles={"one": {"scopes": good}})) == []


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"services": {"idle-culler": {}}}, "'idle-culler' is a service of JLD's own; write another name"),
    ({"services": {"prometheus": {}}}, "'prometheus' is a service of JLD's own"),
    ({"services": {"a/b": {}}}, "hub.services.a/b"),
    ({"services": {"one": {"url": "https://one.tools"}}}, "hub.services.one.url"),
    ({"services": {"one": {"url": "ftp://one.tools"}}}, "hub.services.one.url"),
    ({"services": {"one": {"url": "http://me:secret@one.tools"}}}, "hub.services.one.url"),
    ({"services": {"one": {"url": "http://one.tools/path"}}}, "hub.services.one.url"),
    ({"services": {"one": {"admin": True}}}, "hub.services.one.admin: is not a key that the hub knows"),
    ({"roles": {"admin": {"scopes": ["self"]}}}, "'admin' is a role of JupyterHub's or JLD's own"),
    ({"roles": {"service-x": {"scopes": ["self"]}}}, "'service-x' is a role of JupyterHub's or JLD's own"),
    ({"roles": {"one": {"scopes": []}}}, "hub.roles.one.scopes"),
    ({"roles": {"one": {"scopes": ["self"], "services": ["two"]}}}, "roles.one.services names two, which is none of services"),
    ({"roles": {"one": {"scopes": ["self"], "users": ["a.b"]}}}, "roles.one.users: 'a.b' is no login of GitHub"),
    ({"roles": {"one": {"scopes": ["self"], "users": ["root"]}}}, "the name of a system account"),
    ({"culling": {"people": {"a.b": {}}}}, "culling.people: 'a.b' is no login of GitHub"),
    ({"culling": {"people": {"ada": {"idleTimeout": "4m"}}}}, "write 5m or more, or 0s for never"),
    ({"culling": {"namedServers": {"idleTimeout": "4m"}}}, "write 5m or more, or 0s for never"),
    ({"namedServers": {"limit": -1}}, "hub.namedServers.limit"),
]  # fmt: skip


@pytest.mark.parametrize(("hub", "told"), REFUSED)
def test_what_cannot_be_is_refused_with_its_place(document: dict[str, Any], hub: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parsed(document, **hub)
    assert told in str(refused.value)
    assert "secret@" not in str(refused.value) or "url" in told


def test_a_token_that_is_missing_or_short_is_named_and_not_shown(
    document: dict[str, Any], secret_directory: Path
) -> None:
    (secret_directory / "service.grader").write_text("hunter2")
    (secret_directory / "service.announcement").unlink()
    with pytest.raises(SecretError) as refused:
        HubSecrets.load(parsed(document, services=SERVICES))
    missing, short = refused.value.sentences
    assert missing.startswith("secret service.announcement: ")
    assert "run `jld values`" in missing
    assert short.startswith("secret service.grader: holds 7 characters")
    assert "hunter2" not in short


def test_named_servers_are_off_until_there_is_a_limit(document: dict[str, Any]) -> None:
    found = []
    for limit in (0, 3):
        settings = parsed(document, namedServers={"limit": limit})
        hub = hub_config(settings, HubSecrets.load(settings))["JupyterHub"]
        found.append((hub["allow_named_servers"], hub["named_server_limit_per_user"]))
    assert found == [(False, 0), (True, 3)]


def test_an_administrator_without_access_has_no_scope_that_leads_into_a_lab(document: dict[str, Any]) -> None:
    admin, administrator = admin_roles(parsed(document))
    assert admin == {"name": "admin", "users": []}
    assert administrator["users"] == ["ada"]
    (own,) = [role for role in get_default_roles() if role["name"] == "admin"]
    everything, chosen = (expand_scopes(role["scopes"]) for role in (own, administrator))
    assert chosen < everything
    into_labs = {
        "access:servers",
        "shares",
        "tokens",
        "admin:auth_state",
        "admin:users",
        "admin:services",
        "users:shares",
    }
    assert not chosen & into_labs
    assert {"admin-ui", "list:users", "start:servers", "delete:servers", "read:metrics"} <= chosen


def test_a_blocked_name_is_compared_as_in_the_hub_and_gets_no_lab(document: dict[str, Any]) -> None:
    settings = parsed(document, auth=document["hub"]["auth"] | {"blocked": ["Mallory"]})
    config = authenticator_config(settings, HubSecrets.load(settings))
    assert config["Authenticator"]["blocked_users"] == {"mallory"}
    with pytest.raises(IdentityError, match="mallory is blocked here"):
        lab_identity(settings.hub.auth, {"github_user": {"id": 5000}}, "mallory", 1)
    assert lab_identity(settings.hub.auth, {"github_user": {"id": 5000}}, "grace", 1).uid == 5000
    with pytest.raises(SettingsError, match="blocked names ada, who is in admins too"):
        parsed(document, auth=document["hub"]["auth"] | {"blocked": ["ADA"]})


def own_limits(settings: Settings) -> OwnLimits:
    (service,) = culling_services(settings)
    (word,) = [word for word in service["command"] if word.startswith("--own-limits=")]
    return OwnLimits(json.loads(word.removeprefix("--own-limits=")))


LIMITS = {
    "idleTimeout": "8h",
    "maxAge": "7d",
    "namedServers": {"idleTimeout": "1h", "remove": True},
    "people": {"Octocat": {"idleTimeout": "0s", "maxAge": "0s"}, "ada": {"maxAge": "1d"}},
}
HOUR = 3600


@pytest.mark.parametrize(
    ("user", "server", "limits"),
    [
        ("bob", "", (8 * HOUR, 7 * 24 * HOUR)),
        ("bob", "mine", (HOUR, 7 * 24 * HOUR)),
        ("octocat", "", (0, 0)),
        ("octocat", "mine", (0, 0)),
        ("ada", "", (8 * HOUR, 24 * HOUR)),
        ("ada", "mine", (HOUR, 24 * HOUR)),
    ],
)
def test_limits_of_a_person_win_over_those_of_named_servers(
    document: dict[str, Any], user: str, server: str, limits: tuple[int, int]
) -> None:
    settings = parsed(document, culling=LIMITS)
    own = own_limits(settings)
    assert own.of(user, server) == limits
    idle, age = limits

    def is_over(inactive: float | None, old: float) -> bool:
        started = (datetime.now(UTC) - timedelta(seconds=old)).isoformat()
        left = None if inactive is None else timedelta(seconds=inactive)
        told = {"full_name": f"{user}/{server}", "started": started}
        return own.is_over(inactive=left, inactive_limit=1, server=told)

    assert not is_over(0, 60)
    assert not is_over(None, 60)
    assert is_over((idle or 10**9) + 1, 60) is bool(idle)
    assert is_over(0, (age or 10**9) + 60) is bool(age)


def test_the_culler_compares_ages_itself_only_where_all_labs_have_the_same(document: dict[str, Any]) -> None:
    (service,) = culling_services(parsed(document, culling=LIMITS))
    assert "--max-age=0" in service["command"]
    assert "--remove-named-servers=true" in service["command"]
    assert "--cull-every=600" in service["command"]
    (service,) = culling_services(parsed(document, culling={"maxAge": "7d"}))
    assert f"--max-age={7 * 24 * HOUR}" in service["command"]
    assert not [word for word in service["command"] if "own-limits" in word or "remove" in word]


def test_labs_report_as_often_as_the_shortest_limit_of_anybody_needs(document: dict[str, Any]) -> None:
    assert parsed(document, culling={"people": {"ada": {"idleTimeout": "6m"}}}).hub.culling.report_seconds == 60
    never = {"idleTimeout": "0s", "people": {"ada": {"idleTimeout": "10m"}}}
    settings = parsed(document, culling=never)
    assert settings.hub.culling.report_seconds == 100
    assert own_limits(settings).of("bob", "") == (0, 0)
