"""The pieces of a lab pod, as data: what it may do, what it mounts, how large it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes_asyncio.client import V1OwnerReference

from jldhub.identity import Identity
from jldhub.labs import init_home
from jldhub.labs.secret import FILES
from jldhub.settings.lab import Quota
from jldhub.settings.names import Volume

ACCOUNT_FILES = ("passwd", "group", "gitconfig", "motd")  # below /etc
LAB_FILES = "files"  # the volume of the lab's own Secret
HOME = "home"  # the volume of the home directories
RUN = "/run/lab"  # sockets, and the keys of kernels' connections: in memory, and on no disk
CACHES = "/tmp/cache"  # noqa: S108 - the lab's own; on a file server's home caches are slow and fill it
_HOMES = "/homes"
_HUB_PYTHON = "/opt/jupyterhub/bin/python"
_LAST_DAY = 2**31 - 1  # seconds, the most that Kubernetes takes: 68 years

_INIT_RESOURCES = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}

POD_SECURITY: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}

LAB_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}

# The one exception to Pod Security "restricted": only root can give a new directory to somebody else.
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
    """`tmp_size` in bytes. A lab that writes more to its `/tmp` is ended by Kubernetes, and the node's disk is safe."""
    return [
        *(claim_volume(name, volume.claim) for name, volume in volumes.items()),
        {"name": "tmp", "emptyDir": {"sizeLimit": str(tmp_size)}},
        {"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
    ]


def claim_volume(name: str, claim: str) -> dict[str, Any]:
    return {"name": f"volume-{name}", "persistentVolumeClaim": {"claimName": claim}}


def lab_mounts(volumes: Mapping[str, Volume]) -> list[dict[str, Any]]:
    """What is the same in every lab: everything but the home directory."""
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


def files_volume(secret: str) -> dict[str, Any]:
    """Readable for everybody in the pod, whose only user is the person; without an fsGroup the files are root's."""
    return {"name": LAB_FILES, "secret": {"secretName": secret, "defaultMode": 0o444}}


def files_mounts() -> list[dict[str, Any]]:
    accounts = [
        {"name": LAB_FILES, "mountPath": f"/etc/{file}", "subPath": file, "readOnly": True} for file in ACCOUNT_FILES
    ]
    return [{"name": LAB_FILES, "mountPath": FILES, "readOnly": True}, *accounts]


def lab_disk(tmp_size: int) -> tuple[dict[str, str], dict[str, str]]:
    """What a lab asks for and may use of the node's disk: `/tmp`, and what it prints."""
    return {"ephemeral-storage": "64Mi"}, {"ephemeral-storage": str(tmp_size + 2**28)}


def lab_pod_fields(quota: Quota) -> dict[str, Any]:
    """A deadline that nobody lives to see is how a ResourceQuota tells labs from the platform's own pods."""
    return {"enableServiceLinks": False} | ({"activeDeadlineSeconds": _LAST_DAY} if quota.is_set else {})


def home_path(volumes: Mapping[str, Volume], username: str) -> str:
    return f"{volumes[HOME].mount_path}/{username}"


def home_mount(path: str, home_name: str) -> dict[str, Any]:
    return {"name": f"volume-{HOME}", "mountPath": path, "subPath": home_name}


def home_init_container(image: str, home_name: str, identity: Identity) -> dict[str, Any]:
    """The init container that makes the home directory. It carries its program, for a lab pod mounts no ConfigMap."""
    source = Path(init_home.__file__).read_text(encoding="utf-8")
    return {
        "name": "home",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [_HUB_PYTHON, "-c", source, _HOMES, home_name, str(identity.uid), str(identity.gid)],
        "volumeMounts": [{"name": f"volume-{HOME}", "mountPath": _HOMES}],
        "securityContext": _HOME_INIT_SECURITY,
        # A refusal's sentence then stands in the pod's status.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": _INIT_RESOURCES,
    }


def owner_reference(service_account: str, uid: str) -> V1OwnerReference:
    """With this the garbage collector removes labs when the chart's ServiceAccount goes."""
    return V1OwnerReference(
        api_version="v1",
        kind="ServiceAccount",
        name=service_account,
        uid=uid,
        # Blocking would need the right to change the ServiceAccount's finalizers.
        block_owner_deletion=False,
        controller=False,
    )


def pod_reference(name: str, uid: str) -> V1OwnerReference:
    """With this the garbage collector removes what belongs to one lab when its pod goes, however it goes."""
    return V1OwnerReference(
        api_version="v1", kind="Pod", name=name, uid=uid, block_owner_deletion=False, controller=False
    )
