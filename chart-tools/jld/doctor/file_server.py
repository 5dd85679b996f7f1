"""Who reaches the chart's own file server: whoever does can be root on all homes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from jld.doctor.facts import ClusterFacts, Finding, Level, NoResponse, Object
from jld.doctor.plug_ins import CILIUM, DATAPLANE_V2, PlugIn, enforcing, node_addresses, plug_ins, pod_network_addresses
from jld.support.key_paths import JsonMap, list_at, value_at

Network = IPv4Network | IPv6Network
SUBJECT, POLICY = "storage.nfs.clients", "storage.nfs.networkPolicy"
_FINEST = {4: 24, 6: 64}  # of a proposed network: nodes that join later most likely get an address beside the others
_WIDEST = {4: 16, 6: 48}


def proposed_clients(nodes: Sequence[Object]) -> list[str]:
    """Networks that hold all nodes: for each family of addresses the smallest one, or several where that would be wide."""
    addresses = [ip_network(address) for node in nodes for address in node_addresses(node)]
    return [
        str(network)
        for version in (4, 6)
        for network in _networks([each for each in addresses if each.version == version], version)
    ]


def _networks(addresses: Sequence[Network], version: int) -> Iterable[Network]:
    if not addresses:
        return ()
    common = addresses[0].supernet(new_prefix=_FINEST[version])
    while not all(_holds(common, each) for each in addresses):
        common = common.supernet()
    if common.prefixlen >= _WIDEST[version]:
        return (common,)
    each_alone = (each.supernet(new_prefix=_FINEST[version]) for each in addresses)
    return collapse_addresses(each_alone)  # type: ignore[type-var]


def _holds(network: Network, other: Network) -> bool:
    return network.version == other.version and other.subnet_of(network)  # type: ignore[arg-type]


def findings(cluster: ClusterFacts, site: JsonMap | None) -> Iterator[Finding]:
    """Whether the nodes may mount, and who else."""
    if value_at(site, "storage", "mode") != "nfs":
        return
    if isinstance(cluster.nodes, NoResponse):
        yield Finding.unknown(SUBJECT, cluster.nodes)
        return
    daemon_sets = () if isinstance(cluster.daemon_sets, NoResponse) else cluster.daemon_sets
    found = plug_ins(daemon_sets, cluster.nodes)
    clients = [ip_network(each) for each in list_at(site, "storage", "nfs", "clients")]
    policy = str(value_at(site, "storage", "nfs", "networkPolicy"))
    yield from _policy(policy, found, bool(clients))
    if clients or policy != "cilium":
        yield _nodes(clients, cluster.nodes, found) if clients else _anybody(cluster.nodes, enforcing(found))


def _policy(policy: str, found: Sequence[PlugIn], names_clients: bool) -> Iterator[Finding]:
    """Whether the network lets nodes through, by the words that it knows."""
    by_entity = next((each for each in found if each.name in (CILIUM, DATAPLANE_V2)), None)
    if policy == "addresses" and names_clients and by_entity:
        word = "cilium" if by_entity.name == CILIUM else "open"
        observed = (
            f"{by_entity.name} knows nodes as entities and by no address, so only the server's own node mounts homes"
        )
        yield Finding(POLICY, Level.failure, observed, f"write {POLICY}: {word}")
    elif policy == "cilium" and found and not any(each.name == CILIUM for each in found):
        observed = f"{found[0].name} has no CiliumNetworkPolicy, so the installation is refused, or nobody is let in"
        remedy = f"write {POLICY}: {'open' if by_entity else 'addresses'}"
        yield Finding(POLICY, Level.failure, observed, remedy)


def _anybody(nodes: Sequence[Object], enforced: bool | None) -> Finding:
    observed = "names nobody, so every pod that may send packets to the file server can act as root on all homes"
    if enforced is False:
        observed += "; nothing keeps a pod from it, for no network plug-in enforces NetworkPolicies"
    proposed = ", ".join(proposed_clients(nodes))
    remedy = f"write the nodes' networks, those of later nodes too; the nodes of now are in [{proposed}]"
    return Finding(SUBJECT, Level.failure if enforced is False else Level.warning, observed, remedy)


def _nodes(clients: Sequence[Network], nodes: Sequence[Object], found: Sequence[PlugIn]) -> Finding:
    def outside(addresses_of: Callable[[Object], Sequence[str]]) -> str:
        """The nodes that have an address that is in none of the networks, of a family of addresses that they name."""
        named = {client.version for client in clients}
        return ", ".join(
            f"{value_at(node, 'metadata', 'name')} ({address})"
            for node in nodes
            for address in addresses_of(node)
            if ip_network(address).version in named
            and not any(_holds(client, ip_network(address)) for client in clients)
        )

    if missing := outside(node_addresses):
        observed = f"holds not all nodes, and a node outside of it mounts no home: {missing}"
        return Finding(SUBJECT, Level.failure, observed, "add the networks of these nodes")
    if missing := outside(lambda node: pod_network_addresses(node, found)):
        network = next((f"{each.name} ({each.gateway})" for each in found if each.gateway), "a tunnel of Calico")
        observed = (
            "holds the nodes' addresses, but packets to a pod can carry the node's address in the pod network with "
            f"{network}: {missing}"
        )
        remedy = (
            "where labs do not start, look for `Access not allowed` in the file server's log, which names the address "
            "that came, and add it"
        )
        return Finding(SUBJECT, Level.warning, observed, remedy)
    return Finding(SUBJECT, Level.ok, f"holds the addresses of all {len(nodes)} nodes")
