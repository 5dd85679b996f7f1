"""Mistakes in services, roles, named servers, blocked people and limits of culling: each is refused with its key and the remedy."""

import json
import re
from typing import Any

import pytest
from jld.rules.access.scopes import SCOPES, fault
from jupyterhub.scopes import _check_scopes_exist, scope_definitions

GITHUB = {"github": {"clientId": "Iv1.8a61f9b3a7aba766", "organizations": {"allow": ["my-org"]}}}


def told(desk: Any, hub: dict[str, Any]) -> str:
    site = {"global": {"hostname": "jupyter.example.org"}, "hub": {"auth": GITHUB, **hub}}
    site |= {"nginx": {"tls": {"existingSecret": "tls"}}, "storage": {"mode": "hostPath"}}
    desk.write("site.yaml", json.dumps(site))
    return str(desk.run("check", "site.yaml", JLD_GITHUB_CLIENT_SECRET="0123456789abcdef").stderr)


PODS = [{"namespace": "tools", "labels": {"app": "x"}}]


def test_what_is_right_is_accepted(desk: Any) -> None:
    hub = {
        "services": {"one": {"url": "http://one.tools:8080", "pods": PODS, "scopes": ["list:users"], "allowAll": True}},
        "roles": {"teachers": {"scopes": ["read:servers!group=a"], "groups": ["my-org:teachers"], "services": ["one"]}},
        "namedServers": {"limit": 3},
        "culling": {"people": {"octocat": {"idleTimeout": "0s"}}, "namedServers": {"maxAge": "1d", "remove": True}},
    }
    assert "error" not in told(desk, hub)


def service(**keys: Any) -> dict[str, Any]:
    return {"services": {"one": keys}}


def role(**keys: Any) -> dict[str, Any]:
    return {"roles": {"one": {"scopes": ["list:users"], "allowAll": True} | keys}}


ROWS: list[tuple[str, dict[str, Any], str]] = [
    ("a service of JLD's own", {"services": {"idle-culler": {}}}, "hub.services: this name is one of JLD's own services"),
    ("another one", {"services": {"prometheus": {}}}, "hub.services: this name is one of JLD's own services"),
    ("a name that is no path", {"services": {"a/b": {}}}, 'the key "a/b" is not accepted; write a name of lower case'),
    ("a huge name", {"services": {"a" * 500: {}}}, "is not accepted; write a name of lower case"),
    ("https", service(url="https://one.tools", pods=PODS), 'hub.services.one.url: found "https://one.tools"; write http://'),
    ("a foreign scheme", service(url="file:///etc/passwd", pods=PODS), "hub.services.one.url: found"),
    ("credentials", service(url="http://me:hunter2@one.tools", pods=PODS), "hub.services.one.url: found"),
    ("a path", service(url="http://one.tools/x", pods=PODS), "hub.services.one.url: found"),
    ("pages without pods", service(url="http://one.tools"), "hub.services.one.url: nobody could open its pages"),
    ("an unknown key", service(admin=True), "hub.services.one.admin: there is no such key"),
    ("a token in the site", service(apiToken="0" * 64), "hub.services.one.apiToken: there is no such key"),
    ("a slip in a scope", service(scopes=["list:user"]), "JupyterHub has no scope list:user; did you mean list:users?"),
    ("a filter", service(scopes=["read:users!team=x"]), "JupyterHub has no filter !team; write !user=NAME"),
    ("many services", {"services": {f"s{number}": {} for number in range(101)}}, "hub.services: "),
    ("many scopes", service(scopes=[f"list:users!user=u{number}" for number in range(101)]), "hub.services.one.scopes: "),
    ("JupyterHub's role", {"roles": {"admin": {"scopes": ["self"]}}}, "this name is one of JupyterHub's or JLD's own roles"),
    ("a service's role", {"roles": {"service-x": {"scopes": ["self"]}}}, "one of JupyterHub's or JLD's own roles"),
    ("a role without scopes", role(scopes=[]), "hub.roles.one.scopes: "),
    ("a slip in a role", role(scopes=["acces:servers"]), "did you mean access:servers?"),
    ("a stranger's service", role(services=["two"]), "hub.roles.one.services[0]: none of hub.services"),
    ("a name of no login", role(users=["jane.doe"]), "hub.roles.one.users[0]: is no login of GitHub"),
    ("a system account", role(users=["root"]), "hub.roles.one.users[0]: the name of a system account"),
    ("many people", role(users=[f"u{number}" for number in range(1001)]), "hub.roles.one.users: "),
    ("a blocked admin", {"auth": GITHUB | {"admins": ["Ada"], "blocked": ["ada"]}}, "hub.auth.blocked[0]: one of hub.auth.admins too"),
    ("a blocked nobody", {"auth": GITHUB | {"blocked": ["a.b"]}}, "hub.auth.blocked[0]: is no login of GitHub"),
    ("blocked twice", {"auth": GITHUB | {"blocked": ["a", "a"]}}, "hub.auth.blocked: holds the same entry twice"),
    ("groups of a trial", {"auth": {"dummy": {"users": ["a"]}}} | role(groups=["x"]), "hub.roles.one.groups: with hub.auth.dummy nobody has groups"),
    ("a limit below none", {"namedServers": {"limit": -1}}, "hub.namedServers.limit: found the number -1; write a whole number from 0 to 100"),
    ("too short an idle time-out", {"culling": {"people": {"a": {"idleTimeout": "4m"}}}}, "write 5m or more, or 0s for never"),
    ("the same of named servers", {"culling": {"namedServers": {"idleTimeout": "4m"}}}, "write 5m or more, or 0s for never"),
    ("a person who is none", {"culling": {"people": {"a.b": {}}}}, 'hub.culling.people."a.b": is no login of GitHub'),
    ("a trait that a key says", {"traits": {"JupyterHub": {"extra_user_scopes": ["self"]}}}, "what everybody may do is said in hub.roles"),
]  # fmt: skip


@pytest.mark.parametrize(("hub", "sentence"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_mistake_is_told_with_its_key(desk: Any, hub: dict[str, Any], sentence: str) -> None:
    said = told(desk, hub)
    assert "error" in said
    assert sentence in said
    assert "hunter2" not in said


def test_a_role_that_nobody_has_is_warned_about(desk: Any) -> None:
    said = told(desk, role(allowAll=False))
    assert re.search(r"warning: hub\.roles\.one: nobody has this role", said)


def test_the_scopes_are_those_of_jupyterhub() -> None:
    assert scope_definitions.keys() - {"inherit", "(no_scope)"} == SCOPES


FILTERS = [
    "",
    "!user",
    "!service",
    "!server",
    "!group",
    "!team",
    "!user=a",
    "!group=a:b",
    "!server=a/b",
    "!service=x",
    "!x=y",
]


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_is_accepted_as_jupyterhub_does(text: str) -> None:
    scope = f"read:users{text}"
    try:
        _check_scopes_exist([scope])
    except Exception:
        assert fault(scope)
    else:
        assert fault(scope) is None
