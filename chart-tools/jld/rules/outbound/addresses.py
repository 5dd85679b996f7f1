"""The web addresses that a site names: whether their ports exist, and whether NetworkPolicies let the hub through to them.

The hub's policy opens the ports of those that `ASKED` holds: chart/templates/network/_ports.yaml.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from jld.rules.networks import ALLOW, PRIVATE
from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, list_at, map_at, value_at

# Whom the hub asks.
ASKED: tuple[KeyPath, ...] = (
    *(("hub", "auth", "github"), ("hub", "auth", "cilogon", "url"), ("hub", "auth", "other")),
    *(("hub", "traits"), ("hub", "environment"), ("global", "proxy", "https")),
)
_OTHERS: tuple[KeyPath, ...] = (("hub", "services"), ("hub", "lab", "repositories"))
_REPOSITORIES: KeyPath = ("hub", "lab", "repositories")
_REGISTRY: KeyPath = ("global", "imageRegistry")
EGRESS: KeyPath = ("hub", "network", "egress")
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,31})://(?:[^/?#\"\\\s]*@)?(\[[0-9A-Fa-f:.]+\]|[^/?#\"\\\s:@\[\]]+)(?::([0-9]+))?(?![0-9A-Za-z:.@-])"
)
_OF_A_REGISTRY = re.compile(r"[^/]*:([0-9]+)(?:/|\Z)")
_USUAL = {"http": 80, "https": 443}
_HERE = ("localhost", "127.0.0.1", "[::1]", "0.0.0.0")  # noqa: S104 (nothing is bound)
_IN_THE_CLUSTER = re.compile(r"[a-z0-9-]+|.*\.(svc|cluster\.local)")
_DATABASE = (5432, 3306)


class Address(NamedTuple):
    """A web address, where it stands, and the port that it names or that its scheme has."""

    path: KeyPath
    host: str
    port: int | None


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, (*path, index))


def addresses(effective: JsonMap, *above: KeyPath) -> Iterator[Address]:
    """Every web address at or below these keys."""
    for key in above:
        for path, text in _texts(value_at(effective, *key), key):
            yield from _addresses_of(text, path)


def _addresses_of(text: str, path: KeyPath) -> Iterator[Address]:
    for scheme, host, port in _ADDRESS.findall(text):
        yield Address(path, host, int(port) if port else _USUAL.get(scheme.lower()))


def ports_of_addresses_exist(effective: JsonMap) -> Violations:
    """Each port in an address of `hub.auth`, `hub.traits`, `hub.environment`, `hub.services` and `hub.lab.repositories`, and in `global.imageRegistry`, is one from 1 to 65535."""
    named = [(each.path, each.port) for each in addresses(effective, *ASKED, *_OTHERS)]
    registry = value_at(effective, *_REGISTRY)
    if isinstance(registry, str) and (found := _OF_A_REGISTRY.match(registry)):
        named.append((_REGISTRY, int(found[1])))
    for path, port in dict.fromkeys(named):
        if port is not None and not 0 < port < 65536:
            yield path, f"there is no port {port}; write one from 1 to 65535"


def hub_reaches_what_is_in_the_cluster(effective: JsonMap) -> Violations:
    """The port of a Service is none of its pods', which is what a policy sees; and Cilium finds no pod by its address."""
    if not value_at(effective, "global", "network", "enabled") or list_at(effective, *EGRESS):
        return
    cilium = value_at(effective, "global", "network", "cilium")
    for each in addresses(effective, *ASKED):
        if each.host in _HERE or not _IN_THE_CLUSTER.fullmatch(each.host) or not (cilium or each.port in (80, 443)):
            continue
        why = (
            "Cilium finds pods by no address" if cilium else "a policy sees the port of the pods, not of their Service"
        )
        sentence = f"{each.host} is in the cluster, where {why}; name the pods and their port in hub.network.egress"
        yield each.path, sentence


def hub_reaches_what_its_own_configuration_names(effective: JsonMap) -> Violations:
    """Of files that a site brings nobody knows which addresses are asked: no policy opens their ports by itself."""
    if not value_at(effective, "global", "network", "enabled"):
        return
    opened = set(_opened(effective))
    for path, text in _own_texts(effective):
        for each in _addresses_of(text, path):
            if each.port is None or each.port in opened or each.host in _HERE or _by_egress(effective, each.port):
                continue
            sentence = f"it names {each.host} at port {each.port}, which no policy opens to the hub"
            yield path, f"{sentence}; open it in hub.network.egress, if the hub asks there"


def _own_texts(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    for name, text in map_at(effective, "hub", "extraConfig").items():
        try:
            parsed = ast.parse(text if isinstance(text, str) else "")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # another rule's matter
        for each in ast.walk(parsed):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield ("hub", "extraConfig", name), each.value


def _opened(effective: JsonMap) -> Iterator[int]:
    yield from (80, 443)
    yield from (each.port for each in addresses(effective, *ASKED) if each.port)
    yield from list_at(effective, "global", "network", "apiServerPorts")
    if value_at(effective, "hub", "db", "external"):
        yield from list_at(effective, "hub", "db", "ports") or _DATABASE


def _by_egress(effective: JsonMap, port: int) -> bool:
    for rule in list_at(effective, *EGRESS):
        for each in list_at(rule, "ports") or [{}]:
            first = value_at(each, "port")
            last = value_at(each, "endPort") or first
            if not isinstance(first, int) or (isinstance(last, int) and first <= port <= last):
                return True
    return False


def labs_reach_their_repositories(effective: JsonMap) -> Violations:
    """Of a name no policy knows the address. A number tells."""
    from ipaddress import ip_address, ip_network  # most sites name no address

    if not value_at(effective, "global", "network", "enabled") or list_at(effective, "hub", "lab", "network", "egress"):
        return
    for each in addresses(effective, _REPOSITORIES):
        try:
            where = ip_address(each.host)
            allowed = [ip_network(str(text), strict=False) for text in list_at(effective, *ALLOW)]
        except ValueError:
            continue
        if any(where in ip_network(text) for text in PRIVATE) and not any(where in network for network in allowed):
            sentence = f"labs reach no private network, and {each.host} is in one; name it in hub.lab.network.allow"
            yield each.path, sentence


RULES: tuple[Rule, ...] = (ports_of_addresses_exist,)
WARNINGS: tuple[Rule, ...] = (
    *(hub_reaches_what_is_in_the_cluster, hub_reaches_what_its_own_configuration_names),
    labs_reach_their_repositories,
)
