"""Networks in CIDR notation, of every part that has them, and what further rules of NetworkPolicies must not open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, list_at, map_at, value_at

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    Network = IPv4Network | IPv6Network

ALLOW: KeyPath = ("hub", "lab", "network", "allow")
DENY: KeyPath = ("hub", "lab", "network", "deny")
NETWORKS: tuple[KeyPath, ...] = (
    ("nginx", "service", "loadBalancerSourceRanges"),
    ("nginx", "trustedProxies"),
    ("storage", "nfs", "clients"),
    ("global", "network", "dns", "networks"),
    *(ALLOW, DENY),
)
# Where anybody runs what they like, and where only the chart's own programs run.
OF_PEOPLE: tuple[KeyPath, ...] = (("hub", "lab", "network"), ("firefly", "network"))
OF_THE_CHART: tuple[KeyPath, ...] = tuple(
    (part, "network") for part in ("hub", "nginx", "storage", "prepuller", "logging")
)
# Where clouds hand a node's credentials to whoever asks: most of them, Alibaba, Oracle, AWS and Google over IPv6.
CREDENTIALS = (
    *("169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32"),
    *("fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128"),
)
# What labs do not reach without `allow`: chart/templates/network/_internet.yaml.
PRIVATE = (
    *("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "fc00::/7", "fe80::/10"),
)
_EVERYWHERE = ("0.0.0.0/0", "::/0")
_LIKE_A_NETWORK = re.compile(r"[0-9.]+/[0-9]+|[0-9a-fA-F:]+/[0-9]+")  # what is none, the schema refuses


@dataclass(frozen=True)
class _Peer:
    """An entry of `from` or `to`. Without one, Kubernetes takes a rule for everybody."""

    path: KeyPath  # of the rule, where it has no entry
    content: JsonMap | None

    def selects_all(self, key: str) -> bool:
        selector = value_at(self.content, key)
        return isinstance(selector, dict) and not any(selector.values())

    @property
    def networks(self) -> tuple[Network | None, list[Network]]:
        """Of its ipBlock, where it has one: the network, and the exceptions from it."""
        excepted = (_network(text) for text in list_at(self.content, "ipBlock", "except"))
        return _network(value_at(self.content, "ipBlock", "cidr")), [each for each in excepted if each]


def _network(text: object) -> Network | None:
    """A network, with that of IPv4 for one that is written as IPv6: programs in Go take them for the same."""
    from ipaddress import IPv4Network, ip_network  # most sites name no network

    if not isinstance(text, str) or not _LIKE_A_NETWORK.fullmatch(text):
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    mapped = network.network_address.ipv4_mapped if network.version == 6 else None
    return IPv4Network((mapped, network.prefixlen - 96)) if mapped and network.prefixlen >= 96 else network


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _peers(effective: JsonMap, part: KeyPath, side: str) -> Iterator[_Peer]:
    """Whom the further rules of a part name, on one side: `ingress` or `egress`."""
    key = {"ingress": "from", "egress": "to"}[side]
    for index, rule in enumerate(list_at(effective, *part, side)):
        path = (*part, side, index)
        if isinstance(rule, dict) and key not in rule:
            yield _Peer(path, None)
        for number, peer in enumerate(list_at(rule, key)):
            if isinstance(peer, dict):
                yield _Peer((*path, key, number), peer)


def _every_peer(effective: JsonMap) -> Iterator[_Peer]:
    for part in (*OF_PEOPLE, *OF_THE_CHART):
        for side in ("ingress", "egress"):
            yield from _peers(effective, part, side)


def _written_networks(effective: JsonMap) -> Iterator[tuple[KeyPath, object]]:
    for path in NETWORKS:
        yield from (((*path, index), text) for index, text in enumerate(list_at(effective, *path)))
    for peer in _every_peer(effective):
        block = map_at(peer.content, "ipBlock")
        yield (*peer.path, "ipBlock", "cidr"), block.get("cidr")
        for index, text in enumerate(list_at(block, "except")):
            yield (*peer.path, "ipBlock", "except", index), text


def networks_have_no_host_bits(effective: JsonMap) -> Violations:
    """Each of `nginx.service.loadBalancerSourceRanges`, `nginx.trustedProxies`, `storage.nfs.clients`, `global.network.dns.networks`, `hub.lab.network.allow` and `deny`, and of the `ipBlock` in further rules, is a network, and no address inside of one."""
    from ipaddress import ip_interface  # most sites name no network

    for path, text in _written_networks(effective):
        if not isinstance(text, str) or not _LIKE_A_NETWORK.fullmatch(text):
            continue
        try:
            address = ip_interface(text)
        except ValueError:
            if ":" in text:
                yield path, f'found "{text}"; write a network with its length, like 2001:db8::/32'
            continue
        if address.ip != address.network.network_address:
            one = f"{address.ip}/{address.max_prefixlen}"
            sentence = f"{text} is an address inside of the network {address.network}"
            yield path, f"{sentence}; write {address.network}, or {one} for that address alone"


def rules_are_such_as_kubernetes_takes(effective: JsonMap) -> Violations:
    """In further rules, each `except` lies inside of its `cidr` and is smaller, and `endPort` is not below `port`."""
    for peer in _every_peer(effective):
        whole, _ = peer.networks
        for index, text in enumerate(list_at(peer.content, "ipBlock", "except")):
            hole = _network(text)
            if whole and hole and (not _within(hole, whole) or hole == whole):
                path = (*peer.path, "ipBlock", "except", index)
                yield path, f"{text} is no part of {whole}; write a smaller network inside of it, or remove it"
    for part in (*OF_PEOPLE, *OF_THE_CHART):
        for side in ("ingress", "egress"):
            for index, rule in enumerate(list_at(effective, *part, side)):
                for number, port in enumerate(list_at(rule, "ports")):
                    first, last = value_at(port, "port"), value_at(port, "endPort")
                    if isinstance(first, int) and isinstance(last, int) and last < first:
                        path = (*part, side, index, "ports", number)
                        yield path, f"its endPort {last} is below its port {first}; write endPort: {first} or more"


def _opened_credentials(peer: _Peer) -> str:
    """Which of a cloud's credentials a peer of an egress rule holds, as words: where it is smaller, it lies there."""
    from ipaddress import collapse_addresses, ip_network

    if peer.content is None:
        return f"holds {CREDENTIALS[0]}"
    whole, holes = peer.networks
    for closed in map(ip_network, CREDENTIALS):
        if whole and whole.version == closed.version and whole.overlaps(closed):
            shared = whole if _within(whole, closed) else closed
            excepted = collapse_addresses(hole for hole in holes if hole.version == shared.version)  # type: ignore[type-var]
            if not any(_within(shared, hole) for hole in excepted):
                where = str(closed.network_address if closed.num_addresses == 1 else closed)
                return _LIES_THERE if _within(whole, closed) else f"holds {where}"
    return ""


