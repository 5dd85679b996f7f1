"""Where labs of a size run, and what of a node only some of them have: GPUs and shared memory."""

from typing import Any

from kubernetes_asyncio.client import V1Pod, V1Toleration, V1Volume, V1VolumeMount
from kubespawner.utils import get_k8s_model

from jldhub.settings.lab import Lab, Placement, Size


def place_pod(pod: V1Pod, lab: Lab, size: Size) -> None:
    """Add the nodes, GPUs and shared memory of a size, beside what a site's own traits say."""
    container = pod.spec.containers[0]
    if labels := node_selector(lab, size):
        pod.spec.node_selector = (pod.spec.node_selector or {}) | labels
    if taints := [get_k8s_model(V1Toleration, each) for each in tolerations(lab, size)]:
        pod.spec.tolerations = [*(pod.spec.tolerations or []), *taints]
    for amounts in (container.resources.requests, container.resources.limits):
        amounts |= lab_gpus(size)
    if shared := shared_memory(size):
        volume, mount = shared
        pod.spec.volumes.append(get_k8s_model(V1Volume, volume))
        container.volume_mounts.append(get_k8s_model(V1VolumeMount, mount))


def lab_gpus(size: Size) -> dict[str, str]:
    """Requests and limits of GPUs, which are equal: Kubernetes divides none."""
    return {size.gpu_resource: str(size.gpus)} if size.gpus else {}


def shared_memory(size: Size) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Volume and mount of a larger `/dev/shm`. None where the size has none: then it has the 64 MiB of the runtime."""
    if size.shm_size is None:
        return None
    volume = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": str(size.shm_size)}}
    return volume, {"name": "shm", "mountPath": "/dev/shm"}  # noqa: S108 - the lab's own


def node_selector(lab: Placement, size: Placement) -> dict[str, str]:
    return lab.node_selector | size.node_selector


def tolerations(lab: Placement, size: Placement) -> list[dict[str, Any]]:
    return [each.manifest for each in (*lab.tolerations, *size.tolerations)]
