"""Who reaches the file server, as `jld doctor` sees it and `jld values` proposes it."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jld.doctor import cluster, file_server
from jld.doctor import kubectl as kubectl_module
from jld.doctor.facts import ClusterFacts, Finding, Level, NoResponse, Release
from jld.doctor.plug_ins import enforcing, plug_ins
from jld.schema.chart import Chart
from jld.site.tree import coalesce

CHECKOUT = Path(__file__).resolve().parents[4]
DEFAULTS = Chart(CHECKOUT / "chart").defaults()


def node(name: str, *addresses: str, **changes: Any) -> dict[str, Any]:
    status = {"addresses": [{"type": "Hostname", "address": name}]}
    status["addresses"] += [{"type": "InternalIP", "address": address} for address in addresses]
    return {"metadata": {"name": name}, "spec": {}, "status": status} | changes


def daemon_set(name: str, *arguments: str) -> dict[str, Any]:
    containers = [{"name": "main"}, {"name": "agent", "args": list(arguments)}]
    return {"metadata": {"name": name}, "spec": {"template": {"spec": {"containers": containers}}}}


def judged(nodes: Any, daemon_sets: Sequence[Any] = (), mode: str = "nfs", **nfs: Any) -> list[Finding]:
    site = coalesce(DEFAULTS, {"storage": {"mode": mode, "nfs": nfs}})
    facts = ClusterFacts("v1.34.1", nodes=nodes, daemon_sets=daemon_sets)
    return list(file_server.findings(facts, site))


NODES = [node("a", "10.128.0.2"), node("b", "10.128.0.3")]
KNOWN = {
    "cilium": ("Cilium", True),
    "anetd": ("GKE Dataplane V2", True),
    "calico-node": ("Calico", True),
    "canal": ("Canal", True),
    "rke2-canal": ("Canal", True),
    "kube-flannel-ds": ("flannel", False),
    "kube-flannel": ("flannel", False),
    "kube-router": ("kube-router", True),
    "antrea-agent": ("Antrea", True),
    "ovnkube-node": ("OVN-Kubernetes", True),
    "kube-ovn-cni": ("Kube-OVN", True),
    "weave-net": ("Weave Net", True),
    "azure-npm": ("Azure Network Policy Manager", True),
    "aws-node": ("AWS VPC CNI", False),
}


@pytest.mark.parametrize(("daemon_set_name", "name", "enforces"), [(key, *value) for key, value in KNOWN.items()])
def test_a_network_plug_in_is_known_by_its_daemon_set(daemon_set_name: str, name: str, enforces: bool) -> None:
    found = plug_ins([daemon_set("kube-proxy"), daemon_set(daemon_set_name)], NODES)

    assert ([each.name for each in found], enforcing(found)) == ([name], enforces)


@pytest.mark.parametrize("names", [[], ["kube-proxy"], ["cilium-envoy"], ["my-cilium"]])
def test_of_a_network_that_nobody_knows_nothing_is_said(names: list[str]) -> None:
    found = plug_ins([daemon_set(name) for name in names], NODES)

    assert (found, enforcing(found)) == ([], None)


def test_amazons_enforces_policies_with_its_agent_alone() -> None:
    without, with_agent = (
        plug_ins([daemon_set("aws-node", f"--enable-network-policy={each}")], NODES) for each in ("false", "true")
    )

    assert (enforcing(without), enforcing(with_agent)) == (False, True)
    assert enforcing([*without, *plug_ins([daemon_set("calico-node")], NODES)]) is True


def test_k3s_is_known_by_its_nodes() -> None:
    inside = {"nodeInfo": {"kubeletVersion": "v1.34.1+k3s1"}}

    assert [each.name for each in plug_ins([], [node("a", status=inside)])] == ["K3s"]


@pytest.mark.parametrize(
    ("daemon_sets", "level"),
    [
        ([daemon_set("kube-flannel-ds")], Level.failure),
        ([daemon_set("aws-node")], Level.failure),
        ([daemon_set("calico-node")], Level.warning),
        ([], Level.warning),
    ],
    ids=["flannel", "Amazon's without its agent", "Calico", "unknown"],
)
def test_a_file_server_for_everybody_fails_where_nothing_holds_pods_back(daemon_sets: list[Any], level: Level) -> None:
    (found,) = judged(NODES, daemon_sets)

    assert (found.subject, found.level) == ("storage.nfs.clients", level)
    assert "can act as root on all homes" in found.observed
    assert ("no network plug-in enforces" in found.observed) is (level is Level.failure)
    assert found.remedy.endswith("the nodes of now are in [10.128.0.0/24]")


def test_it_is_among_what_is_said_about_a_cluster() -> None:
    site = coalesce(DEFAULTS, {"global": {"hostname": "a.example.org"}, "storage": {"mode": "nfs"}})
    facts = ClusterFacts("v1.34.1", nodes=NODES, daemon_sets=[daemon_set("kube-flannel-ds")])
    found = {each.subject: each.level for each in cluster.findings(facts, site, Release("science", "jld"))}

    assert found["storage.nfs.clients"] is Level.failure


@pytest.mark.parametrize(
    ("nodes", "clients", "level", "words"),
    [
        (NODES, ["10.128.0.0/20"], Level.ok, "holds the addresses of all 2 nodes"),
        (NODES, ["10.128.0.2/32", "10.128.0.3/32"], Level.ok, "all 2 nodes"),
        (NODES, ["10.128.0.2/32"], Level.failure, "mounts no home: b (10.128.0.3)"),
        (NODES, ["10.64.0.0/16"], Level.failure, "mounts no home: a (10.128.0.2), b (10.128.0.3)"),
        ([node("a", "10.0.0.1", "fd00::1")], ["10.0.0.0/24"], Level.ok, "all 1 nodes"),  # clients of one family
        ([node("a", "10.0.0.1", "fd00::1")], ["10.0.0.0/24", "fd01::/64"], Level.failure, "a (fd00::1)"),
        (NoResponse("forbidden"), ["10.0.0.0/8"], Level.unknown, "forbidden"),
    ],
)
def test_nodes_that_are_locked_out_are_named(nodes: Any, clients: list[str], level: Level, words: str) -> None:
    (found,) = judged(nodes, clients=clients)

    assert found.level is level
    assert words in found.observed


IPIP, VXLAN = "projectcalico.org/IPv4IPIPTunnelAddr", "projectcalico.org/IPv4VXLANTunnelAddr"


def in_pods(network: str, **annotations: str) -> dict[str, Any]:
    """A node with its part of the pods' network."""
    metadata = {"name": "a", "annotations": annotations}
    return node("a", "10.128.0.2", metadata=metadata, spec={"podCIDRs": [network]})


