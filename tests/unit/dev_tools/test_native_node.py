"""The native node's records, certificates and cgroups, without a node."""

import json
import os
import re
import time
from pathlib import Path

import pytest
import yaml
from jlddev.clusters import cgroups, leftovers, native, nodes
from jlddev.clusters.nodes import FIRST
from jlddev.support.errors import MachineError
from jlddev.support.process import Process, start_ticks


@pytest.fixture
def process_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(nodes, "FOLDER", tmp_path)
    return FIRST.record


def test_a_process_that_ended_before_it_was_asked_when_it_started_does_not_run() -> None:
    nobody = 2**22 + 1  # above the highest process id that Linux gives
    assert not Process(nobody, None).runs()


@pytest.mark.parametrize("content", ["[]", "null", '"text"', '{"pid": 1, "started": 1, "forwards": [1]}'])
def test_a_record_of_another_shape_is_no_node(content: str, process_file: Path) -> None:
    process_file.write_text(content)
    process = FIRST.process()
    assert process is None or not process.runs()
    assert native.forwarders() == {}


def test_forwarders_are_those_that_still_run(process_file: Path) -> None:
    ours = {"pid": os.getpid(), "started": start_ticks(os.getpid())}
    gone = {"pid": os.getpid(), "started": 1}
    process_file.write_text(json.dumps({"pid": 1, "started": 1, "forwards": {"8443": ours, "8080": gone}}))
    assert list(native.forwarders()) == [8443]


def test_missing_cgroup_hierarchies_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "HIERARCHIES", ("cpu", "memory"))
    (tmp_path / "cpu").mkdir()
    sentence = native.missing() or ""
    assert f"needs cgroup v2, or all hierarchies of cgroup v1, and {tmp_path} lacks the hierarchy memory" in sentence
    assert "Start Docker (then kind is used), or set KUBECONFIG" in sentence


