"""The native cluster: one real Kubernetes node in namespaces and cgroups of this machine, for machines without Docker.

All processes of the node are descendants of one process. Taking the node down is killing that process and removing the
cgroups. Mounts, network interfaces and routes end with its namespaces.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import yaml

from jlddev.clusters import cgroups, leftovers, pki, programs
from jlddev.support import rootfs
from jlddev.support.errors import MachineError
from jlddev.support.paths import BIN, CACHE, DEV_TOOLS
from jlddev.support.ports import in_use
from jlddev.support.process import Process, start_ticks
from jlddev.support.run import output, say, tail

NODE_ADDRESS = "198.18.0.2"  # in 198.18.0.0/15, which RFC 2544 reserves for benchmarks, so that it is no real network
HOST_ADDRESS = "198.18.0.1"
HOST_LINK = "jld0"
SOURCES = DEV_TOOLS / "node"
CONFIG_FILES = ("init.sh", "containerd.toml", "cni.conflist", "kubelet.yaml", "Corefile", "local-path.json")
DISK_BYTES = 12 * 2**30  # GiB for a first start: programs and their compile cache 6, images 4, root file systems 1
FOLDER = CACHE / "node"
STATE = FOLDER / "state"
CONFIG = FOLDER / "config"
KUBECONFIG = FOLDER / "admin.kubeconfig"
PROCESS = FOLDER / "process.json"
CONTEXT = "jld-node"

IDENTITIES = {
    "admin": pki.Identity("admin", "system:masters"),
    "apiserver": pki.Identity(
        "kube-apiserver", addresses=["kubernetes.default.svc", "kubernetes", "localhost", NODE_ADDRESS, "10.96.0.1"]
    ),
    "apiserver-kubelet": pki.Identity("kube-apiserver-kubelet-client", "system:masters"),
    "controller-manager": pki.Identity("system:kube-controller-manager"),
    "scheduler": pki.Identity("system:kube-scheduler"),
    "kubelet": pki.Identity("system:node:jld-node", "system:nodes", ["jld-node", NODE_ADDRESS]),
    "proxy": pki.Identity("system:kube-proxy"),
    "coredns": pki.Identity("coredns"),
    "network-policies": pki.Identity("network-policies"),
    "provisioner": pki.Identity("local-path-provisioner"),
}
CLIENTS = ("admin", "controller-manager", "scheduler", "kubelet", "proxy", "coredns", "network-policies", "provisioner")


def saved_process() -> Process | None:
    """The node's process from its last start, running or not. None without a record of one."""
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        record = json.loads(PROCESS.read_text())
        return Process(record["pid"], record["started"])
    return None


def forwarders() -> dict[int, Process]:
    """The running socat processes of this node, by the local port that they listen on."""
    with suppress(FileNotFoundError, ValueError, TypeError, AttributeError):
        forwards = json.loads(PROCESS.read_text()).get("forwards", {})
        processes = {int(port): Process(**record) for port, record in forwards.items()}
        return {port: process for port, process in processes.items() if process.runs()}
    return {}


def missing() -> str | None:
    """Why this machine cannot run the node, as a sentence with the remedy. None when it can."""
    if os.geteuid() != 0:
        return "The native cluster makes namespaces and cgroups, which only root may: run it as root, start Docker (then kind is used), or set KUBECONFIG."
    if absent := cgroups.absent():
        return (
            f"The native cluster needs cgroup v1 hierarchies, and {', '.join(absent)} is not mounted below {cgroups.ROOT}. "
            "Start Docker (then kind is used), or set KUBECONFIG to a cluster that you have."
        )
    FOLDER.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(FOLDER).free) < DISK_BYTES:
        return (
            f"The native cluster needs {DISK_BYTES / 2**30:.0f} GiB of disk for what it builds, and {FOLDER} has {free / 2**30:.1f}. "
            "Free some, or set JLD_CACHE to a folder on a larger disk."
        )
    if not runs() and (
        others := [each for name in leftovers.networks_with(NODE_ADDRESS) for each in leftovers.inside(name)]
    ):
        return (
            f"Another native cluster runs on this machine (process {others[0]} has its address {NODE_ADDRESS}), and not from the cache {CACHE}. "
            "Take it down from where it was started: make cluster-down."
        )
    return None


