"""What a Service, an Ingress and an HTTPRoute must not have together, so that no upgrade stops half-way at the API server."""

import json
import re
from typing import Any

import pytest

from tests.front_door_services import MODES, TYPES, choices

SITE: dict[str, Any] = {"global": {"hostname": "jupyter.example.org"}, "hub": {"auth": {"dummy": {"users": ["alice"]}}}}


def refused(desk: Any, site: dict[str, Any]) -> dict[str, str]:
    """The keys that `jld check` refuses, each with its sentence."""
    desk.write("site.yaml", json.dumps(SITE | site))
    found = re.findall(r"error: (\S+): (.+)", desk.run("check", "site.yaml").stderr)
    return dict(found)


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("mode", MODES)
def test_what_kubernetes_refuses_to_a_service_is_refused_and_nothing_else(desk: Any, mode: str, type_: str) -> None:
    for choice in choices():
        if (choice.mode, choice.type) != (mode, type_):
            continue
        said = refused(desk, {"nginx": choice.nginx})
        keys = {key.removeprefix("nginx.service.").partition(".")[0] for key in said}
        assert keys == choice.refused, choice
        assert all("remove" in sentence for sentence in said.values())


FAMILIES: list[tuple[str, list[str], bool]] = [
    ("", [], True),
    ("", ["IPv6"], True),
    ("", ["IPv4", "IPv6"], False),
    ("SingleStack", ["IPv6"], True),
    ("SingleStack", ["IPv4", "IPv6"], False),
    ("PreferDualStack", [], True),
    ("PreferDualStack", ["IPv6", "IPv4"], True),
    ("RequireDualStack", ["IPv4"], True),
    ("RequireDualStack", ["IPv4", "IPv4"], False),
    ("DualStack", [], False),
]


@pytest.mark.parametrize(("policy", "families", "right"), FAMILIES)
@pytest.mark.parametrize("mode", MODES)
def test_families_fit_their_policy(desk: Any, mode: str, policy: str, families: list[str], right: bool) -> None:
    nginx = next(each.nginx for each in choices() if each.mode == mode and not each.fields)
    nginx["service"] |= {"ipFamilyPolicy": policy, "ipFamilies": families}

    assert (refused(desk, {"nginx": nginx}) == {}) is right


CLASS = {"kubernetes.io/ingress.class": "nginx"}
ROUTES: list[tuple[str, str, dict[str, Any], str]] = [
    ("an address for a host name", "ingress", {"global": {"hostname": "192.0.2.7"}}, "global.hostname"),
    ("an address for a Gateway's", "gateway", {"global": {"hostname": "192.0.2.7"}}, "global.hostname"),
    ("an address of nginx itself", "service", {"global": {"hostname": "192.0.2.7"}}, ""),
    (
        "a class twice",
        "ingress",
        {"ingress": {"className": "nginx", "annotations": CLASS}},
        "nginx.ingress.annotations",
    ),
    ("a class by annotation", "ingress", {"ingress": {"annotations": CLASS}}, ""),
    ("a class by name", "ingress", {"ingress": {"className": "nginx"}}, ""),
    ("a namespace with a dot", "gateway", {"gateway": {"name": "a", "namespace": "b.c"}}, "nginx.gateway.namespace"),
    ("a Gateway with a dot", "gateway", {"gateway": {"name": "a.b", "namespace": "c"}}, ""),
]


@pytest.mark.parametrize(("mode", "change", "key"), [row[1:] for row in ROUTES], ids=[row[0] for row in ROUTES])
def test_what_kubernetes_refuses_to_a_way_in_is_refused(desk: Any, mode: str, change: dict[str, Any], key: str) -> None:
    nginx = next(each.nginx for each in choices() if each.mode == mode and each.type == "ClusterIP" and not each.fields)
    site = {"nginx": nginx | {name: value for name, value in change.items() if name != "global"}}
    if "global" in change:
        site["global"] = change["global"]

    assert [found for found in refused(desk, site) if not found.startswith(key or "nothing")] == []
    assert (refused(desk, site) != {}) is bool(key)