@pytest.fixture
def fit_machine(process_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that lacks nothing, and has no node of this cache."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(cgroups, "HIERARCHIES", ())
    monkeypatch.setattr(native, "DISK_BYTES", 0)


@pytest.mark.usefixtures("fit_machine")
def test_another_caches_node_is_told_and_ones_own_is_not(process_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "NODE_ADDRESS", "127.0.0.1")  # an address that every machine has
    assert re.search(r"Another native cluster runs .*process \d+ \(.+\) has its address", native.missing() or "")
    process_file.write_text(json.dumps({"pid": os.getpid(), "started": start_ticks(os.getpid())}))
    assert native.missing() is None


@pytest.mark.usefixtures("fit_machine")
def test_the_interface_of_a_node_whose_processes_have_ended_is_none_of_another_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel takes it away minutes after the last process, and `up` waits for that."""
    monkeypatch.setattr(native, "HOST_LINK", "lo")
    monkeypatch.setattr(native, "NODE_ADDRESS", "198.18.0.222")
    assert native.missing() is None


def test_an_address_is_local_only_where_an_interface_has_it(tmp_path: Path) -> None:
    ours = Path("/proc/self/net/fib_trie")
    assert leftovers.has_address(ours, "127.0.0.1")
    assert not leftovers.has_address(ours, "127.0.0.0")  # it is in the table too, as a network
    assert not leftovers.has_address(ours, "27.0.0.1")
    assert not leftovers.has_address(tmp_path / "of-a-process-that-ended", "127.0.0.1")


def test_every_client_has_a_private_kubeconfig_that_names_its_own_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "FOLDER", tmp_path)
    native.configure()
    for client in native.CLIENTS:
        file = FIRST.config / f"{client}.kubeconfig"
        assert file.stat().st_mode & 0o777 == 0o600
        document = yaml.safe_load(file.read_text())
        assert document["users"] == [
            {
                "name": client,
                "user": {
                    "client-certificate": f"/etc/jld/pki/{client}.crt",
                    "client-key": f"/etc/jld/pki/{client}.key",
                },
            }
        ]
        assert (FIRST.config / "pki" / f"{client}.key").exists()
    assert {path.name for path in FIRST.config.iterdir()} >= {*native.CONFIG_FILES, *nodes.CONFIG_FILES, "cni.conflist"}
    admin = yaml.safe_load(native.kubeconfig().read_text())
    (cluster,) = admin["clusters"]
    assert cluster["cluster"]["server"] == "https://198.18.0.2:6443"
    assert Path(cluster["cluster"]["certificate-authority"]).read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_the_nodes_cgroups_have_its_share_of_the_processor_and_its_parents_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    for name in cgroups.HIERARCHIES:
        (tmp_path / name).mkdir()
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0-1")
    (tmp_path / "cpuset" / "cpuset.mems").write_text("0")
    folders = dict(zip(cgroups.HIERARCHIES, cgroups.make_all(FIRST.name), strict=True))
    assert (folders["cpu"] / "cpu.shares").read_text() == "4096"
    assert (folders["cpuset"] / "cpuset.cpus").read_text() == "0-1"
    assert (folders["cpuset"] / "cpuset.mems").read_text() == "0"
    assert not list(folders["memory"].iterdir())


def test_cgroups_are_removed_from_the_deepest_up(tmp_path: Path) -> None:
    root = tmp_path / "node"
    (root / "kubepods" / "pod1").mkdir(parents=True)
    (root / "system").mkdir()
    names = [str(path.relative_to(tmp_path)) for path in cgroups.deepest_first(root)]
    assert names == ["node/kubepods/pod1", "node/kubepods", "node/system", "node"]
    cgroups.remove(root, seconds=0)
    assert not root.exists()


def test_a_cgroup_that_stays_is_told_with_the_processes_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "cgroup.procs").write_text("12\n34\n")
    with pytest.raises(MachineError, match=r"still in use by processes \['12', '34'\]"):
        cgroups.remove(folder, seconds=0)


def test_without_a_node_the_command_that_starts_it_is_told(process_file: Path) -> None:
    with pytest.raises(MachineError, match="start it with `make cluster`"):
        native.node_pid()


@pytest.fixture
def nothing_left(tmp_path: Path, process_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a native cluster."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "HIERARCHIES", ("cpu", "memory"))
    monkeypatch.setattr(native, "HOST_LINK", "jld-none")


@pytest.mark.usefixtures("nothing_left")
def test_what_a_cluster_leaves_behind_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The machine's root file system is a mount that is there, `lo` an interface, and the folder a cgroup."""
    native.stop()
    (tmp_path / "memory" / cgroups.NAME).mkdir(parents=True)
    left = leftovers.present("lo", Path("/"))
    assert {"network interface lo", "mount /proc", f"cgroup {tmp_path}/memory/jld-node"} <= set(left)
    monkeypatch.setattr(time, "monotonic", iter(range(0, 1000, 100)).__next__)
    ours = leftovers.network_of(os.getpid())
    with pytest.raises(MachineError, match=rf"has left .*: network interface lo, .*process {os.getpid()} \("):
        leftovers.wait_until_gone("lo", Path("/"), ours)
    assert (
        "wait for the kernel to take away what is left of the cluster: network interface lo" in capsys.readouterr().err
    )


@pytest.mark.usefixtures("nothing_left")
def test_a_cluster_that_leaves_something_leaves_no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next start would use the database of this one with new secrets."""
    (worker, *_) = nodes.WORKERS
    (FIRST.state / "etcd").mkdir(parents=True)
    for folder in (worker.state / "kubelet", worker.config, images := worker.state / "containerd"):
        folder.mkdir(parents=True)
    native.kubeconfig().touch()
    monkeypatch.setattr(native, "HOST_LINK", "lo")
    monkeypatch.setattr(time, "monotonic", iter(range(0, 1000, 100)).__next__)
    with pytest.raises(MachineError, match="network interface lo"):
        native.down()
    assert not (FIRST.state / "etcd").exists()
    assert not (worker.state / "kubelet").exists()
    assert not worker.config.exists()
    assert images.exists()
    assert not native.kubeconfig().exists()


def test_nobody_is_in_a_network_that_is_not_known() -> None:
    nobody = 2**22 + 1
    assert leftovers.network_of(nobody) is None
    assert list(leftovers.inside(None)) == []
