"""Where the container runtime of a node has its socket."""

from jldhub.images.prepuller.node import Node

CONTAINERD = "/run/containerd/containerd.sock"
CRI_O = "/run/crio/crio.sock"
K3S = "/run/k3s/containerd/containerd.sock"
_K3S_MARKS = ("k3s", "rke2")  # in the version of their containerd, and in labels that both give their nodes


class UnknownRuntime(ValueError):
    """Nobody knows the socket. The message says which runtime it is, and the remedy."""


def socket_path(node: Node, override: str) -> str:
    """Raises UnknownRuntime."""
    if override:
        return override
    name, _, version = node.runtime.partition("://")
    is_k3s = any(mark in version for mark in _K3S_MARKS) or any(
        node.labels.get("node.kubernetes.io/instance-type") == mark for mark in _K3S_MARKS
    )
    if name == "containerd":
        return K3S if is_k3s else CONTAINERD
    if name == "cri-o":
        return CRI_O
    raise UnknownRuntime(
        f"The node {node.name} runs {node.runtime or 'an unknown runtime'}, whose socket is not known; "
        "write its path: prepuller.runtimeSocket"
    )
