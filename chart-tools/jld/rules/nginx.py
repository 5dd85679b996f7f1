"""The front door: the ports of its Service."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, map_at


def node_ports_differ(effective: JsonMap) -> Violations:
    """`nginx.service.nodePorts.http` and `nginx.service.nodePorts.https` differ."""
    ports = map_at(effective, "nginx", "service", "nodePorts")
    if ports.get("http") is not None and ports.get("http") == ports.get("https"):
        yield ("nginx", "service", "nodePorts", "https"), "the same port as for http; write another one"


RULES: tuple[Rule, ...] = (node_ports_differ,)
WARNINGS: tuple[Rule, ...] = ()