def runs() -> bool:
    """Whether the node that was started from this cache folder runs."""
    process = saved_process()
    return process is not None and process.runs()


def up() -> Path:
    """Start the node unless it runs, and wait until it is Ready.

    Returns the administrator's kubeconfig. Raises MachineError.
    """
    if runs() and KUBECONFIG.exists():
        say("the native cluster runs already")
    else:
        built, nfs_client, root = programs.build(), programs.build_nfs_client(), rootfs.node_root()
        stop()  # of one that was killed, the kernel may still take away the network
        if not KUBECONFIG.exists():  # else the node was killed: its state in etcd is used again
            configure()
        say("start the node (etcd, API server, controllers, scheduler, containerd, kubelet, kube-proxy, CoreDNS)")
        start(built, nfs_client, root)
    wait_for_api()
    return KUBECONFIG


def configure() -> None:
    """Write new certificates, kubeconfigs and configuration of the node."""
    shutil.rmtree(CONFIG, ignore_errors=True)
    CONFIG.mkdir(parents=True)
    pki.write_all(CONFIG / "pki", IDENTITIES)
    for name in CONFIG_FILES:
        shutil.copy(SOURCES / name, CONFIG / name)
    for client in CLIENTS:
        pki.write_private(CONFIG / f"{client}.kubeconfig", kubeconfig(client, Path("/etc/jld/pki")).encode())
    pki.write_private(KUBECONFIG, kubeconfig("admin", CONFIG / "pki").encode())


def kubeconfig(client: str, certificates: Path) -> str:
    """The text of a kubeconfig that refers to files in the folder `certificates`."""
    server = {"server": f"https://{NODE_ADDRESS}:6443", "certificate-authority": str(certificates / "ca.crt")}
    user = {
        "client-certificate": str(certificates / f"{client}.crt"),
        "client-key": str(certificates / f"{client}.key"),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": server}],
        "users": [{"name": client, "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": client}}],
        "current-context": CONTEXT,
    }
    return yaml.safe_dump(document, sort_keys=False)


def start(built: Path, nfs_client: Path, root: Path) -> None:
    """Start the node's processes in new namespaces, and connect it by a veth pair."""
    STATE.mkdir(parents=True, exist_ok=True)
    folders = cgroups.make_all()

    def join_cgroups() -> None:
        for folder in folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    namespaces = ["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child=SIGKILL"]
    script = ["/bin/sh", SOURCES / "enter.sh", root, STATE, built, nfs_client, CONFIG, *cgroups.HIERARCHIES]
    with (FOLDER / "node.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", *namespaces, "--", *map(str, script)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=join_cgroups,
        )
    ticks = start_ticks(process.pid)
    PROCESS.write_text(json.dumps({"pid": process.pid, "started": ticks}))
    inside = child_of(process.pid)
    output(["ip", "link", "add", HOST_LINK, "type", "veth", "peer", "name", "eth0", "netns", str(inside)])
    output(["ip", "addr", "add", f"{HOST_ADDRESS}/30", "dev", HOST_LINK])
    output(["ip", "link", "set", HOST_LINK, "up"])


def child_of(pid: int) -> int:
    """The PID of the one child of `unshare --fork`. Raises MachineError unless it starts within five seconds."""
    for _ in range(100):
        with suppress(FileNotFoundError):
            if children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                return int(children[0])
        time.sleep(0.05)
    raise MachineError(f"The node did not start. The end of {FOLDER / 'node.log'}:\n{tail(FOLDER / 'node.log')}")


