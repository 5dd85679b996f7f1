"""The native nodes' cgroups, one each in each cgroup v1 hierarchy of this machine."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jlddev.support.errors import MachineError

ROOT = Path("/sys/fs/cgroup")
NAME = "jld-node"  # of the first; the others' begin with it
# CPU shares of a node. A process outside has 1024, and without this the whole cluster would have no more.
SHARES = 4096
HIERARCHIES = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd")


def absent() -> list[str]:
    """The hierarchies that this machine does not have."""
    return [name for name in HIERARCHIES if not (ROOT / name).is_dir()]


def present() -> list[str]:
    """The nodes' cgroups that are there, as words."""
    return [f"cgroup {folder}" for folder in of_nodes(f"{NAME}*")]


def make_all(node: str) -> list[Path]:
    """Create a node's cgroup in every hierarchy. Returns the folders."""
    return [make(name, node) for name in HIERARCHIES]


def remove_all(nodes: str = f"{NAME}*") -> None:
    """Remove the cgroups of one node or of all, and their descendants. Raises MachineError."""
    for folder in of_nodes(nodes):
        remove(folder)


def of_nodes(pattern: str) -> list[Path]:
    """The cgroups of the nodes whose names are like the pattern."""
    return [folder for name in HIERARCHIES for folder in (ROOT / name).glob(pattern)]


def make(hierarchy: str, node: str) -> Path:
    """Create a node's cgroup in one hierarchy.

    A new cpuset is empty, so it gets its parent's CPUs and memory nodes. With a share of one process the cluster would miss
    its own deadlines beside processes that compute, such as tests.
    """
    folder = ROOT / hierarchy / node
    folder.mkdir(exist_ok=True)
    if hierarchy == "cpuset":
        for name in ("cpuset.cpus", "cpuset.mems"):
            (folder / name).write_text((folder.parent / name).read_text())
    if hierarchy == "cpu":
        (folder / "cpu.shares").write_text(str(SHARES))
    return folder


def remove(folder: Path, seconds: float = 10.0) -> None:
    """Remove a cgroup and its descendants. Retries for `seconds` while it is busy after its last process ended.

    Raises MachineError.
    """
    deadline = time.monotonic() + seconds
    while folder.exists():
        for group in deepest_first(folder):
            with suppress(OSError):
                group.rmdir()
        if not folder.exists():
            return
        if time.monotonic() > deadline:
            raise MachineError(
                f"The cgroup {folder} is still in use by processes {(folder / 'cgroup.procs').read_text().split()}."
            )
        time.sleep(0.1)


def deepest_first(folder: Path) -> Iterator[Path]:
    """A cgroup and its descendants, children before parents."""
    for child in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield from deepest_first(child)
    yield folder
