"""Keys that are accepted and have no effect, because another key says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jld.schema.chart import Chart
from jld.schema.unchosen import NOT_SET, SET, Need, needs, warnings
from jld.schema.validation import key_rule
from jld.site.tree import coalesce, plain, put, tree
from jld.support.key_paths import KeyPath, dotted

CHART = Chart(Path(__file__).resolve().parents[4] / "chart")
SCHEMA, DEFAULTS = CHART.schema(), CHART.defaults()
NEEDS = list(needs(SCHEMA))
HEAD = "global: {hostname: jupyter.lab.uni.edu, imageRegistry: ghcr.io/my-org"
AUTH = "auth: {github: {clientId: Iv1.8a61f9b3a7aba766, organizations: {allow: [my-org]}}}"


def site(rest: str = "", hub: str = "", nginx: str = "", shared: str = "") -> str:
    """A site that is right but for what is added: `rest` begins in line 4."""
    return f"{HEAD}{shared}}}\nhub: {{{AUTH}{hub}}}\nnginx: {{tls: {{existingSecret: t}}{nginx}}}\n{rest}"


def unmet(need: Need) -> Any:
    """A value of the other key with which the first one has no effect."""
    rule = key_rule(SCHEMA, need.other)
    if need.wanted == (NOT_SET,):
        return "something"
    if need.wanted == (SET,):
        return 0 if rule.get("type") == "integer" else ""
    if rule.get("type") == "boolean":
        return not need.wanted[0]
    return next(each for each in rule["enum"] if each not in need.wanted)


def met(need: Need) -> Any:
    rule = key_rule(SCHEMA, need.other)
    if need.wanted == (NOT_SET,):
        return ""
    if need.wanted == (SET,):
        return 3 if rule.get("type") == "integer" else "something"
    return need.wanted[0]


def warned(need: Need, value: Any) -> list[tuple[str, str]]:
    """What is said of a site that writes the key, and the other one with this value, whatever else the key needs."""
    others = {each.other: met(each) for each in NEEDS if need.path[: len(each.path)] == each.path}
    root = put(tree({}), need.path, tree({"some": "key"}))
    for path, other in (others | {need.other: value}).items():
        root = put(root, path, tree(other))
    found = warnings(root, coalesce(DEFAULTS, plain(root)), DEFAULTS, SCHEMA)
    return [(problem.key, problem.sentence) for problem in found if problem.key == dotted(need.path)]


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: f"{dotted(need.path)} by {dotted(need.other)}")
def test_a_key_without_effect_is_named_with_what_it_needs(need: Need) -> None:
    assert warned(need, unmet(need)) == [
        (dotted(need.path), need.sentence(coalesce(DEFAULTS, plain(put(tree({}), need.other, tree(unmet(need)))))))
    ]
    assert warned(need, met(need)) == []


def of_a_mode(rule: dict[str, Any], path: KeyPath = ()) -> set[KeyPath]:
    """The maps that are called like a mode beside them, or that can be switched off, whatever the tool makes of them."""
    found: set[KeyPath] = set()
    known = rule.get("properties", {})
    modes = {value for each in known.values() for value in each.get("enum", [])}
    for key, child in known.items():
        if key in modes and "properties" in child and child.get("x-only-with") != {}:
            found.add((*path, key))
        if "enabled" in known and key not in ("enabled", "global"):
            found.add((*path, key))
        found |= of_a_mode(child, (*path, key))
    return found


def test_every_map_of_a_mode_and_of_a_part_that_may_be_off_is_held_to_it() -> None:
    paths = of_a_mode(SCHEMA)
    assert {("nginx", "gateway"), ("logging", "relay"), ("firefly", "route"), ("storage", "hostPath")} < paths
    assert paths <= {need.path for need in NEEDS}


def test_every_key_that_another_one_needs_is_a_key() -> None:
    for need in NEEDS:
        assert key_rule(SCHEMA, need.other), dotted(need.other)


WITHOUT_EFFECT: dict[str, tuple[str, list[str]]] = {
    "an Ingress of the front door as a Service": (
        site(nginx=", ingress: {className: traefik}"),
        ["3:35: nginx.ingress: has no effect with nginx.mode: service; write nginx.mode: ingress, or remove it"],
    ),
    "a Gateway beside an Ingress": (
        site(nginx=", mode: ingress, trustedProxies: [10.1.2.0/24], ingress: {className: a}, gateway: {name: x}"),
        ["3:106: nginx.gateway: has no effect with nginx.mode: ingress; write nginx.mode: gateway, or remove it"],
    ),
    "the Service of an Ingress": (
        site(
            nginx=", mode: ingress, trustedProxies: [10.1.2.0/24], ingress: {className: a}, service: {annotations: {a: b}}"
        ),
        [],
    ),
    "storage of another mode": (
        site("storage: {hostPath: {path: /srv/jld}}\n"),
        ["4:11: storage.hostPath: has no effect with storage.mode: claim; write storage.mode: hostPath, or remove it"],
    ),
    "volumes of people who share one": (
        site("storage: {perPerson: {capacity: 5Gi}}\n"),
        [
            "4:11: storage.perPerson: has no effect with storage.homes: shared; write storage.homes: perPerson, or remove it"
        ],
    ),
    "a fixed address that nobody fixes": (
        site("storage: {mode: nfs, nfs: {clients: [10.0.0.0/24], address: {clusterIP: 10.96.0.5}}}\n"),
        [
            "4:73: storage.nfs.address.clusterIP: has no effect with storage.nfs.address.mode: hook; "
            "write storage.nfs.address.mode: static, or remove it"
        ],
    ),
    "how a claim is made that is there": (
        site(
            "storage: {mode: nfs, nfs: {clients: [10.0.0.0/24], existingClaim: disk, accessMode: ReadWriteOncePod}}\n"
        ),
        ["4:85: storage.nfs.accessMode: has no effect beside storage.nfs.existingClaim; remove one of the two"],
    ),
    "a part that is off, every key of it": (
        site("firefly: {replicas: 3, javaMemory: 2Gi}\n"),
        [
            "4:21: firefly.replicas: has no effect with firefly.enabled: false; write firefly.enabled: true, or remove it",
            "4:36: firefly.javaMemory: has no effect with firefly.enabled: false; write firefly.enabled: true, or remove it",
        ],
    ),
    "log shipping that is off": (
        site("logging: {logstash: {queue: q}}\n"),
        [
            "4:11: logging.logstash: has no effect with logging.enabled: false; write logging.enabled: true, or remove it"
        ],
    ),
    "backup to nowhere": (
        site("storage: {backup: {keep: 3}}\n"),
        ["4:26: storage.backup.keep: has no effect without storage.backup.claim; write that too, or remove it"],
    ),
    "purging that is not done": (
        site("prepuller: {purge: report, purgeAbove: 70}\n"),
        [
            "4:40: prepuller.purgeAbove: has no effect with prepuller.purge: report; "
            "write prepuller.purge: remove, or remove it"
        ],
    ),
    "labs with a name that nobody may have": (
        site(hub=", culling: {namedServers: {remove: true}}"),
        ["2:101: hub.culling.namedServers: has no effect without hub.namedServers.limit; write that too, or remove it"],
    ),
    "how often nobody reads": (
        site(shared=", monitoring: {interval: 1m}"),
        [
            "1:95: global.monitoring.interval: has no effect with global.monitoring.monitors: false; "
            "write global.monitoring.monitors: true, or remove it"
        ],
    ),
    "defaults that are written down": (
        site("firefly: {enabled: false, replicas: 1}\n", nginx=", gateway: {name: ''}"),
        [],
    ),
}


@pytest.mark.parametrize(("text", "said"), WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT)
def test_a_site_is_told_what_has_no_effect(text: str, said: list[str], desk: Any) -> None:
    desk.write("site.yaml", text)
    result = desk.run("check", "site.yaml", JLD_GITHUB_CLIENT_SECRET="abc123")
    assert result.exit_code == 0, result.stderr
    assert [line for line in result.stderr.splitlines() if "has no effect" in line] == [
        line.replace(line.split(" ")[0], f"site.yaml:{line.split(' ')[0]} warning:", 1) for line in said
    ]
