"""The nodes' cgroups where a machine has cgroup v2 alone. A real one is tried in an emulated machine, tests/machine."""

from pathlib import Path

import pytest
from jlddev.clusters import cgroups
from jlddev.support.errors import MachineError


@pytest.fixture
def unified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of a cgroup v2, in which nothing happens by itself."""
    root = tmp_path / "cgroup"
    root.mkdir()
    (root / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids\n")
    (root / "cgroup.subtree_control").write_text("cpu memory pids\n")
    monkeypatch.setattr(cgroups, "ROOT", root)
    monkeypatch.setattr(cgroups, "GIVEN_ON", tmp_path / "cache" / "controllers")
    return root


def test_cgroup_v2_is_one_hierarchy(unified: Path) -> None:
    assert cgroups.hierarchies() == ("unified",)
    assert cgroups.missing() is None


@pytest.mark.parametrize("lacking", cgroups.CONTROLLERS)
def test_a_controller_that_the_machine_lacks_is_named(lacking: str, unified: Path) -> None:
    there = [name for name in cgroups.CONTROLLERS if name != lacking]
    (unified / "cgroup.controllers").write_text(" ".join(there))
    assert f"lacks the controller {lacking}" in (cgroups.missing() or "")


def test_a_hybrid_machine_has_cgroup_v1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    for name in (*cgroups.HIERARCHIES, "unified"):
        (tmp_path / name).mkdir()
    (tmp_path / "unified" / "cgroup.controllers").touch()
    assert cgroups.hierarchies() == cgroups.HIERARCHIES
    assert cgroups.missing() is None


def test_a_node_has_its_share_and_the_machine_hands_on_what_it_needs(unified: Path) -> None:
    (folder,) = cgroups.make_all("jld-node")
    assert (folder / "cpu.weight").read_text() == "400"
    assert (unified / "cgroup.subtree_control").read_text() == "+cpuset"
    assert cgroups.GIVEN_ON.read_text() == "cpuset\n"


def test_what_the_machine_handed_on_before_stays_so(unified: Path) -> None:
    before = "cpuset cpu io memory pids\n"
    (unified / "cgroup.subtree_control").write_text(before)
    (folder,) = cgroups.make_all("jld-node")
    (folder / "cpu.weight").unlink()  # a cgroup's files go with it
    cgroups.remove_all()
    assert (unified / "cgroup.subtree_control").read_text() == before


def test_what_was_handed_on_for_nodes_ends_with_the_last_one(unified: Path) -> None:
    for name in ("jld-node", "jld-node-2"):
        (folder,) = cgroups.make_all(name)
        (folder / "cpu.weight").unlink()
        (unified / "cgroup.subtree_control").write_text("cpu cpuset memory pids")
    cgroups.remove_all("jld-node-2")
    assert (unified / "cgroup.subtree_control").read_text() == "cpu cpuset memory pids"
    cgroups.remove_all()
    assert (unified / "cgroup.subtree_control").read_text() == "-cpuset"
    assert not cgroups.GIVEN_ON.exists()


def test_processes_leave_a_nodes_cgroup_before_it_hands_on(unified: Path) -> None:
    (folder,) = cgroups.make_all("jld-node")
    (folder / "cgroup.controllers").write_text("cpu memory\n")
    (folder / "cgroup.procs").write_text("12\n")
    cgroups.settle("jld-node")
    assert (folder / "init" / "cgroup.procs").read_text() == "12"
    assert (folder / "cgroup.subtree_control").read_text() == "+cpu +memory"


def test_a_cgroup_that_hands_nothing_on_is_told(unified: Path) -> None:
    (unified / "cgroup.subtree_control").unlink()
    (unified / "cgroup.subtree_control").mkdir()  # whoever writes to it gets an error
    (unified / "jld-node").mkdir()
    for name in ("cgroup.procs", "cgroup.controllers"):
        (unified / "jld-node" / name).touch()
    (unified / "jld-node" / "cgroup.subtree_control").mkdir()
    with pytest.raises(MachineError, match=r"does not hand its controllers on"):
        cgroups.settle("jld-node", seconds=0)


def test_a_container_that_may_not_hand_on_is_told_the_other_ways(
    unified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(cgroups, "hand_on", busy)
    with pytest.raises(MachineError, match=r"does not hand on cpuset.*busy.*In a container.*start Docker"):
        cgroups.make_all("jld-node")
