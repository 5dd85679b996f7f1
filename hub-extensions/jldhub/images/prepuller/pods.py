"""Pods that pull images, and what pods say of images: of those that pull, and of labs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from jldhub.images.prepuller.node import Node
from jldhub.images.prepuller.settings import PrepullerNames
from jldhub.images.prepuller.wanted import WantedImage
from jldhub.settings.lab import PodSettings
from jldhub.settings.names import ImageNames

PULLS = "jld.lsst.org/pulls"  # the annotation with the reference of the image
DEADLINE = timedelta(minutes=30)  # 8 GB at 5 MB/s
_NOBODY = 65534
# Reasons for which a container waits, as the kubelet writes them: while its image is not there yet, and because it is not to be had.
_NOT_YET = ("ContainerCreating", "PodInitializing")
_NOT_PULLED = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RegistryUnavailable",
    "SignatureValidationFailed",
    "ErrImageNeverPull",
)
_LONGEST_MESSAGE = 500
# What a registry, or the runtime for it, says of an image that another attempt does not bring.
_REFUSALS = (
    "not found",
    "manifest unknown",
    "name unknown",
    "denied",
    "unauthorized",
    "authorization failed",
    "no basic auth credentials",
    "forbidden",
    "invalid reference format",
)


class Outcome(Enum):
    """What became of a pull."""

    UNDER_WAY = auto()
    PULLED = auto()
    FAILED = auto()  # the image could not be pulled, or the node did not take the pod


@dataclass(frozen=True, slots=True)
class Pull:
    """A pod that pulls."""

    name: str
    uid: str
    node: str
    reference: str
    created: datetime
    outcome: Outcome
    message: str = ""  # why it failed
    is_going: bool = False

    def as_of(self, now: datetime) -> "Pull":
        """One that takes too long has failed. The controller keeps the time: with a deadline the pod would count into the labs' quota."""
        if self.outcome is Outcome.UNDER_WAY and now - self.created >= DEADLINE:
            return replace(
                self, outcome=Outcome.FAILED, message=f"it takes longer than {DEADLINE.seconds // 60} minutes"
            )
        return self

    @property
    def is_over(self) -> bool:
        """Whether the node is free for another one. The kubelet does not stop a pull whose pod is deleted."""
        return self.outcome is not Outcome.UNDER_WAY and not self.is_going


@dataclass(frozen=True, slots=True)
class LabPod:
    """A lab that a node has: the images of its containers, and whether they may still be pulled."""

    node: str
    images: frozenset[str]
    is_starting: bool


def pull_name(names: PrepullerNames, node: str, reference: str) -> str:
    """The same for the same pull, so that two controllers cannot pull the same image twice at once."""
    return f"{names.pod}-{hashlib.sha256(f'{node} {reference}'.encode()).hexdigest()[:16]}"


def pull_pod(
    image: WantedImage, node: Node, names: ImageNames, own: PrepullerNames, owner_uid: str, labs: PodSettings
) -> dict[str, Any]:
    """The pod that pulls the image to the node, by being one of that image. `owner_uid` is of the controller's ServiceAccount.

    It has what `labs` have: a RuntimeClass may have images of its own on a node, and a mesh reads labels and annotations.
    """
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": own.service_account, "uid": owner_uid}
    container = {
        "name": "pull",
        "image": image.runnable,
        "imagePullPolicy": "IfNotPresent",
        # An image without it is pulled all the same, before its container cannot start.
        "command": ["/bin/true"],
        "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}, "limits": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pull_name(own, node.name, image.runnable),
            "namespace": names.namespace,
            "labels": {**labs.labels, **own.labels},
            "annotations": {**labs.annotations, PULLS: image.runnable, "jld.lsst.org/image": image.title},
            "ownerReferences": [{**owner, "blockOwnerDeletion": False, "controller": False}],
        },
        "spec": {
            "nodeName": node.name,
            "containers": [container],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "imagePullSecrets": [{"name": name} for name in names.image_pull_secrets],
            "tolerations": _tolerations(image),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _NOBODY,
                "runAsGroup": _NOBODY,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **({"priorityClassName": labs.priority_class_name} if labs.priority_class_name else {}),
            **({"runtimeClassName": labs.runtime_class_name} if labs.runtime_class_name else {}),
        },
    }


def _tolerations(image: WantedImage) -> list[dict[str, Any]]:
    """Those of all labs with the image: the node was chosen for one of them, and a taint may be there since."""
    all_of_them = [each.manifest for place in image.places for each in place.tolerations]
    return [each for number, each in enumerate(all_of_them) if each not in all_of_them[:number]]


def read_pod(raw: Mapping[str, Any], own: PrepullerNames, lab_labels: Mapping[str, str]) -> Pull | LabPod | None:
    """A pod of the Kubernetes API. None for one that is on no node yet, or is of neither kind."""
    metadata, node = raw["metadata"], (raw.get("spec") or {}).get("nodeName") or ""
    labels = metadata.get("labels") or {}
    if own.labels.items() <= labels.items():
        outcome, message = _outcome(raw.get("status") or {})
        return Pull(
            name=metadata["name"],
            uid=metadata["uid"],
            node=node,
            reference=(metadata.get("annotations") or {}).get(PULLS) or "",
            created=datetime.fromisoformat(metadata["creationTimestamp"]),
            outcome=outcome,
            message=message[:_LONGEST_MESSAGE],
            is_going="deletionTimestamp" in metadata,
        )
    if node and lab_labels.items() <= labels.items():
        containers = [*raw["spec"]["containers"], *(raw["spec"].get("initContainers") or [])]
        return LabPod(node, frozenset(each["image"] for each in containers), _is_starting(raw.get("status") or {}))
    return None


def is_refusal(message: str) -> bool:
    """Whether a failed pull is the image's or the login's fault rather than that of the node or the network."""
    text = message.lower()
    return any(words in text for words in _REFUSALS)


def _outcome(status: Mapping[str, Any]) -> tuple[Outcome, str]:
    """What counts is whether the image is there: where it has no `/bin/true`, the pod itself fails after the pull."""
    containers = status.get("containerStatuses") or []
    if not containers:
        if status.get("phase") == "Failed":
            return Outcome.FAILED, status.get("message") or status.get("reason") or "the node did not take the pod"
        return Outcome.UNDER_WAY, ""
    (container,) = containers[:1]
    waiting = (container.get("state") or {}).get("waiting")
    if container.get("imageID") or waiting is None:
        return Outcome.PULLED, ""
    reason = waiting.get("reason") or ""
    if reason in _NOT_PULLED:
        message = waiting.get("message") or ""
        return Outcome.FAILED, f"{reason}: {message}" if message else reason
    return (Outcome.UNDER_WAY if reason in ("", *_NOT_YET) else Outcome.PULLED), ""


def _is_starting(status: Mapping[str, Any]) -> bool:
    if status.get("phase") not in (None, "Pending"):
        return False
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return not containers or any("waiting" in (each.get("state") or {}) for each in containers)