_LIES_THERE = "is"


def _sentence_of_credentials(text: str, verb: str, remedy: str) -> str:
    """No smaller network helps where the whole of one is closed."""
    where = f"{text} {verb}, where" if verb != _LIES_THERE else f"{text} is where"
    return f"{where} clouds hand out a node's credentials; {remedy if verb != _LIES_THERE else 'remove it'}"


def _of_peer(peer: _Peer, verb: str) -> str:
    if peer.content is None:
        return _sentence_of_credentials("names nobody in `to`, which is everybody, and", verb, "write to")
    cidr = value_at(peer.content, "ipBlock", "cidr")
    return _sentence_of_credentials(str(cidr), verb, "name it in except, or write smaller networks")


def no_access_to_node_credentials(effective: JsonMap) -> Violations:
    """None of `hub.lab.network.allow`, and no rule of `hub.lab.network.egress` and `firefly.network.egress`, holds an address where clouds hand out a node's credentials."""
    for index, text in enumerate(list_at(effective, *ALLOW)):
        if verb := _opened_credentials(_Peer(ALLOW, {"ipBlock": {"cidr": text}})):
            yield (*ALLOW, index), _sentence_of_credentials(text, verb, "write smaller networks")
    for part in OF_PEOPLE:
        for peer in _peers(effective, part, "egress"):
            if verb := _opened_credentials(peer):
                yield peer.path, _of_peer(peer, verb)


