"""What a site adds to labs: variables, files, volumes, containers and hooks. Pure functions.

But for variables and hooks, not by traits of KubeSpawner: those are templates, which braces in a command would break.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from kubernetes_asyncio.client import V1Container, V1Pod, V1Volume, V1VolumeMount
from kubespawner.utils import get_k8s_model

from jldhub.identity import Identity
from jldhub.labs.pod import LAB_FILES, LAB_SECURITY
from jldhub.settings.lab import Lab, Size
from jldhub.settings.pods.additions import PodAdditions, SecretKey

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the lab's own
_SECRET_FILES = "secret-files"  # noqa: S105 - the name of a volume
# What a further container has where it says nothing: a quota and a LimitRange want limits of each.
_RESOURCES = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}


def site_environment(added: PodAdditions) -> dict[str, Any]:
    """Variables by name. Each is a function of the spawner, whose result KubeSpawner takes as it is."""
    return {name: _constant(value) for name, value in added.environment.items()}


def _constant(value: str | SecretKey) -> Callable[[object], Any]:
    if isinstance(value, str):
        return lambda spawner: value
    # KubeSpawner writes into it, so each lab has its own.
    return lambda spawner: {"valueFrom": {"secretKeyRef": {"name": value.secret, "key": value.key}}}


def site_files(added: PodAdditions) -> dict[str, str]:
    """The files whose text the site says, for the lab's Secret: a lab's pod mounts no ConfigMap of the release."""
    return {_key(path): text for path, text in sorted(added.files.items()) if isinstance(text, str)}


def add_to_pod(pod: V1Pod, lab: Lab, size: Size, identity: Identity) -> None:
    """Add volumes, mounts and containers, beside what a site's own traits say."""
    for volume in site_volumes(lab, size):
        pod.spec.volumes.append(get_k8s_model(V1Volume, volume))
    for mount in site_mounts(lab):
        pod.spec.containers[0].volume_mounts.append(get_k8s_model(V1VolumeMount, mount))
    init, beside = (
        [get_k8s_model(V1Container, _complete(each, identity)) for each in containers]
        for containers in (lab.pod.init_containers, lab.pod.containers)
    )
    if init:
        pod.spec.init_containers = [*init, *(pod.spec.init_containers or [])]
    pod.spec.containers.extend(beside)


def site_volumes(added: PodAdditions, size: Size) -> list[dict[str, Any]]:
    """The volumes, and one with the files that stand in Secrets. At `/dev/shm` a size says how much it holds, where it does."""
    volumes = [{"name": name, **volume.source} for name, volume in added.volumes.items()]
    if (shared := shared_memory_volume(added)) and size.shm_size is not None:
        larger = {"medium": "Memory", "sizeLimit": str(size.shm_size)}
        volumes = [{"name": shared, "emptyDir": larger} if each["name"] == shared else each for each in volumes]
    files = {path: value for path, value in sorted(added.files.items()) if isinstance(value, SecretKey)}
    if files:
        sources = [
            {"secret": {"name": value.secret, "items": [{"key": value.key, "path": _key(path)}]}}
            for path, value in files.items()
        ]
        volumes.append({"name": _SECRET_FILES, "projected": {"sources": sources, "defaultMode": 0o444}})
    return volumes


def site_mounts(added: PodAdditions) -> list[dict[str, Any]]:
    """The mounts of the lab's container."""
    volumes = [
        {"name": name, "mountPath": volume.mount_path}
        | ({"readOnly": True} if volume.read_only else {})
        | ({"subPath": volume.sub_path} if volume.sub_path else {})
        for name, volume in added.volumes.items()
    ]
    return volumes + [
        {
            "name": LAB_FILES if isinstance(value, str) else _SECRET_FILES,
            "mountPath": path,
            "subPath": _key(path),
            "readOnly": True,
        }
        for path, value in sorted(added.files.items())
    ]


def shared_memory_volume(added: PodAdditions) -> str | None:
    """The name of the volume at `/dev/shm`, where the site has one."""
    return next((name for name, volume in added.volumes.items() if volume.mount_path == SHARED_MEMORY), None)


def disk_bytes(added: PodAdditions) -> int:
    """How much of the node's disk a lab's further volumes may fill."""
    return sum(volume.disk_bytes for volume in added.volumes.values())


def _complete(container: dict[str, Any], identity: Identity) -> dict[str, Any]:
    """The container, restricted and under the person's numbers, but for each key in which it says otherwise: what it writes for
    the lab is then theirs.
    """
    own = container.get("securityContext") or {}
    security = {**LAB_SECURITY, "runAsUser": identity.uid, "runAsGroup": identity.gid, **own}
    # The kubelet copies the end of its log into the pod's status, so that a failure has a message.
    defaults = {"terminationMessagePolicy": "FallbackToLogsOnError", "resources": _RESOURCES}
    return {**defaults, **container, "securityContext": security}


def _key(path: str) -> str:
    """The name of a file in its volume, from its path in the lab: a key of a Secret holds no slash, and is no longer than 253."""
    return f"site-{sha256(path.encode()).hexdigest()[:16]}"