@pytest.mark.parametrize(
    ("name", "one", "clients", "words"),
    [
        ("kube-flannel-ds", in_pods("10.244.0.0/24"), [], "flannel (flannel.1 or cni0): a (10.244.0.0/24)"),
        ("rke2-canal", in_pods("10.42.0.0/24"), [], "Canal (flannel.1 or cni0): a (10.42.0.0/24)"),
        ("antrea-agent", in_pods("10.10.0.0/24"), [], "Antrea (antrea-gw0): a (10.10.0.0/24)"),
        ("ovnkube-node", in_pods("10.244.0.0/24"), [], "OVN-Kubernetes (ovn-k8s-mp0): a (10.244.0.0/24)"),
        ("calico-node", in_pods("10.9.0.0/24", **{IPIP: "10.9.0.1"}), [], "a tunnel of Calico: a (10.9.0.1)"),
        ("calico-node", in_pods("10.9.0.0/24", **{VXLAN: "10.9.0.1"}), [], "a tunnel of Calico: a (10.9.0.1)"),
        ("calico-node", in_pods("10.9.0.0/24", **{IPIP: "10.9.0.1"}), ["10.9.0.1/32"], ""),
        ("kube-flannel-ds", in_pods("10.244.0.0/24"), ["10.244.0.0/16"], ""),
        ("kube-flannel-ds", in_pods("fd00:1::/64"), [], ""),  # no client has an address of this family
        ("calico-node", in_pods("10.9.0.0/24"), [], ""),
        ("aws-node", in_pods("10.9.0.0/24"), [], ""),
        ("anetd", in_pods("10.9.0.0/24"), [], ""),
    ],
)
def test_a_node_that_can_come_from_the_pods_network_is_told(
    name: str, one: dict[str, Any], clients: list[str], words: str
) -> None:
    found = judged([one], [daemon_set(name)], clients=["10.128.0.0/20", *clients], networkPolicy="open")

    assert [each.level for each in found] == [Level.warning if words else Level.ok]
    assert found[0].observed.endswith(words or "holds the addresses of all 1 nodes")
    assert not words or "`Access not allowed` in the file server's log" in found[0].remedy


@pytest.mark.parametrize(
    ("name", "policy", "clients", "level", "words"),
    [
        ("cilium", "addresses", ["10.128.0.0/20"], Level.failure, "write storage.nfs.networkPolicy: cilium"),
        ("anetd", "addresses", ["10.128.0.0/20"], Level.failure, "write storage.nfs.networkPolicy: open"),
        ("calico-node", "cilium", [], Level.failure, "write storage.nfs.networkPolicy: addresses"),
        ("anetd", "cilium", [], Level.failure, "write storage.nfs.networkPolicy: open"),
        ("cilium", "cilium", [], None, ""),
        ("cilium", "cilium", ["10.128.0.0/20"], None, ""),
        ("cilium", "addresses", [], None, ""),
        ("calico-node", "addresses", ["10.128.0.0/20"], None, ""),
        ("anetd", "open", ["10.128.0.0/20"], None, ""),
        ("kube-proxy", "cilium", [], None, ""),  # of what is not known, nothing is said
    ],
)
def test_a_policy_has_to_be_in_the_words_of_the_network(
    name: str, policy: str, clients: list[str], level: Level | None, words: str
) -> None:
    found = judged(NODES, [daemon_set(name)], networkPolicy=policy, clients=clients)
    about = [(each.level, each.remedy) for each in found if each.subject == "storage.nfs.networkPolicy"]

    assert about == ([(level, words)] if level else [])


