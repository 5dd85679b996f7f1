"""Networks in CIDR notation, of every part that has them."""

from __future__ import annotations

import re

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, list_at

NETWORKS: tuple[KeyPath, ...] = (
    ("nginx", "service", "loadBalancerSourceRanges"),
    ("nginx", "trustedProxies"),
    ("storage", "nfs", "clients"),
    ("hub", "lab", "network", "allow"),
)
_LIKE_A_NETWORK = re.compile(r"[0-9.]+/[0-9]+|[0-9a-fA-F:]+/[0-9]+")  # what is none, the schema refuses


def networks_have_no_host_bits(effective: JsonMap) -> Violations:
    """Each of `nginx.service.loadBalancerSourceRanges`, `nginx.trustedProxies`, `storage.nfs.clients` and `hub.lab.network.allow` is a network, and no address inside of one."""
    from ipaddress import ip_interface  # most sites name no network

    for path in NETWORKS:
        for index, text in enumerate(list_at(effective, *path)):
            if not isinstance(text, str) or not _LIKE_A_NETWORK.fullmatch(text):
                continue
            try:
                address = ip_interface(text)
            except ValueError:
                if ":" in text:
                    yield (*path, index), f'found "{text}"; write a network with its length, like 2001:db8::/32'
                continue
            if address.ip != address.network.network_address:
                one = f"{address.ip}/{address.max_prefixlen}"
                sentence = f"{text} is an address inside of the network {address.network}"
                yield (*path, index), f"{sentence}; write {address.network}, or {one} for that address alone"


RULES: tuple[Rule, ...] = (networks_have_no_host_bits,)
WARNINGS: tuple[Rule, ...] = ()
