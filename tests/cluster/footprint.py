"""What a native cluster could leave behind on this machine, but for what the Docker Engine of the tests of kind has beside it."""

from pathlib import Path

import psutil
from jlddev.clusters import cgroups, native
from jlddev.docker.engine import ENGINE

PROGRAMS = {"containerd", "containerd-shim-runc-v2", "coredns", "etcd", "kube-apiserver", "kubelet", "socat"}
HOLDER = str(
    native.SOURCES / "enter.sh"
)  # what the process runs in which all of the node is; other tests have such too


def footprint() -> set[str]:
    """The machine's mounts, network interfaces and cgroups."""
    groups = {str(path) for path in cgroups.of_nodes("*/") if path.name != ENGINE.name}
    interfaces = {path.name for path in Path("/sys/class/net").iterdir()} - {ENGINE.link}
    return set(Path("/proc/mounts").read_text().splitlines()) | interfaces | groups


def node_processes() -> set[str]:
    """Running processes of the kinds that a node has, by number."""
    found = psutil.process_iter(["pid", "name", "cmdline", "status"])
    alive = [process.info for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]
    ours = [each for each in alive if each["name"] in PROGRAMS or HOLDER in (each["cmdline"] or ())]
    return {f"{each['name']} ({each['pid']})" for each in ours if not of_engine(each["pid"])}


def of_engine(pid: int) -> bool:
    """Whether a process is one of the Docker Engine's. One that has ended is nobody's."""
    try:
        return f"/{ENGINE.name}" in Path(f"/proc/{pid}/cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