def test_where_cilium_lets_nodes_in_alone_nobody_else_is_warned_of() -> None:
    assert judged(NODES, [daemon_set("cilium")], networkPolicy="cilium") == []


@pytest.mark.parametrize("mode", ["claim", "external", "hostPath"])
def test_without_the_file_server_nothing_is_said(mode: str) -> None:
    assert judged(NODES, mode=mode) == []


@pytest.mark.parametrize(
    ("addresses", "proposed"),
    [
        (["10.128.0.2", "10.128.0.3"], ["10.128.0.0/24"]),
        (["10.128.0.2", "10.128.15.3"], ["10.128.0.0/20"]),
        (["10.1.0.2", "10.1.0.9", "192.168.7.3"], ["10.1.0.0/24", "192.168.7.0/24"]),
        (["10.0.0.1", "fd12:1::5", "fd12:1::6"], ["10.0.0.0/24", "fd12:1::/64"]),
        ([], []),
    ],
)
def test_the_smallest_networks_that_hold_the_nodes_are_proposed(addresses: list[str], proposed: list[str]) -> None:
    assert file_server.proposed_clients([node(address, address) for address in addresses]) == proposed


@given(st.lists(st.ip_addresses(), max_size=8))
def test_every_node_is_in_what_is_proposed(addresses: list[Any]) -> None:
    proposed = [ip_network(each) for each in file_server.proposed_clients([node("a", *map(str, addresses))])]

    for address in addresses:
        assert any(ip_address(str(address)) in network for network in proposed)
    assert all(network.prefixlen >= (16 if network.version == 4 else 48) for network in proposed)


# The commands.

SITE = """\
global: {hostname: jupyter.example.org}
hub: {auth: {dummy: {users: [alice]}}}
nginx: {tls: {existingSecret: jupyter-tls}}
"""
# Without site packages it starts in a moment.
KUBECTL = f"#!{sys.executable} -IS\n" + "print({items!r})\n"


@pytest.fixture
def kubectl(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A kubectl that answers every question with the same."""

    def answer(document: object) -> None:
        program: Path = desk.write("kubectl", KUBECTL.format(items=json.dumps(document)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{desk.folder}:{os.environ['PATH']}")
        monkeypatch.setattr(kubectl_module, "SECONDS", 120.0)  # a busy machine starts even this one slowly

    return answer


def storage(keys: str) -> str:
    return f"{SITE}storage: {{{keys}}}\n"


def test_the_values_come_with_a_proposal_and_without_anything_that_nobody_wrote(desk: Any, kubectl: Any) -> None:
    kubectl({"items": NODES})
    desk.write("site.yaml", storage("mode: nfs"))
    result = desk.run("values", "site.yaml", "--format", "json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["proposedClients"] == ["10.128.0.0/24"]
    assert desk.read()["storage"] == {"mode": "nfs", "volumes": {"home": {"capacity": "95Gi"}}}
    assert "are in 10.128.0.0/24: name these networks" in desk.run("values", "site.yaml").stdout


@pytest.mark.parametrize(
    "keys", ["mode: claim", "mode: nfs, nfs: {clients: [10.0.0.0/8]}", "mode: nfs, nfs: {networkPolicy: cilium}"]
)
def test_where_there_is_nothing_to_propose_the_cluster_is_not_asked(keys: str, desk: Any, kubectl: Any) -> None:
    kubectl({"items": NODES})
    desk.write("site.yaml", storage(keys))

    assert "proposedClients" not in json.loads(desk.run("values", "site.yaml", "--format", "json").stdout)


def test_without_a_cluster_values_are_written_all_the_same(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(desk.folder))
    monkeypatch.setenv("JLD_CACHE", str(desk.folder))
    desk.write("site.yaml", storage("mode: nfs"))
    result = desk.run("values", "site.yaml", "--format", "json")

    assert (result.exit_code, "proposedClients" in json.loads(result.stdout)) == (0, False)


OPEN = (
    "storage.mode: storage.nfs.clients names nobody, so every pod of the cluster that may send packets to the file server "
    "can act as root on all homes; write the networks of your nodes there, which `jld doctor` proposes"
)


@pytest.mark.parametrize(
    ("keys", "warned"),
    [
        ("mode: nfs", True),
        ("mode: nfs, nfs: {clients: []}", True),
        ("mode: nfs, nfs: {networkPolicy: open}", True),
        ("mode: nfs, nfs: {networkPolicy: cilium}", False),
        ("mode: nfs, nfs: {clients: [10.0.0.0/8]}", False),
        ("mode: claim", False),
    ],
)
def test_a_file_server_for_everybody_is_warned_about(keys: str, warned: bool, desk: Any) -> None:
    desk.write("site.yaml", storage(keys))
    result = desk.run("check", "site.yaml")

    assert (result.exit_code, f"site.yaml:4:17: warning: {OPEN}" in result.stderr) == (0, warned)
