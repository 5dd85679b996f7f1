"""What JupyterHub is told, as data."""

import dataclasses
from pathlib import Path

import pytest
from jldhub.front_door.proxy import FrontDoor
from jldhub.hub.culling import culling_services
from jldhub.hub.process import hub_config
from jldhub.hub.prometheus import scraping_roles, scraping_services
from jldhub.labs.start.guarded_spawner import guarded_spawner_config, outer_timeout
from jldhub.login.cilogon import CILogonLogin
from jldhub.login.configuration import admin_roles, authenticator_config
from jldhub.login.dummy import DummyLogin
from jldhub.login.github import GitHubLogin
from jldhub.settings.hub import Database
from jldhub.settings.login import Auth
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings


@pytest.fixture
def secrets(settings: Settings, secret_directory: Path) -> HubSecrets:
    return HubSecrets.load(settings.model_copy(update={"secret_directory": secret_directory}))


def with_auth(settings: Settings, auth: object) -> Settings:
    return settings.model_copy(update={"hub": settings.hub.model_copy(update={"auth": Auth.model_validate(auth)})})


def test_the_hub_leaves_labs_and_routes_alone_when_it_stops(settings: Settings, secrets: HubSecrets) -> None:
    hub = hub_config(settings, secrets)["JupyterHub"]
    assert (hub["cleanup_servers"], hub["cleanup_proxy"], hub["shutdown_on_logout"]) == (False, False, False)


def test_nobody_is_refused_because_others_start_too(settings: Settings, secrets: HubSecrets) -> None:
    assert hub_config(settings, secrets)["JupyterHub"]["concurrent_spawn_limit"] == 0
    assert guarded_spawner_config(settings) == {"starts_at_once": 32, "queue_timeout": 900, "startup_timeout": 300.0}
    assert (
        outer_timeout(settings) > 900 + 300 + 120
    )  # JupyterHub's own time-out, which says nothing to people, comes last


def test_prometheus_has_a_token_that_reads_numbers(settings: Settings, secrets: HubSecrets) -> None:
    assert (scraping_services(secrets), scraping_roles(secrets)) == ([], [])
    told = dataclasses.replace(secrets, metrics_token="7e" * 32)
    assert scraping_services(told) == [{"name": "prometheus", "api_token": "7e" * 32}]
    assert scraping_roles(told) == [{"name": "prometheus", "services": ["prometheus"], "scopes": ["read:metrics"]}]


def test_addresses_come_from_the_settings(settings: Settings, secrets: HubSecrets) -> None:
    config = hub_config(settings, secrets)
    assert config["JupyterHub"]["hub_bind_url"] == "http://:8081"
    assert config["JupyterHub"]["hub_connect_url"] == "http://jld-hub:8081"
    assert config["JupyterHub"]["public_url"] == "https://jupyter.example.org/"
    assert config["JupyterHub"]["proxy_class"] is FrontDoor
    assert config["FrontDoor"] == {"apis": ["jld-nginx-api:8001"], "auth_token": "12" * 32}


def test_the_hub_lies_below_its_route_and_is_asked_for_everything_else_too(
    settings: Settings, secrets: HubSecrets
) -> None:
    moved = settings.model_copy(update={"site": settings.site.model_copy(update={"hub_route": "/nb/"})})
    hub = hub_config(moved, secrets)["JupyterHub"]
    assert (hub["base_url"], hub["hub_routespec"]) == ("/nb/", "/")
    assert hub["public_url"] == "https://jupyter.example.org/nb/"
    login = authenticator_config(moved, secrets)["GitHubOAuthenticator"]
    assert login["oauth_callback_url"] == "https://jupyter.example.org/nb/hub/oauth_callback"
    (service,) = culling_services(moved)
    assert "--url=http://127.0.0.1:8081/nb/hub/api" in service["command"]


def test_the_database_is_sqlite_unless_it_is_somewhere_else(settings: Settings, secret_directory: Path) -> None:
    hub = settings.hub.model_copy(update={"db": Database(external=True)})
    external = settings.model_copy(update={"hub": hub, "secret_directory": secret_directory})
    internal = settings.model_copy(update={"secret_directory": secret_directory})
    hubs = [hub_config(each, HubSecrets.load(each))["JupyterHub"] for each in (internal, external)]
    assert [hub["db_url"] for hub in hubs] == [
        "sqlite:////srv/jupyterhub/jupyterhub.sqlite",
        "postgresql+psycopg://hub@db/hub",
    ]
    assert [hub["upgrade_db"] for hub in hubs] == [True, False]
    told = settings.hub.model_copy(update={"db": Database(external=True, upgrade=True)})
    assert hub_config(external.model_copy(update={"hub": told}), HubSecrets.load(external))["JupyterHub"]["upgrade_db"]