def wait_for_api(seconds: float = 180.0) -> None:
    """Return when the API server answers, node/manifests.yaml is applied, and the node is Ready.

    Raises MachineError.
    """
    kubectl = [str(BIN / "kubectl"), "--kubeconfig", str(KUBECONFIG), "--request-timeout=5s"]
    steps = {
        "the API server answers": [*kubectl, "get", "--raw", "/readyz"],
        "the standing objects are applied": [*kubectl, "apply", "--filename", str(SOURCES / "manifests.yaml")],
        "the node is Ready": [*kubectl, "wait", "--for=condition=Ready", "node/jld-node", "--timeout=2s"],
    }
    started = time.monotonic()
    for what, command in steps.items():
        while True:
            if not runs():
                raise MachineError(f"The node stopped. The end of {FOLDER / 'node.log'}:\n{tail(FOLDER / 'node.log')}")
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
            if time.monotonic() - started > seconds:
                raise MachineError(
                    f"After {seconds:.0f} s still not: {what}. {done.stderr.strip()} Logs: {STATE / 'log'}. "
                    "Make the cluster anew with: make cluster-down cluster"
                )
            time.sleep(0.5)
        say(f"{what} ({time.monotonic() - started:.0f} s)")


def wait_for_dns(seconds: float = 60.0) -> None:
    """Return when CoreDNS is ready: it has listed the cluster's Services. Raises MachineError."""
    enter = ["nsenter", "--target", str(node_pid()), "--net", "--"]
    ask = [*enter, "curl", "--silent", "--fail", "http://127.0.0.1:8054/ready"]
    deadline = time.monotonic() + seconds
    while subprocess.run(ask, capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            raise MachineError(
                f"CoreDNS is not ready after {seconds:.0f} s. The end of its log:\n{tail(STATE / 'log' / 'coredns.log')}"
            )
        time.sleep(0.3)


def require_free(ports: Iterable[int]) -> None:
    """Raises MachineError when another program than this node's socat listens on a port that the front door needs."""
    for port in ports:
        if port not in forwarders() and in_use(port):
            raise MachineError(
                f"Port {port} of 127.0.0.1 is taken by another program: end it (ss -ltnp 'sport = :{port}'), then repeat."
            )


def forward(ports: Mapping[int, int]) -> None:
    """Forward ports of this machine's loopback to node ports, by one socat each. They are stopped with the node."""
    require_free(ports)
    record = json.loads(PROCESS.read_text())
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
    PROCESS.write_text(json.dumps(record))


def down() -> None:
    """Stop the node and delete its state, the homes of a trial included.

    Built programs and pulled images stay in the cache.
    """
    network = kill()
    # Before anything can fail: a later start would find half of this installation.
    KUBECONFIG.unlink(missing_ok=True)
    shutil.rmtree(CONFIG, ignore_errors=True)
    for name in ("etcd", "kubelet", "jld", "log"):
        shutil.rmtree(STATE / name, ignore_errors=True)
    leftovers.wait_until_gone(HOST_LINK, FOLDER, network)


def stop() -> None:
    """Kill the node's processes and remove its cgroups. Interfaces, mounts and routes end with its namespaces."""
    leftovers.wait_until_gone(HOST_LINK, FOLDER, kill())


def kill() -> str | None:
    """Kill the node's processes and remove its cgroups. Returns the name of the network namespace that it had."""
    node = saved_process()
    network = leftovers.network_of(node.pid) if node and node.runs() else None
    for process in (*forwarders().values(), node):
        if process is not None:
            process.end()
    PROCESS.unlink(missing_ok=True)
    cgroups.remove_all()
    return network


def node_pid() -> int:
    """The PID, on this machine, of the node's process 1. Raises MachineError unless the node runs."""
    process = saved_process()
    if process is None or not process.runs():
        raise MachineError("The native cluster does not run: start it with `make cluster`.")
    return child_of(process.pid)
