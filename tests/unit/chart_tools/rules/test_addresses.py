"""The web addresses of a site: whether their ports exist, and whether the hub gets there."""

from typing import Any

import pytest
from jld.rules.outbound import addresses

EGRESS = [{"to": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}], "ports": [{"port": 8000, "endPort": 8100}]}]


def said(rules: Any, **hub: Any) -> dict[str, str]:
    network = {"enabled": True, "apiServerPorts": [443, 6443], **hub.pop("network_of_all", {})}
    registry = hub.pop("registry", "localhost/jld")
    effective = {"global": {"network": network, "imageRegistry": registry}, "hub": {"db": {}, **hub}}
    return {".".join(map(str, path)): sentence for rule in rules for path, sentence in rule(effective)}


def other(**options: Any) -> dict[str, Any]:
    return {"auth": {"other": {"class": "generic-oauth", "options": options}}}


@pytest.mark.parametrize(
    ("hub", "key", "port"),
    [
        ({"auth": {"github": {"url": "https://github.example.org:0"}}}, "hub.auth.github.url", 0),
        (
            {"auth": {"github": {"apiUrl": "https://github.example.org:65536/api/v3"}}},
            "hub.auth.github.apiUrl",
            65536,
        ),
        ({"auth": {"cilogon": {"url": "https://cilogon.org:70000"}}}, "hub.auth.cilogon.url", 70000),
        (
            other(token_url="https://ada:12@login.example.org:99999/token"),
            "hub.auth.other.options.token_url",
            99999,
        ),
        (other(more=[{"url": "https://[fd12::1]:99999"}]), "hub.auth.other.options.more.0.url", 99999),
        ({"environment": {"WHERE": "http://x.example.org:99999"}}, "hub.environment.WHERE", 99999),
        ({"services": {"one": {"url": "http://one.tools:99999"}}}, "hub.services.one.url", 99999),
        (
            {"lab": {"repositories": ["https://git.example.org:99999/a.git@main"]}},
            "hub.lab.repositories.0",
            99999,
        ),
        ({"registry": "r.example.org:99999"}, "global.imageRegistry", 99999),
    ],
)
def test_a_port_that_there_is_not_is_told(hub: dict[str, Any], key: str, port: int) -> None:
    assert said(addresses.RULES, **hub) == {key: f"there is no port {port}; write one from 1 to 65535"}


@pytest.mark.parametrize(
    "text",
    [
        "https://[fd12::99999]",
        "https://ada:99999@login.example.org/",
        "https://login.example.org:8444/a:99999",
        "urn:99999",
        "10:99999",
    ],
)
def test_what_is_no_port_is_taken_for_none(text: str) -> None:
    assert said(addresses.RULES, **other(text=text)) == {}


@pytest.mark.parametrize(
    ("url", "more", "warned"),
    [
        ("http://keycloak.login.svc/token", {}, "a policy sees the port of the pods"),
        ("http://keycloak.login.svc.cluster.local/token", {}, "a policy sees the port of the pods"),
        ("https://keycloak/token", {}, "a policy sees the port of the pods"),
        ("http://keycloak.login.svc:8080/token", {}, ""),
        ("http://keycloak.login.svc/token", {"network": {"egress": EGRESS}}, ""),
        ("http://keycloak.login.svc:8080/token", {"network_of_all": {"cilium": True}}, "Cilium finds pods by no"),
        ("http://keycloak.login.svc/token", {"network_of_all": {"enabled": False}}, ""),
        ("https://login.example.org/token", {"network_of_all": {"cilium": True}}, ""),
    ],
)
def test_a_provider_in_the_cluster_may_be_closed_to_the_hub(url: str, more: dict[str, Any], warned: str) -> None:
    found = said(addresses.WARNINGS, **other(token_url=url), **more)

    assert found.keys() == ({"hub.auth.other.options.token_url"} if warned else set())
    assert warned in "".join(found.values())


@pytest.mark.parametrize(
    ("line", "more", "warned"),
    [
        ('c.A.url = "https://login.example.org:8444/token"', {}, True),
        ('c.A.url = "ldaps://[fd12::1]:636"', {}, True),
        ("# see https://docs.example.org:8444/", {}, False),
        ('c.A.url = "https://login.example.org/token"', {}, False),
        ('c.A.url = "https://login.example.org:6443"', {}, False),
        ('c.A.url = "http://127.0.0.1:9000"', {}, False),
        ('c.A.url = "https://login.example.org:8099"', {"network": {"egress": EGRESS}}, False),
        ('c.A.url = "https://login.example.org:8101"', {"network": {"egress": EGRESS}}, True),
        ('c.A.url = "https://login.example.org:8444"', {"environment": {"A": "https://b.example.org:8444"}}, False),
        ('c.A.url = "postgresql://db:5432/x"', {"db": {"external": True}}, False),
        ('c.A.url = "postgresql://db:5432/x"', {"db": {"external": True, "ports": [6432]}}, True),
        ('c.A.url = "https://login.example.org:8444"', {"network_of_all": {"enabled": False}}, False),
        ("not python https://a:8444/", {}, False),
    ],
)
def test_a_port_that_only_the_sites_own_configuration_names_is_closed(
    line: str, more: dict[str, Any], warned: bool
) -> None:
    found = said(addresses.WARNINGS, extraConfig={"10-own.py": line}, **more)

    assert found.keys() == ({"hub.extraConfig.10-own.py"} if warned else set())


@pytest.mark.parametrize(
    ("host", "network", "warned"),
    [
        ("10.20.1.2", {}, True),
        ("10.20.1.2", {"allow": ["10.20.0.0/16"]}, False),
        ("10.20.1.2", {"allow": ["10.21.0.0/16"]}, True),
        ("10.20.1.2", {"egress": EGRESS}, False),
        ("192.0.2.1", {}, False),
        ("git.example.org", {}, False),
    ],
)
def test_labs_do_not_reach_a_repository_in_a_private_network(host: str, network: dict[str, Any], warned: bool) -> None:
    found = said(addresses.WARNINGS, lab={"repositories": [f"https://{host}/a.git"], "network": network})

    assert found.keys() == ({"hub.lab.repositories.0"} if warned else set())
