"""The native nodes' cgroups: one each in the hierarchy of cgroup v2, or in each hierarchy of cgroup v1 that this machine has."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jlddev.support.errors import MachineError
from jlddev.support.paths import CACHE

ROOT = Path("/sys/fs/cgroup")
NAME = "jld-node"  # of the first; the others' begin with it
ALL = "jld-*"  # those of nodes and of all else that the harness starts
# CPU shares of a node. A process outside has 1024, and without this the whole cluster would have no more.
SHARES = 4096
WEIGHT = 400  # the same in cgroup v2, where a process outside has 100
HIERARCHIES = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd")
UNIFIED = "unified"  # stands for the one hierarchy of cgroup v2
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")  # of cgroup v2, without which there is no kubelet
GIVEN_ON = CACHE / "node" / "controllers"  # those that `make` was the first to hand on


def is_unified() -> bool:
    """Whether this machine has cgroup v2 alone."""
    return (ROOT / "cgroup.controllers").exists()


def hierarchies() -> tuple[str, ...]:
    """What a node mounts."""
    return (UNIFIED,) if is_unified() else HIERARCHIES


def missing() -> str | None:
    """Why no node can have cgroups here, as a sentence without its end. None when it can."""
    if is_unified():
        controllers = (ROOT / "cgroup.controllers").read_text().split()
        lacking = [f"the controller {name}" for name in CONTROLLERS if name not in controllers]
    else:
        lacking = [f"the hierarchy {name}" for name in HIERARCHIES if not (ROOT / name).is_dir()]
    if not lacking:
        return None
    return f"The native cluster needs cgroup v2, or all hierarchies of cgroup v1, and {ROOT} lacks {', '.join(lacking)}"


def present(names: str = f"{NAME}*") -> list[str]:
    """The cgroups of such names that are there, as words."""
    return [f"cgroup {folder}" for folder in of_nodes(names)]


def make_all(node: str) -> list[Path]:
    """Create a node's cgroup in every hierarchy. Returns the folders. Raises MachineError."""
    if is_unified():
        hand_on_from_root()
        folder = ROOT / node
        folder.mkdir(exist_ok=True)
        (folder / "cpu.weight").write_text(str(WEIGHT))
        return [folder]
    return [make(name, node) for name in HIERARCHIES]


def settle(node: str, seconds: float = 5.0) -> None:
    """In cgroup v2, let the node make cgroups of its own: only one without processes may hand controllers on.

    Its processes so far move into one of these, as they do in a container with systemd. Raises MachineError.
    """
    if not is_unified():
        return
    folder = ROOT / node
    leaf = folder / "init"
    leaf.mkdir(exist_ok=True)
    deadline = time.monotonic() + seconds
    while True:
        for pid in (folder / "cgroup.procs").read_text().split():
            with suppress(OSError):  # it has ended
                (leaf / "cgroup.procs").write_text(pid)
        try:
            hand_on(folder, (folder / "cgroup.controllers").read_text().split())
            return
        except OSError as error:  # one began meanwhile
            if time.monotonic() > deadline:
                raise MachineError(f"The cgroup {folder} does not hand its controllers on: {error}.") from error
        time.sleep(0.05)


def hand_on(folder: Path, controllers: list[str]) -> None:
    """Have a cgroup v2 give these controllers to those below it."""
    (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))


def hand_on_from_root() -> None:
    """Have this machine's cgroups give on what a node needs, and note what was not so before. Raises MachineError."""
    given = (ROOT / "cgroup.subtree_control").read_text().split()
    if not (lacking := [name for name in CONTROLLERS if name not in given]):
        return
    GIVEN_ON.parent.mkdir(parents=True, exist_ok=True)
    with GIVEN_ON.open("a") as noted:
        noted.write("".join(f"{name}\n" for name in lacking))
    try:
        hand_on(ROOT, lacking)
    except OSError as error:
        raise MachineError(
            f"The cgroup {ROOT} does not hand on {', '.join(lacking)}, which a node needs: {error}. "
            "In a container it may not while processes are in it: use a machine, start Docker (then kind is used), or set KUBECONFIG."
        ) from error


def take_back() -> None:
    """Have this machine's cgroups give on what they did before. What others use by now stays."""
    with suppress(FileNotFoundError):
        for name in set(GIVEN_ON.read_text().split()):
            with suppress(OSError):
                (ROOT / "cgroup.subtree_control").write_text(f"-{name}")
        GIVEN_ON.unlink()


def remove_all(nodes: str = f"{NAME}*") -> None:
    """Remove the cgroups of one node or of all, and their descendants. Raises MachineError."""
    for folder in of_nodes(nodes):
        remove(folder)
    if not present(ALL):
        take_back()


def of_nodes(pattern: str) -> list[Path]:
    """The cgroups of the nodes whose names are like the pattern."""
    roots = [ROOT] if is_unified() else [ROOT / name for name in HIERARCHIES]
    return [folder for root in roots for folder in root.glob(pattern)]


def make(hierarchy: str, node: str) -> Path:
    """Create a node's cgroup in one hierarchy of cgroup v1.

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
