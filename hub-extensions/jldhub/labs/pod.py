"""The parts of a lab's pod: security contexts, volumes, mounts, resources, init container. Pure functions."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import V1OwnerReference, V1Volume
from kubespawner.utils import get_k8s_model

from jldhub.identity import Identity
from jldhub.labs import init_home
from jldhub.labs.inside import IPYTHON_CONFIG, START
from jldhub.labs.secret import FILES, secret_key
from jldhub.settings.lab import Quota
from jldhub.settings.names import Volume

# Files of the lab's Secret that are mounted below /etc, by their paths there. All else of /etc is the image's.
ETC_FILES = {
    "passwd": "passwd",
    "group": "group",
    "gitconfig": "gitconfig",
    "ipython/ipython_config.py": IPYTHON_CONFIG,
}
# Not by the name of a program of the image's: any image with Jupyter starts as a lab.
START_COMMAND = ["/bin/sh", f"{FILES}/{START}"]
LAB_FILES = "files"  # the volume of the lab's own Secret
HOME = "home"  # the volume of the home directories
RUN = "/run/lab"  # sockets and the kernels' connection files, which contain keys: in memory, not on disk
CACHES = "/tmp/cache"  # noqa: S108 - the lab's own; caches in a home on a file server are slow and fill it
_HOMES = "/homes"
_HUB_PYTHON = "/opt/jupyterhub/bin/python"
_LONGEST_DEADLINE = 2**31 - 1  # seconds (68 years), the highest activeDeadlineSeconds that Kubernetes accepts

_INIT_RESOURCES = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}

POD_SECURITY: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}

LAB_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}

# The only exception to the Pod Security level "restricted": only root can change the owner of the new home directory.
_HOME_INIT_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"], "drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsGroup": 0,
    "runAsNonRoot": False,
    "runAsUser": 0,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def lab_volumes(volumes: Mapping[str, Volume], tmp_size: int) -> list[dict[str, Any]]:
    """The claims, `/tmp` and `RUN`.

    `tmp_size` in bytes: a lab that writes more to `/tmp` is evicted, which saves the node's disk.
    """
    return [
        *(claim_volume(name, volume.claim) for name, volume in volumes.items()),
        {"name": "tmp", "emptyDir": {"sizeLimit": str(tmp_size)}},
        {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
    ]


def claim_volume(name: str, claim: str) -> dict[str, Any]:
    return {"name": f"volume-{name}", "persistentVolumeClaim": {"claimName": claim}}


def with_claims(volumes: Iterable[V1Volume], claims: Mapping[str, str]) -> list[V1Volume]:
    """The volumes, where those of these names have claims of other names."""
    others = {each["name"]: each for each in (claim_volume(*claim) for claim in claims.items())}
    return [get_k8s_model(V1Volume, others[volume.name]) if volume.name in others else volume for volume in volumes]


def lab_mounts(volumes: Mapping[str, Volume]) -> list[dict[str, Any]]:
    """The mounts that are the same in every lab: all but the home directory."""
    shared = [
        {"name": f"volume-{name}", "mountPath": volume.mount_path, "readOnly": volume.read_only}
        for name, volume in volumes.items()
        if name != HOME
    ]
    return [
        *shared,
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the lab's own, empty at each start
        {"name": "run", "mountPath": RUN},
    ]


def files_volume(secret: str, files: Iterable[str]) -> dict[str, Any]:
    """The volume of the lab's Secret, with `files` by their paths.

    World-readable, because the files belong to root without an fsGroup, and the person is the only user in the pod.
    """
    items = [{"key": secret_key(file), "path": file} for file in files]
    return {"name": LAB_FILES, "secret": {"secretName": secret, "items": items, "defaultMode": 0o444}}


def person_mounts(home: str, home_name: str) -> list[dict[str, Any]]:
    """The mounts of a person's home directory, and of the lab's Secret: the whole below `FILES`, and single files below `/etc`."""
    etc_mounts = [
        {"name": LAB_FILES, "mountPath": f"/etc/{path}", "subPath": file, "readOnly": True}
        for path, file in ETC_FILES.items()
    ]
    return [home_mount(home, home_name), {"name": LAB_FILES, "mountPath": FILES, "readOnly": True}, *etc_mounts]


def lab_disk(volumes: int) -> tuple[dict[str, str], dict[str, str]]:
    """Requests and limits of ephemeral storage: `volumes` bytes in `/tmp` and others, and 256 MiB for the container's log."""
    return {"ephemeral-storage": "64Mi"}, {"ephemeral-storage": str(volumes + 2**28)}


def lab_pod_fields(quota: Quota) -> dict[str, Any]:
    """Further fields of the pod's spec.

    With a quota the pod has a deadline, the longest possible one: a ResourceQuota with the scope Terminating then
    counts labs and no other pods of the release.
    """
    return {"enableServiceLinks": False} | ({"activeDeadlineSeconds": _LONGEST_DEADLINE} if quota.is_set else {})


def home_path(volumes: Mapping[str, Volume], username: str) -> str:
    return f"{volumes[HOME].mount_path}/{username}"


def home_mount(path: str, home_name: str) -> dict[str, Any]:
    return {"name": f"volume-{HOME}", "mountPath": path, "subPath": home_name}


def home_init_container(image: str, home_name: str, identity: Identity) -> dict[str, Any]:
    """The init container that creates the home directory.

    Its program is an argument, because a lab's pod mounts no ConfigMap.
    """
    source = Path(init_home.__file__).read_text(encoding="utf-8")
    return {
        "name": "home",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [_HUB_PYTHON, "-c", source, _HOMES, home_name, str(identity.uid), str(identity.gid)],
        "volumeMounts": [{"name": f"volume-{HOME}", "mountPath": _HOMES}],
        "securityContext": _HOME_INIT_SECURITY,
        # The kubelet then copies the error message into the pod's status.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": _INIT_RESOURCES,
    }


def owner_reference(service_account: str, uid: str) -> V1OwnerReference:
    """The garbage collector deletes labs with the chart's ServiceAccount, as on an uninstall."""
    return V1OwnerReference(
        api_version="v1",
        kind="ServiceAccount",
        name=service_account,
        uid=uid,
        # True would require the permission to update the ServiceAccount's finalizers.
        block_owner_deletion=False,
        controller=False,
    )


def pod_reference(name: str, uid: str) -> V1OwnerReference:
    """The garbage collector deletes an object of one lab with the lab's pod, also while the hub is down."""
    return V1OwnerReference(
        api_version="v1", kind="Pod", name=name, uid=uid, block_owner_deletion=False, controller=False
    )
