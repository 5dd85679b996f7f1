"""Where labs of a size run, and what of a node only some of them have: GPUs and shared memory."""

from collections.abc import Mapping
from typing import Any

from kubernetes_asyncio.client import (
    V1Affinity,
    V1Pod,
    V1Toleration,
    V1TopologySpreadConstraint,
    V1Volume,
    V1VolumeMount,
)
from kubespawner.utils import get_k8s_model

from jldhub.labs.additions import SHARED_MEMORY, shared_memory_volume
from jldhub.settings.lab import Lab, Placement, PodSettings, Size


def place_pod(pod: V1Pod, lab: Lab, size: Size, lab_labels: Mapping[str, str]) -> None:
    """Add what `hub.lab.pod` says, and the nodes, GPUs and shared memory of a size, beside what a site's own traits say.

    `lab_labels` are those by which labs are found.
    """
    container = pod.spec.containers[0]
    if labels := node_selector(lab.pod, size):
        pod.spec.node_selector = (pod.spec.node_selector or {}) | labels
    if taints := [get_k8s_model(V1Toleration, each) for each in tolerations(lab.pod, size)]:
        pod.spec.tolerations = [*(pod.spec.tolerations or []), *taints]
    if lab.pod.affinity:
        pod.spec.affinity = get_k8s_model(V1Affinity, affinity(lab.pod, pod.spec.affinity or V1Affinity()))
    if spread := [get_k8s_model(V1TopologySpreadConstraint, each) for each in topology_spread(lab.pod, lab_labels)]:
        pod.spec.topology_spread_constraints = [*(pod.spec.topology_spread_constraints or []), *spread]
    pod.spec.priority_class_name = lab.pod.priority_class_name or pod.spec.priority_class_name
    pod.spec.runtime_class_name = lab.pod.runtime_class_name or pod.spec.runtime_class_name
    # Those by which the hub, policies and people find labs are never replaced.
    pod.metadata.labels = lab.pod.labels | (pod.metadata.labels or {})
    pod.metadata.annotations = lab.pod.annotations | (pod.metadata.annotations or {})
    for amounts in (container.resources.requests, container.resources.limits):
        amounts |= lab_gpus(size)
    if (shared := shared_memory(size)) and not shared_memory_volume(lab):
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
    return volume, {"name": "shm", "mountPath": SHARED_MEMORY}


def affinity(lab: PodSettings, of_traits: V1Affinity) -> dict[str, Any]:
    """Of each kind, what `hub.lab.pod` says, else what the traits of KubeSpawner say."""
    traits = {
        "nodeAffinity": of_traits.node_affinity,
        "podAffinity": of_traits.pod_affinity,
        "podAntiAffinity": of_traits.pod_anti_affinity,
    }
    return {kind: each for kind, each in traits.items() if each is not None} | lab.affinity


def topology_spread(lab: PodSettings, lab_labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The constraints, which count labs."""
    counted = {"labelSelector": {"matchLabels": dict(lab_labels)}}
    return [each.model_dump(by_alias=True) | counted for each in lab.topology_spread]


def node_selector(lab: Placement, size: Placement) -> dict[str, str]:
    return lab.node_selector | size.node_selector


def tolerations(lab: Placement, size: Placement) -> list[dict[str, Any]]:
    return [each.manifest for each in (*lab.tolerations, *size.tolerations)]
