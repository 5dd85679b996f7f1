"""Several native nodes: their addresses, certificates and configuration, without a node."""

import ipaddress
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID
from jlddev.clusters import cgroups, native, nodes, providers, registries, workers
from jlddev.clusters.nodes import FIRST, WORKERS, Node
from jlddev.support.errors import MachineError
from jlddev.support.process import start_ticks

ALL = (FIRST, *WORKERS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the nodes keep what they have."""
    monkeypatch.setattr(nodes, "FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def certified(folder: Path) -> Path:
    """The nodes of a cluster that was made, and not started."""
    native.configure()
    return folder


def test_nodes_share_neither_name_nor_address_nor_link_nor_folder_nor_pods_addresses() -> None:
    assert len(ALL) == nodes.MOST
    told: list[Callable[[Node], object]] = [
        lambda node: node.name,
        lambda node: node.address,
        lambda node: node.link,
        lambda node: node.config,
        lambda node: node.state,
        lambda node: node.record,
    ]
    assert [len({tell(node) for node in ALL}) for tell in told] == [len(ALL)] * len(told)
    networks = [ipaddress.ip_network(node.pods) for node in ALL]
    assert [pair for pair in combinations(networks, 2) if pair[0].overlaps(pair[1])] == []
    assert all(network.subnet_of(ipaddress.ip_network(nodes.POD_NETWORK)) for network in networks)
    assert all(ipaddress.ip_address(node.address) in ipaddress.ip_network("198.18.0.0/15") for node in ALL)


def test_a_link_has_a_name_that_linux_takes() -> None:
    assert max(len(node.link) for node in ALL) <= 15


def test_the_nodes_files_have_the_addresses_that_the_tool_knows() -> None:
    kubelet = yaml.safe_load((nodes.SOURCES / "kubelet.yaml").read_text())
    assert kubelet["clusterDNS"] == [FIRST.address]
    assert f"bind {FIRST.address}\n" in (nodes.SOURCES / "Corefile").read_text()
    assert f"https://{FIRST.address}:6443" == nodes.API_SERVER
    init = (nodes.SOURCES / "init.sh").read_text()
    assert f"-s {nodes.POD_NETWORK} ! -d {nodes.POD_NETWORK} " in init
    assert f"--cluster-cidr {nodes.POD_NETWORK} " in init
    assert ipaddress.ip_network(FIRST.pods).num_addresses - 2 > kubelet["maxPods"]


def test_each_node_gives_its_pods_addresses_of_its_own(certified: Path) -> None:
    for node in ALL:
        nodes.configure(node)
        plugins = json.loads((node.config / "cni.conflist").read_text())["plugins"]
        assert plugins[0]["ipam"]["ranges"] == [[{"subnet": node.pods}]]


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.name)
def test_a_worker_has_its_own_certificate_of_the_clusters_authority_and_nothing_of_the_control_plane(
    worker: Node, certified: Path
) -> None:
    nodes.configure(worker)
    pki = worker.config / "pki"
    assert (pki / "ca.crt").read_bytes() == (FIRST.config / "pki" / "ca.crt").read_bytes()
    keys = {path.stem: path for path in pki.glob("*.key")}
    assert set(keys) == set(nodes.CLIENTS)
    assert {path.stat().st_mode & 0o777 for path in keys.values()} == {0o600}
    certificate = x509.load_pem_x509_certificate((pki / "kubelet.crt").read_bytes())
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    (group,) = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert (name.value, group.value) == (f"system:node:{worker.name}", "system:nodes")
    kubeconfigs = {path.stem: yaml.safe_load(path.read_text()) for path in worker.config.glob("*.kubeconfig")}
    assert set(kubeconfigs) == set(nodes.CLIENTS)
    for client, document in kubeconfigs.items():
        (user,) = document["users"]
        assert user["user"]["client-key"] == f"/etc/jld/pki/{client}.key"
        assert document["clusters"][0]["cluster"]["server"] == nodes.API_SERVER
    assert not (worker.config / "control-plane.sh").exists()  # by which init.sh knows the first node
    assert (FIRST.config / "control-plane.sh").exists()


def test_a_worker_registers_with_taints(certified: Path) -> None:
    (worker, *_) = WORKERS
    taint = {"key": "of-a-test", "value": "true", "effect": "NoSchedule"}
    nodes.configure(worker, taints=[taint])
    assert yaml.safe_load((worker.config / "kubelet.yaml").read_text())["registerWithTaints"] == [taint]
    nodes.configure(worker)
    assert "registerWithTaints" not in yaml.safe_load((worker.config / "kubelet.yaml").read_text())


def test_a_worker_that_joins_trusts_the_registries_that_the_first_node_does(
    certified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (worker, *_) = WORKERS
    authority = certified / "authority.crt"
    authority.write_text("of the registry")
    monkeypatch.setattr(registries.load, "remove_from_native", lambda _: None)
    with registries.trusted("198.18.0.1:5000", authority):
        workers.trust_registries(worker)
        trusted = worker.config / "registries" / "198.18.0.1:5000" / "ca.crt"
        assert trusted.read_text() == "of the registry"
    assert not trusted.exists()


def test_one_nodes_cgroups_are_removed_without_anothers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "HIERARCHIES", ("memory", "pids"))
    for hierarchy in cgroups.HIERARCHIES:
        (tmp_path / hierarchy / "of-another").mkdir(parents=True)
    for node in ALL[:3]:
        cgroups.make_all(node.name)
    cgroups.remove_all(ALL[1].name)
    left = {f"cgroup {tmp_path}/{each}/{node.name}" for each in cgroups.HIERARCHIES for node in (ALL[0], ALL[2])}
    assert set(cgroups.present()) == left
    cgroups.remove_all()
    assert cgroups.present() == []
    assert (tmp_path / "memory" / "of-another").exists()


def test_the_nodes_that_run_are_those_whose_processes_do(folder: Path) -> None:
    ours = json.dumps({"pid": os.getpid(), "started": start_ticks(os.getpid())})
    ended = json.dumps({"pid": os.getpid(), "started": 1})
    for node, record in zip(ALL, (ours, ended, ours), strict=False):
        node.folder.mkdir(parents=True, exist_ok=True)
        node.record.write_text(record)
    assert nodes.running() == [ALL[0], ALL[2]]
    with pytest.raises(MachineError, match="node jld-node-2 does not run"):
        ALL[1].enter("net")


@pytest.mark.parametrize(
    ("kind", "status", "after", "ready"),
    [
        ("Ready", "True", 0, True),
        ("Ready", "True", -1, False),
        ("Ready", "Unknown", 1, False),
        ("DiskPressure", "True", 1, False),
    ],
)
def test_a_worker_that_came_back_is_ready_when_it_says_so_itself(
    kind: str, status: str, after: int, ready: bool
) -> None:
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    told = (started + timedelta(seconds=after)).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": kind, "status": status, "lastHeartbeatTime": told}
    assert workers.ready([condition], started) is ready


def test_more_nodes_than_there_can_be_are_told_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MachineError, match=f"at most {nodes.MOST} nodes"):
        providers.Native().check([], nodes.MOST + 1)
    monkeypatch.setenv("KUBECONFIG", "/no/such/file")
    with pytest.raises(MachineError, match=r"the cluster of KUBECONFIG has the nodes that it has: .* leave NODES out"):
        providers.Given().up(2)
