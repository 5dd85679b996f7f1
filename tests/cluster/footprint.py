"""What a native cluster could leave behind on this machine."""

from pathlib import Path

import psutil
from jlddev.clusters import cgroups, native

PROGRAMS = {"containerd", "containerd-shim-runc-v2", "coredns", "etcd", "kube-apiserver", "kubelet", "socat"}
HOLDER = str(
    native.SOURCES / "enter.sh"
)  # what the process runs in which all of the node is; other tests have such too


def footprint() -> set[str]:
    """The machine's mounts, network interfaces and cgroups."""
    groups = set(map(str, cgroups.of_nodes("*/")))
    interfaces = {path.name for path in Path("/sys/class/net").iterdir()}
    return set(Path("/proc/mounts").read_text().splitlines()) | interfaces | groups


def node_processes() -> set[str]:
    """Running processes of the kinds that a node has, by number."""
    found = psutil.process_iter(["pid", "name", "cmdline", "status"])
    alive = [process.info for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]
    ours = [each for each in alive if each["name"] in PROGRAMS or HOLDER in (each["cmdline"] or ())]
    return {f"{each['name']} ({each['pid']})" for each in ours}
