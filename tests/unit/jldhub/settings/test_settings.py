"""The settings file: what is read from it, and the sentences about what is wrong in it."""

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from jldhub.settings.settings import Settings, SettingsError


def sentences(document: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        Settings.parse(document)
    return raised.value.sentences


@pytest.fixture
def document(settings_document: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(settings_document)


def test_an_equals_sign_is_text_as_helm_writes_it(document: dict[str, Any], tmp_path: Path) -> None:
    document["hub"]["lab"]["environment"] = {"A": "EQUALS"}
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(document).replace("EQUALS", "="))
    assert dict(Settings.load(path).hub.lab.environment) == {"A": "="}


def test_what_the_chart_writes_is_read(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(document))
    settings = Settings.load(path)
    assert settings.site.url == "https://jupyter.example.org"
    assert settings.hub.lab.start_timeout == timedelta(minutes=5)
    assert settings.hub.lab.sizes["medium"].memory == 4 * 2**30
    assert settings.hub.auth.github is not None
    assert settings.hub.auth.github.organizations.allow == ["lsst", "lsst-sqre:friends"]
    assert settings.names.lab_service_account == "jld-lab"


def test_another_port_is_part_of_the_address(document: dict[str, Any]) -> None:
    document["global"]["port"] = 8443
    assert Settings.parse(document).site.url == "https://jupyter.example.org:8443"


def test_all_mistakes_are_told_at_once(document: dict[str, Any]) -> None:
    document["hub"]["culling"]["idleTimeout"] = "12hours"
    document["hub"]["lab"]["sizes"]["huge"] = {"cpu": "many", "memory": "64Gi"}
    document["global"]["hostnam"] = "x"
    del document["names"]["volumes"]
    assert set(sentences(document)) == {
        "hub.culling.idleTimeout: '12hours' is not a duration; write 12h",
        "hub.lab.sizes.huge.cpu: 'many' is not a quantity; "
        "write a number with an optional unit, such as 0.5, 500m or 2Gi",
        "global.hostnam: is not a key that the hub knows; correct its spelling or remove it",
        "names.volumes: is missing; write it",
    }


def test_keys_are_camel_case_only(document: dict[str, Any]) -> None:
    document["hub"]["culling"]["idle_timeout"] = "1h"
    assert sentences(document) == (
        "hub.culling.idle_timeout: is not a key that the hub knows; correct its spelling or remove it",
    )


@pytest.mark.parametrize(
    ("auth", "sentence"),
    [
        (
            {"cilogon": {"clientId": "x", "identityProviders": {"https://a": {}}}},
            "hub.auth.cilogon: nobody could log in; write groups.allow, users.allow, or allowAll or allowDomains of an identity provider",
        ),
        (
            {
                "cilogon": {
                    "clientId": "x",
                    "identityProviders": {"https://a": {"prefix": "a", "stripDomain": "a.edu"}},
                    "users": {"allow": ["a"]},
                }
            },
            "hub.auth.cilogon.identityProviders.https://a: a name is either stripped of its domain or given a prefix; write one of the two",
        ),
        *(
            (
                {
                    **({"admins": ["jane"]} if listed == "admins" else {}),
                    "cilogon": {
                        "clientId": "x",
                        "identityProviders": {"https://a": {"stripDomain": "a.edu", "allowAll": True}, "https://b": {}},
                        "users": {"allow": ["jane"] if listed == "users" else []},
                    },
                },
                "hub.auth: 2 of cilogon.identityProviders have no prefix, so a name in admins or users.allow may be somebody's of "
                "another one; give all but one a prefix",
            )
            for listed in ("admins", "users")
        ),
        (
            {"other": {"class": "generic-oauth", "clientId": "x", "groups": {"allow": ["cn=a,ou=b"]}}},
            "hub.auth.other.groups.allow.0: 'cn=a,ou=b' is not the name of a group; write it like lsst_users or /science",
        ),
        (
            {"other": {"class": "generic-oauth", "clientId": "x", "groups": {"deny": ["cn=a"]}}},
            "hub.auth.other.groups.deny.0: 'cn=a' is a directory name, which is compared by its common name; write that alone",
        ),
        (
            {"other": {"class": "generic-oauth", "clientId": "x"}},
            "hub.auth.other: nobody could log in; write groups.allow, users.allow or allowAll",
        ),
        (
            {"dummy": {"users": ["a"]}, "numbers": {"first": 6000, "last": 5000}},
            "hub.auth.numbers: first (6000) is above last (5000); exchange them",
        ),
        (
            {"dummy": {"users": ["a"]}, "refresh": "10s"},
            "hub.auth: refresh would ask the provider with nearly every page; write 30m",
        ),
        (
            {"dummy": {"users": ["a"]}, "tokenLifetime": "0s"},
            "hub.auth: tokenLifetime is zero, and tokens would never expire; write 90d",
        ),
        (
            {"dummy": {"users": ["a"]}, "refresh": "2h", "staleness": "1h"},
            "hub.auth: staleness is shorter than refresh, so every session would end in between; write 24h",
        ),
        ({}, "hub.auth: there must be exactly one way to log in; write one of github, cilogon, other and dummy"),
        (
            {"dummy": {"users": ["a"]}, "github": {"clientId": "x", "users": {"allow": ["a"]}}},
            "hub.auth: there must be exactly one way to log in; write one of github, cilogon, other and dummy",
        ),
        (
            {"github": {"clientId": "x"}},
            "hub.auth.github: nobody could log in; write organizations.allow or users.allow",
        ),
        (
            {"github": {"clientId": "x", "organizations": {"deny": ["rivals"]}}},
            "hub.auth.github: nobody could log in; write organizations.allow or users.allow",
        ),
        (
            {"admins": ["bob"], "dummy": {"users": ["alice"]}},
            "hub.auth: admins names bob, who cannot log in; add them to dummy.users",
        ),
        (
            {"github": {"clientId": "x", "organizations": {"allow": ["a/b"]}}},
            "hub.auth.github.organizations.allow.0: 'a/b' is not an organization; "
            "write the name as in its address, or organization:team",
        ),
        (
            {"github": {"clientId": "x", "url": "github.com", "users": {"allow": ["a"]}}},
            "hub.auth.github.url: 'github.com' is not an address; "
            "write it with https:// in front, such as https://github.com",
        ),
    ],
)
def test_a_login_that_cannot_work_is_refused(document: dict[str, Any], auth: dict[str, Any], sentence: str) -> None:
    document["hub"]["auth"] = auth
    assert sentences(document) == (sentence,)


def test_a_removed_size_is_not_offered(document: dict[str, Any]) -> None:
    document["hub"]["lab"]["sizes"]["tiny"] = None
    assert sorted(Settings.parse(document).hub.lab.sizes) == ["large", "medium", "small"]


def test_the_default_size_must_exist(document: dict[str, Any]) -> None:
    document["hub"]["lab"]["sizes"]["small"] = None
    assert sentences(document) == (
        "hub.lab: defaultSize 'small' is not one of sizes (large, medium, tiny); name one of them",
    )


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_a_file_without_settings_is_told(document: object) -> None:
    assert sentences(document)[0].startswith("the settings: ")


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.yaml: cannot be read \(No such file or directory\)"):
        Settings.load(tmp_path / "missing.yaml")


def test_user_names_are_compared_in_lower_case(document: dict[str, Any]) -> None:
    document["hub"]["auth"] = {"admins": ["Alice"], "dummy": {"users": ["ALICE"]}}
    auth = Settings.parse(document).hub.auth
    assert (auth.admins, auth.dummy.users if auth.dummy else None) == (["alice"], ["alice"])
