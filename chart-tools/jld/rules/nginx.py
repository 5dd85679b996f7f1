"""The front door: the ports of its Service, and whom it believes."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, list_at, map_at, value_at

PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


def node_ports_differ(effective: JsonMap) -> Violations:
    """`nginx.service.nodePorts.http` and `nginx.service.nodePorts.https` differ."""
    ports = map_at(effective, "nginx", "service", "nodePorts")
    if ports.get("http") is not None and ports.get("http") == ports.get("https"):
        yield ("nginx", "service", "nodePorts", "https"), "the same port as for http; write another one"


def no_pod_is_believed(effective: JsonMap) -> Violations:
    """In a whole private range are the cluster's pods too. Behind a controller that is named they do not reach nginx."""
    if list_at(effective, "nginx", "controllers"):
        return
    by_service = value_at(effective, "nginx", "mode") == "service"
    believed = "a lab there" if by_service else "any pod there but a lab"
    remedy = "name the load balancer's own network" if by_service else "name the controller's pods in nginx.controllers"
    for index, text in enumerate(list_at(effective, "nginx", "trustedProxies")):
        if isinstance(text, str) and any(_holds(text, each) for each in PRIVATE):
            sentence = f"{text} holds a whole private range, so that {believed} is believed whatever address it claims"
            yield ("nginx", "trustedProxies", index), f"{sentence}; {remedy}"


def _holds(text: str, private: str) -> bool:
    from ipaddress import IPv4Network, ip_network  # most sites name no network

    inner = ip_network(private)
    try:
        outer = ip_network(text)
    except ValueError:
        return False  # the schema's and another rule's matter
    if isinstance(outer, IPv4Network):
        return isinstance(inner, IPv4Network) and inner.subnet_of(outer)
    return not isinstance(inner, IPv4Network) and inner.subnet_of(outer)


RULES: tuple[Rule, ...] = (node_ports_differ,)
WARNINGS: tuple[Rule, ...] = (no_pod_is_believed,)
