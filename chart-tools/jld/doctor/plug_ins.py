"""Network plug-ins: which a cluster has, whether they enforce NetworkPolicies, and with which addresses its nodes meet pods."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jld.doctor.facts import Object
from jld.support.key_paths import value_at


@dataclass(frozen=True)
class PlugIn:
    """A network plug-in, as its documentation has it."""

    name: str
    daemon_set: str  # how its DaemonSet is called, as a regular expression
    enforces: bool  # NetworkPolicies
    gateway: str = ""  # the interface of a node in the pod network, whose address its packets to pods can carry


CILIUM, DATAPLANE_V2 = "Cilium", "GKE Dataplane V2"  # which is Cilium, without the kind CiliumNetworkPolicy
_PLUG_INS = (
    PlugIn(CILIUM, "cilium", True, "cilium_host, in tunnel mode"),
    PlugIn(DATAPLANE_V2, "anetd", True),
    PlugIn("Calico", "calico-node", True),  # Calico writes a tunnel's address into the node's annotations
    PlugIn("Canal", "canal|rke2-canal", True, "flannel.1 or cni0"),
    PlugIn("flannel", "kube-flannel(-ds)?.*", False, "flannel.1 or cni0"),
    PlugIn("kube-router", "kube-router", True, "kube-bridge"),
    PlugIn("Antrea", "antrea-agent", True, "antrea-gw0"),
    PlugIn("OVN-Kubernetes", "ovnkube-node", True, "ovn-k8s-mp0"),
    PlugIn("Kube-OVN", "kube-ovn-cni", True, "ovn0"),
    PlugIn("Weave Net", "weave-net", True, "weave"),
    PlugIn("Azure Network Policy Manager", "azure-npm", True),
    PlugIn("kube-network-policies", "kube-network-policies", True),
    PlugIn("AWS VPC CNI", "aws-node", False),
)
_K3S = PlugIn("K3s", "", True, "flannel.1 or cni0")  # flannel and a policy controller, inside of its one program
_AWS_AGENT = "--enable-network-policy=true"
_TUNNELS = re.compile(r"projectcalico\.org/IPv[46](IPIPTunnel|VXLANTunnel|WireguardInterface)Addr")


def plug_ins(daemon_sets: Sequence[Object], nodes: Sequence[Object]) -> list[PlugIn]:
    """The known ones that are installed."""
    found = []
    for plug_in in _PLUG_INS:
        named = [
            each for each in daemon_sets if re.fullmatch(plug_in.daemon_set, str(value_at(each, "metadata", "name")))
        ]
        if named and plug_in.name == "AWS VPC CNI" and any(_AWS_AGENT in _arguments(each) for each in named):
            found.append(PlugIn(f"{plug_in.name} with its policy agent", plug_in.daemon_set, True))
        elif named:
            found.append(plug_in)
    if any("+k3s" in str(value_at(node, "status", "nodeInfo", "kubeletVersion")) for node in nodes) and not found:
        found.append(_K3S)
    return found


def enforcing(found: Sequence[PlugIn]) -> bool | None:
    """Whether NetworkPolicies are enforced. None where no known plug-in is there."""
    return any(plug_in.enforces for plug_in in found) if found else None


def node_addresses(node: Object) -> list[str]:
    """A node's own addresses, outside of the pod network."""
    addresses = value_at(node, "status", "addresses") or []
    return [str(each["address"]) for each in addresses if each.get("type") == "InternalIP"]


def pod_network_addresses(node: Object, found: Sequence[PlugIn]) -> list[str]:
    """Where in the pod network a node has an address of its own: tunnels by address, else the node's part of the network."""
    annotations = value_at(node, "metadata", "annotations") or {}
    tunnels = [str(value) for key, value in annotations.items() if _TUNNELS.fullmatch(key)]
    if not any(plug_in.gateway for plug_in in found):
        return tunnels
    return [*tunnels, *map(str, value_at(node, "spec", "podCIDRs") or ())]


def _arguments(daemon_set: Object) -> list[str]:
    containers = value_at(daemon_set, "spec", "template", "spec", "containers") or []
    return [str(argument) for container in containers for argument in container.get("args") or ()]
