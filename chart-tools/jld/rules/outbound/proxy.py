"""The HTTP proxy between the cluster and the internet."""

from __future__ import annotations

import re

from jld.rules.networks import CREDENTIALS
from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, list_at, value_at

PROXY: KeyPath = ("global", "proxy", "https")
EXCEPT: KeyPath = ("global", "proxy", "except")
_NUMBERS = re.compile(r"[0-9.]+")


def proxy_has_an_address(effective: JsonMap) -> Violations:
    """`global.proxy.https` is none of the addresses at which clouds hand out a node's credentials, and none that does not exist."""
    host = _proxy_host(effective)
    if not _NUMBERS.fullmatch(host):
        return
    from ipaddress import ip_address, ip_network  # most sites name no address

    try:
        address = ip_address(host)
    except ValueError:
        yield PROXY, f"{host} is no address; write one like 10.20.0.5, or the proxy's name"
        return
    if any(address in ip_network(each) for each in CREDENTIALS):
        yield PROXY, "the metadata of clouds is there, which hands out a node's credentials; write the proxy's address"


def exceptions_are_of_a_proxy(effective: JsonMap) -> Violations:
    if value_at(effective, *EXCEPT) and not value_at(effective, *PROXY):
        yield EXCEPT, "has no effect without global.proxy.https; write it, or remove this"


def labs_reach_the_proxy(effective: JsonMap) -> Violations:
    host, policies = _proxy_host(effective), value_at(effective, "global", "network", "enabled")
    opened = [list_at(effective, "hub", "lab", "network", key) for key in ("allow", "egress")]
    if host and policies and not _NUMBERS.fullmatch(host) and not any(opened):
        sentence = (
            f"labs reach no private network, and {host} is a name, whose address no policy knows; write its address here, "
            "or open that in hub.lab.network.egress"
        )
        yield PROXY, sentence


def _proxy_host(effective: JsonMap) -> str:
    text = value_at(effective, *PROXY)
    found = re.fullmatch(r"https?://([A-Za-z0-9.-]+):[0-9]+", text) if isinstance(text, str) else None
    return found[1] if found else ""


RULES: tuple[Rule, ...] = (proxy_has_an_address,)
WARNINGS: tuple[Rule, ...] = (exceptions_are_of_a_proxy, labs_reach_the_proxy)