def test_github_is_asked_for_no_more_than_the_rules_need(settings: Settings, secrets: HubSecrets) -> None:
    config = authenticator_config(settings, secrets)
    assert config["JupyterHub"] == {"authenticator_class": GitHubLogin}
    assert config["ProviderLogin"] == {
        "allow_organizations": ["lsst", "lsst-sqre:friends"],
        "deny_organizations": ["rivals"],
        "read_groups": True,
        "read_teams": False,
        "provider_address": "https://github.com",
        **{"staleness": 86400.0, "first_id": 2_000_000_000, "last_id": 2_099_999_999},
    }
    assert config["GitHubOAuthenticator"] | {"http_request_kwargs": None} == {
        "client_id": "Iv1.0123456789abcdef",
        "client_secret": "the client secret",
        "oauth_callback_url": "https://jupyter.example.org/hub/oauth_callback",
        "github_url": "https://github.com",
        "github_api": "https://api.github.com",
        "scope": ["user:email", "read:org"],
        "http_request_kwargs": None,
    }
    people_only = with_auth(settings, {"github": {"clientId": "x", "users": {"allow": ["ada"]}}})
    assert authenticator_config(people_only, secrets)["GitHubOAuthenticator"]["scope"] == ["user:email"]


def test_a_token_of_github_enterprise_goes_nowhere_else(settings: Settings, secrets: HubSecrets) -> None:
    own = {"clientId": "x", "url": "https://github.example.org", "users": {"allow": ["ada"]}}
    for more, api in (
        ({}, "https://github.example.org/api/v3"),
        ({"apiUrl": "https://api.gh.example.org"}, "https://api.gh.example.org"),
    ):
        config = authenticator_config(with_auth(settings, {"github": own | more}), secrets)["GitHubOAuthenticator"]
        assert (config["github_url"], config["github_api"]) == ("https://github.example.org", api)


def test_teams_are_asked_for_with_the_right_to_read_them(settings: Settings, secrets: HubSecrets) -> None:
    auth = {"github": {"clientId": "x", "teamsAsGroups": True, "users": {"allow": ["ada"]}}}
    config = authenticator_config(with_auth(settings, auth), secrets)
    assert config["GitHubOAuthenticator"]["scope"] == ["user:email", "read:org"]
    assert config["ProviderLogin"]["read_teams"] is True


def test_identity_providers_are_told_to_cilogon_as_its_library_wants_them(
    settings: Settings, secrets: HubSecrets
) -> None:
    auth = {
        "refresh": "10m",
        "staleness": "2h",
        "cilogon": {
            "clientId": "cilogon:/client_id/1",
            "identityProviders": {
                "https://a/shibboleth": {"stripDomain": "a.edu"},
                "https://b/shibboleth": {"prefix": "b", "nameClaim": "email", "allowDomains": ["b.edu"]},
            },
            "groups": {"deny": ["x"]},
        },
    }
    config = authenticator_config(with_auth(settings, auth), secrets)
    assert config["JupyterHub"] == {"authenticator_class": CILogonLogin}
    assert config["CILogonOAuthenticator"]["idps"] == {
        "https://a/shibboleth": {
            "username_derivation": {"username_claim": "eppn", "action": "strip_idp_domain", "domain": "a.edu"},
            "allow_all": False,
            "allowed_domains": [],
        },
        "https://b/shibboleth": {
            "username_derivation": {"username_claim": "email", "action": "prefix", "prefix": "b"},
            "allow_all": False,
            "allowed_domains": ["b.edu"],
        },
    }
    assert (config["ClaimsLogin"]["groups_claim"], config["ClaimsLogin"]["deny_groups"]) == ("isMemberOf", ["x"])
    assert config["ProviderLogin"] == {"staleness": 7200.0, "first_id": 2_000_000_000, "last_id": 2_099_999_999}
    assert config["Authenticator"]["auth_refresh_age"] == 600


def test_nobody_is_let_in_by_default(settings: Settings, secrets: HubSecrets) -> None:
    for auth in ({"github": {"clientId": "x", "users": {"allow": ["ada"]}}}, {"dummy": {"users": ["ada"]}}):
        config = authenticator_config(with_auth(settings, auth), secrets)["Authenticator"]
        assert (config["allow_all"], config["allow_existing_users"]) == (False, False)
        assert config["allowed_users"] == {"ada"}


def test_trial_logins_have_one_password(settings: Settings, secret_directory: Path) -> None:
    trial = with_auth(settings, {"dummy": {"users": ["alice"]}}).model_copy(
        update={"secret_directory": secret_directory}
    )
    config = authenticator_config(trial, HubSecrets.load(trial))
    assert config["JupyterHub"] == {"authenticator_class": DummyLogin}
    assert config["DummyLogin"] == {"password": "the password"}


def test_admins_are_exactly_those_of_the_settings(settings: Settings) -> None:
    entering = settings.hub.auth.model_copy(update={"admin_access": True})
    hub = settings.hub.model_copy(update={"auth": entering})
    assert admin_roles(settings.model_copy(update={"hub": hub})) == [{"name": "admin", "users": ["ada"]}]
