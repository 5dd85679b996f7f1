"""The native cluster: a real Kubernetes in namespaces and cgroups of this machine, for machines without Docker.

All processes of all nodes are descendants of one process. Taking the cluster down is killing that process and removing the
cgroups. Mounts, network interfaces and routes end with its namespaces.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from jlddev.clusters import cgroups, leftovers, nodes, programs
from jlddev.clusters.nodes import FIRST
from jlddev.support import pki, rootfs
from jlddev.support import ports as free_ports
from jlddev.support.errors import MachineError
from jlddev.support.paths import BIN, CACHE
from jlddev.support.process import Process, start_ticks
from jlddev.support.run import output, say, tail

NODE_ADDRESS = FIRST.address
HOST_ADDRESS = FIRST.gateway
HOST_LINK = FIRST.link
SOURCES = nodes.SOURCES
CONFIG_FILES = ("control-plane.sh", "Corefile", "local-path.json", "shared-path.json")
DISK_BYTES = 12 * 2**30  # GiB for a first start: programs and their compile cache 6, images 4, root file systems 1

IDENTITIES = {
    "admin": pki.Identity("admin", "system:masters"),
    "apiserver": pki.Identity(
        "kube-apiserver", addresses=["kubernetes.default.svc", "kubernetes", "localhost", NODE_ADDRESS, "10.96.0.1"]
    ),
    "apiserver-kubelet": pki.Identity("kube-apiserver-kubelet-client", "system:masters"),
    "controller-manager": pki.Identity("system:kube-controller-manager"),
    "scheduler": pki.Identity("system:kube-scheduler"),
    "coredns": pki.Identity("coredns"),
    "provisioner": pki.Identity("local-path-provisioner"),
    **FIRST.identities,
}
CLIENTS = ("admin", "controller-manager", "scheduler", "coredns", "provisioner", *nodes.CLIENTS)


def kubeconfig() -> Path:
    """The administrator's kubeconfig."""
    return FIRST.folder / "admin.kubeconfig"


def forwarders() -> dict[int, Process]:
    """The running socat processes of this node, by the local port that they listen on."""
    with suppress(FileNotFoundError, ValueError, TypeError, AttributeError):
        forwards = json.loads(FIRST.record.read_text()).get("forwards", {})
        processes = {int(port): Process(**record) for port, record in forwards.items()}
        return {port: process for port, process in processes.items() if process.runs()}
    return {}


def missing() -> str | None:
    """Why this machine cannot run the node, as a sentence with the remedy. None when it can."""
    if os.geteuid() != 0:
        return "The native cluster makes namespaces and cgroups, which only root may: run it as root, start Docker (then kind is used), or set KUBECONFIG."
    if lacking := cgroups.missing():
        return f"{lacking}. Start Docker (then kind is used), or set KUBECONFIG to a cluster that you have."
    FIRST.folder.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(FIRST.folder).free) < DISK_BYTES:
        return (
            f"The native cluster needs {DISK_BYTES / 2**30:.0f} GiB of disk for what it builds, and {FIRST.folder} has {free / 2**30:.1f}. "
            "Free some, or set JLD_CACHE to a folder on a larger disk."
        )
    if not FIRST.runs() and (
        others := [each for name in leftovers.networks_with(NODE_ADDRESS) for each in leftovers.inside(name)]
    ):
        return (
            f"Another native cluster runs on this machine (process {others[0]} has its address {NODE_ADDRESS}), and not from the cache {CACHE}. "
            "Take it down from where it was started: make cluster-down."
        )
    return None


def build() -> nodes.Built:
    """Build and unpack what nodes are made of, unless it is cached. Raises Unsupported and MachineError."""
    return nodes.Built(programs.build(), programs.build_nfs_client(), rootfs.node_root())


def up(patience: float = 180.0) -> Path:
    """Start the first node unless it runs, and wait until it is Ready, for `patience` seconds at most.

    Returns the administrator's kubeconfig. Raises MachineError.
    """
    if FIRST.runs() and kubeconfig().exists():
        say("the native cluster runs already")
    else:
        built = build()
        stop()  # of one that was killed, the kernel may still take away the network
        if not kubeconfig().exists():  # else the node was killed: its state in etcd is used again
            configure()
        say("start the node (etcd, API server, controllers, scheduler, containerd, kubelet, kube-proxy, CoreDNS)")
        connect(nodes.start(FIRST, built))
    wait_for_api(patience)
    return kubeconfig()


def configure() -> None:
    """Write new certificates of all nodes, kubeconfigs and the configuration of the first."""
    shutil.rmtree(FIRST.config, ignore_errors=True)
    workers = {worker.config / "pki": worker.identities for worker in nodes.WORKERS}
    pki.write_all(FIRST.config / "pki", IDENTITIES, workers)
    nodes.configure(FIRST, CLIENTS)
    for name in CONFIG_FILES:
        shutil.copy(SOURCES / name, FIRST.config / name)
    pki.write_private(kubeconfig(), nodes.kubeconfig("admin", FIRST.config / "pki").encode())