def denied_networks_are_closed(effective: JsonMap) -> Violations:
    """Each of `hub.lab.network.deny` is a network of the internet, and nothing of it is opened by `hub.lab.network.allow` or `egress`."""
    from ipaddress import ip_network

    opened: list[tuple[str, Network, list[Network]]] = [
        ("allow", network, []) for text in list_at(effective, *ALLOW) if (network := _network(text))
    ]
    for peer in _peers(effective, ("hub", "lab", "network"), "egress"):
        whole, holes = peer.networks
        opened += [("egress", whole, holes)] if whole else []
    for index, text in enumerate(list_at(effective, *DENY)):
        path, denied = (*DENY, index), _network(text)
        if denied is None:
            continue
        if denied.prefixlen == 0 and text not in _EVERYWHERE:
            yield path, f'found "{text}"; write {denied}'
        for private in map(ip_network, PRIVATE):
            if _within(denied, private):
                yield path, f"{text} is of the private network {private}, which labs do not reach anyway; remove it"
                break
        for key, network, holes in opened:
            overlaps = network.version == denied.version and network.overlaps(denied)
            inside_a_hole = any(_within(denied, hole) for hole in holes)
            if denied.prefixlen and overlaps and not inside_a_hole:
                sentence = f"{text} stays open, for {network} in hub.lab.network.{key} opens some of it"
                yield path, f"{sentence}; remove one of the two"


def chart_reaches_node_credentials(effective: JsonMap) -> Violations:
    """No rule of the other parts' `network.egress` holds an address where clouds hand out a node's credentials."""
    for part in OF_THE_CHART:
        for peer in _peers(effective, part, "egress"):
            if verb := _opened_credentials(peer):
                yield peer.path, _of_peer(peer, verb)


def rules_name_somebody(effective: JsonMap) -> Violations:
    """No further rule names everybody, or every pod."""
    for part in (*OF_PEOPLE, *OF_THE_CHART):
        for side, of_rule in (("ingress", "lets in"), ("egress", "leads to")):
            for peer in _peers(effective, part, side):
                whole, _ = peer.networks
                if peer.content is None and side == "egress":
                    continue  # it leads to a node's credentials, and is told as such
                if peer.content is None or (whole and whole.prefixlen == 0 and side == "ingress"):
                    whom = "everybody"
                elif peer.selects_all("namespaceSelector") and not _narrows(peer, "podSelector"):
                    whom = "every pod of the cluster"
                elif peer.selects_all("podSelector") and "namespaceSelector" not in peer.content:
                    whom = "every pod of the namespace"
                else:
                    continue
                yield peer.path, f"{of_rule} {whom}, other people's labs among them; name whom you mean by labels"


def _narrows(peer: _Peer, key: str) -> bool:
    return value_at(peer.content, key) is not None and not peer.selects_all(key)


def only_nodes_reach_the_file_server(effective: JsonMap) -> Violations:
    """`storage.network.ingress` does not open the port of NFS, nor does Cilium keep nodes from it."""
    nfs = value_at(effective, "storage", "mode") == "nfs"
    for index, rule in enumerate(list_at(effective, "storage", "network", "ingress")):
        ports = [value_at(port, "port") for port in list_at(rule, "ports")]
        if nfs and (not ports or {None, 2049, "nfs"} & set(ports)):
            sentence = (
                "whoever connects to the file server can act as root on all homes, if storage.nfs.clients lets them"
            )
            yield ("storage", "network", "ingress", index), f"{sentence}; leave port 2049 out of its ports"
    policy, clients = (value_at(effective, "storage", "nfs", key) for key in ("networkPolicy", "clients"))
    if nfs and value_at(effective, "global", "network", "cilium") is True and policy == "addresses" and clients:
        sentence = (
            "Cilium knows nodes by no address, so they do not mount homes; write storage.nfs.networkPolicy: cilium"
        )
        yield ("global", "network", "cilium"), sentence


def policies_are_there(effective: JsonMap) -> Violations:
    """`global.network.enabled` is true."""
    if value_at(effective, "global", "network", "enabled") is False:
        sentence = (
            "a lab reaches every pod and node, and where clouds hand out a node's credentials, unless policies of"
        )
        yield ("global", "network", "enabled"), f"{sentence} your own close them"


RULES: tuple[Rule, ...] = (
    *(networks_have_no_host_bits, rules_are_such_as_kubernetes_takes),
    *(no_access_to_node_credentials, denied_networks_are_closed),
)
WARNINGS: tuple[Rule, ...] = (
    *(chart_reaches_node_credentials, rules_name_somebody),
    *(only_nodes_reach_the_file_server, policies_are_there),
)
