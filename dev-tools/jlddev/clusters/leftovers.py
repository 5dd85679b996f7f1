"""What a native cluster that was killed still has on this machine, and who holds it."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from jlddev.clusters import cgroups
from jlddev.support.errors import MachineError
from jlddev.support.run import say

SECONDS = 600.0  # 103 were measured after a whole `make test`, with no process left
QUIET = 2.0  # seconds without a word


def wait_until_gone(link: str, folder: Path, network: str | None, groups: str = f"{cgroups.NAME}*") -> None:
    """Return when nothing of the cluster is left.

    `link` is the name of its network interface on this machine, `folder` what its mounts are below, `network` the name of
    its network namespace where that is known, `groups` what its cgroups are named like. The kernel takes away the interface
    after the last process in the namespace ended, and after the namespaces of the pods, one after the other: with some
    hundred pods in the cluster's life that is longer than the end of the processes.

    Raises MachineError with what is left after SECONDS, and with the processes that hold the network namespace.
    """
    started = time.monotonic()
    told = False
    while left := present(link, folder, groups):
        waited = time.monotonic() - started
        if waited > SECONDS:
            raise MachineError(
                f"After {waited:.0f} s the cluster has left something on this machine: {words(left, network)}. "
                "End such processes (kill), then repeat."
            )
        if waited > QUIET and not told:
            say(f"wait for the kernel to take away what is left of the cluster: {words(left, network)}")
            told = True
        time.sleep(0.1)
    if told:
        say(f"it is gone after {time.monotonic() - started:.0f} s")


def present(link: str, folder: Path, groups: str = f"{cgroups.NAME}*") -> list[str]:
    """What is on this machine that only a native cluster puts there; nothing while none runs."""
    links = [f"network interface {path.name}" for path in Path("/sys/class/net").glob(link)]
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return [*links, *(f"mount {each}" for each in mounts if folder in Path(each).parents), *cgroups.present(groups)]


def words(left: Iterable[str], network: str | None) -> str:
    """What is left, and the processes of the network namespace, in one line."""
    return ", ".join((*left, *(f"process {each}" for each in inside(network))))


def networks_with(address: str) -> set[str]:
    """The names of the network namespaces with a process in which this IPv4 address is an interface's own."""
    names = {network_of(int(folder.name)): folder for folder in Path("/proc").glob("[0-9]*")}
    return {name for name, folder in names.items() if name and has_address(folder / "net" / "fib_trie", address)}


def has_address(table: Path, address: str) -> bool:
    """Whether the kernel's table of routes, `/proc/PID/net/fib_trie`, has the address as a local one."""
    with suppress(OSError):  # the process has ended
        lines = [line.strip() for line in table.read_text().splitlines()]
        return (f"|-- {address}", "/32 host LOCAL") in pairwise(lines)
    return False


def network_of(pid: int) -> str | None:
    """The name of a process's network namespace, such as `net:[4026532008]`. None when the process has ended."""
    with suppress(OSError):
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    return None


def inside(network: str | None) -> Iterator[str]:
    """The processes of a network namespace, as PID and name."""
    if network is None:
        return
    for folder in Path("/proc").glob("[0-9]*"):
        if network_of(int(folder.name)) == network:
            with suppress(OSError):
                yield f"{folder.name} ({(folder / 'comm').read_text().strip()})"