def connect(inside: int) -> None:
    """Lay the cable between this machine and the first node, by the PID of a process there."""
    output(["ip", "link", "add", HOST_LINK, "type", "veth", "peer", "name", "eth0", "netns", str(inside)])
    output(["ip", "addr", "add", f"{HOST_ADDRESS}/30", "dev", HOST_LINK])
    output(["ip", "link", "set", HOST_LINK, "up"])


def kubectl(*words: str) -> list[str]:
    """A command of the administrator."""
    return [str(BIN / "kubectl"), "--kubeconfig", str(kubeconfig()), "--request-timeout=5s", *words]


def wait_for_api(seconds: float) -> None:
    """Return when the API server answers, node/manifests.yaml is applied, and the node is Ready.

    Raises MachineError.
    """
    steps = {
        "the API server answers": kubectl("get", "--raw", "/readyz"),
        "the standing objects are applied": kubectl("apply", "--filename", str(SOURCES / "manifests.yaml")),
        "the node is Ready": kubectl("wait", "--for=condition=Ready", f"node/{FIRST.name}", "--timeout=2s"),
    }
    started = time.monotonic()
    for what, command in steps.items():
        while True:
            if not FIRST.runs():
                raise MachineError(f"The node stopped. The end of {FIRST.log}:\n{tail(FIRST.log)}")
            said = f"Nobody listens at {nodes.API_SERVER}."
            if _api_listens():  # without that, a slow machine would be kept busy by programs that ask
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode == 0:
                    break
                said = done.stderr.strip()
            if time.monotonic() - started > seconds:
                raise MachineError(
                    f"After {seconds:.0f} s still not: {what}. {said} Logs: {FIRST.state / 'log'}. "
                    "Make the cluster anew with: make cluster-down cluster. "
                    f"The end of the API server's log:\n{tail(FIRST.state / 'log' / 'kube-apiserver.log')}"
                )
            time.sleep(0.5)
        say(f"{what} ({time.monotonic() - started:.0f} s)")


def _api_listens() -> bool:
    place = urlsplit(nodes.API_SERVER)
    try:
        socket.create_connection((place.hostname, place.port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for_dns(seconds: float = 60.0) -> None:
    """Return when CoreDNS is ready: it has listed the cluster's Services. Raises MachineError."""
    ask = [*FIRST.enter("net"), "curl", "--silent", "--fail", "http://127.0.0.1:8054/ready"]
    deadline = time.monotonic() + seconds
    while subprocess.run(ask, capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            raise MachineError(
                f"CoreDNS is not ready after {seconds:.0f} s. The end of its log:\n{tail(FIRST.state / 'log' / 'coredns.log')}"
            )
        time.sleep(0.3)


def require_free(ports: Iterable[int]) -> None:
    """Raises MachineError when another program than this node's socat listens on a port that the front door needs."""
    own = forwarders()
    free_ports.require_free(port for port in ports if port not in own)


def forward(ports: Mapping[int, int]) -> None:
    """Forward ports of this machine's loopback to node ports, by one socat each. They are stopped with the node."""
    require_free(ports)
    record = json.loads(FIRST.record.read_text())
    for local, node_port in ports.items():
        if local in forwarders():
            continue
        listen = f"TCP-LISTEN:{local},bind=127.0.0.1,fork,reuseaddr"
        process = subprocess.Popen(
            ["socat", listen, f"TCP:{NODE_ADDRESS}:{node_port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        record.setdefault("forwards", {})[str(local)] = {"pid": process.pid, "started": start_ticks(process.pid)}
    FIRST.record.write_text(json.dumps(record))


def down() -> None:
    """Stop all nodes and delete their state, the homes of a trial included.

    Built programs and pulled images stay in the cache.
    """
    network = kill()
    # Before anything can fail: a later start would find half of this installation.
    kubeconfig().unlink(missing_ok=True)
    for node in (FIRST, *nodes.WORKERS):
        shutil.rmtree(node.config, ignore_errors=True)
        nodes.forget(node)
    shutil.rmtree(nodes.shared(), ignore_errors=True)
    leftovers.wait_until_gone(HOST_LINK, FIRST.folder, network)


def stop() -> None:
    """Kill the nodes' processes and remove their cgroups. Interfaces, mounts and routes end with their namespaces."""
    leftovers.wait_until_gone(HOST_LINK, FIRST.folder, kill())


def kill() -> str | None:
    """Kill the nodes' processes and remove their cgroups. Returns the name of the network namespace of the first."""
    first = FIRST.process()
    network = leftovers.network_of(first.pid) if first and first.runs() else None
    for process in (*forwarders().values(), first):
        if process is not None:
            process.end()
    for node in (FIRST, *nodes.WORKERS):  # workers end with the first
        node.record.unlink(missing_ok=True)
    if not leftovers.networks_with(NODE_ADDRESS):
        # Else it goes with its network, which connections keep that still wait for a node or a pod that is gone: two minutes.
        subprocess.run(["ip", "link", "del", HOST_LINK], capture_output=True, check=False)
    cgroups.remove_all()
    return network


def node_pid() -> int:
    """The PID, on this machine, of the first node's process 1. Raises MachineError unless it runs."""
    return FIRST.pid()
