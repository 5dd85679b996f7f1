"""The nodes of the native cluster, each in namespaces and cgroups of its own. The first has the control plane."""

import ipaddress
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jlddev.clusters import cgroups, namespaces
from jlddev.support import pki
from jlddev.support.paths import CACHE, DEV_TOOLS

FOLDER = CACHE / "node"
SOURCES = DEV_TOOLS / "node"
MOST = 4  # certificates are issued for so many: the CA's key is not kept
POD_NETWORK = "10.244.0.0/16"
API_SERVER = "https://198.18.0.2:6443"
CONTEXT = "jld-node"
CONFIG_FILES = ("init.sh", "containerd.toml", "kubelet.yaml")
CLIENTS = ("kubelet", "proxy", "network-policies")


@dataclass(frozen=True)
class Node(namespaces.Holder):
    """A node. Its addresses are in 198.18.0.0/15, which RFC 2544 reserves for benchmarks, so that it is no real network."""

    what = "The native cluster's node"
    remedy = "start it with `make cluster`"
    number: int

    @property
    def is_first(self) -> bool:
        """Whether it has the control plane, and the link to this machine."""
        return self.number == 1

    @property
    def name(self) -> str:
        """Its name in the cluster, and that of its cgroups."""
        return cgroups.NAME if self.is_first else f"{cgroups.NAME}-{self.number}"

    @property
    def address(self) -> str:
        """Where it is reached, from this machine too."""
        return "198.18.0.2" if self.is_first else f"198.18.1.{self.number}"

    @property
    def gateway(self) -> str:
        """Where it sends what is for others: a worker has the first node between itself and the rest."""
        return "198.18.0.1" if self.is_first else FIRST.address

    @property
    def pods(self) -> str:
        """The network of its pods."""
        return str(list(ipaddress.ip_network(POD_NETWORK).subnets(new_prefix=20))[self.number - 1])

    @property
    def link(self) -> str:
        """The name of the other end of its cable: on this machine, or in the first node."""
        return "jld0" if self.is_first else f"node-{self.number}"

    @property
    def folder(self) -> Path:
        """All that it keeps on this machine's disk."""
        return FOLDER if self.is_first else FOLDER / "workers" / self.name

    @property
    def state(self) -> Path:
        """What its programs write."""
        return self.folder / "state"

    @property
    def config(self) -> Path:
        """What it has as /etc/jld."""
        return self.folder / "config"

    @property
    def identities(self) -> Mapping[str, pki.Identity]:
        """Whom its certificates are for."""
        return {
            "kubelet": pki.Identity(f"system:node:{self.name}", "system:nodes", [self.name, self.address]),
            "proxy": pki.Identity("system:kube-proxy"),
            "network-policies": pki.Identity("network-policies"),
        }


FIRST = Node(1)
WORKERS = tuple(Node(number) for number in range(2, MOST + 1))


def shared() -> Path:
    """A folder that every node has as /var/lib/jld-shared: what a disk in the network is elsewhere."""
    return FOLDER / "shared"


def running() -> list[Node]:
    """The nodes that run, the first one first."""
    return [node for node in (FIRST, *WORKERS) if node.runs()]


@dataclass(frozen=True)
class Built:
    """What every node shares with the others, and none writes to."""

    programs: Path
    nfs_client: Path
    root: Path


def configure(node: Node, clients: Iterable[str] = CLIENTS, taints: Sequence[Mapping[str, str]] = ()) -> None:
    """Write what it has in /etc/jld besides certificates."""
    node.config.mkdir(parents=True, exist_ok=True)
    for name in CONFIG_FILES:
        shutil.copy(SOURCES / name, node.config / name)
    network = (SOURCES / "cni.conflist").read_text()
    (node.config / "cni.conflist").write_text(network.replace("POD_SUBNET", node.pods))
    if taints:
        with (node.config / "kubelet.yaml").open("a") as file:
            file.write(json.dumps({"registerWithTaints": list(taints)})[1:-1] + "\n")  # which is YAML too
    for client in clients:
        pki.write_private(node.config / f"{client}.kubeconfig", kubeconfig(client, Path("/etc/jld/pki")).encode())


def kubeconfig(client: str, certificates: Path) -> str:
    """The text of a kubeconfig that refers to files in the folder `certificates`."""
    server = {"server": API_SERVER, "certificate-authority": str(certificates / "ca.crt")}
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
    return json.dumps(document, indent=2) + "\n"  # which is YAML too


def start(node: Node, built: Built) -> int:
    """Start its processes in new namespaces. Returns the PID, on this machine, of its process 1.

    A worker's PID namespace is inside the first node's: it ends with the first node, however that ends.
    """
    node.state.mkdir(parents=True, exist_ok=True)
    places = [built.root, node.state, shared(), built.programs, built.nfs_client, node.config]
    network = [node.name, node.address, node.gateway]
    script: list[str | Path] = ["/bin/sh", SOURCES / "enter.sh", *places, *network, *cgroups.hierarchies()]
    return node.start(script, within=[] if node.is_first else FIRST.enter("pid"))


def forget(node: Node) -> None:
    """Delete what its programs wrote, but the images that it has."""
    for name in ("etcd", "kubelet", "jld", "log"):
        shutil.rmtree(node.state / name, ignore_errors=True)
