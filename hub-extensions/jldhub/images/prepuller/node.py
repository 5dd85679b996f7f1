"""What counts of a node, and why labs of a size do not start there."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from jldhub.images.prepuller.affinity import is_meant
from jldhub.settings.lab import Lab, Size, Toleration

_KEEPS_AWAY = ("NoSchedule", "NoExecute")
# Of the kubelet, unless its --node-status-max-images says otherwise, and of every kubelet: images of a node, and names of an image.
MOST_IMAGES = 50
MOST_NAMES = 5


@dataclass(frozen=True)
class Place:
    """Where labs of one size start: labels that a node has to have, taints that do not keep them away, and their nodeAffinity."""

    selector: Mapping[str, str]
    tolerations: Sequence[Toleration]
    affinity: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, lab: Lab, size: Size) -> "Place":
        return cls(
            lab.pod.node_selector | size.node_selector,
            (*lab.pod.tolerations, *size.tolerations),
            lab.pod.affinity.get("nodeAffinity") or {},
        )


@dataclass(frozen=True, slots=True)
class Taint:
    key: str
    value: str
    effect: str

    def is_tolerated(self, tolerations: Sequence[Toleration]) -> bool:
        return any(
            (each.effect in ("", self.effect))
            and (each.key == self.key or (not each.key and each.operator == "Exists"))
            and (each.operator == "Exists" or each.value == self.value)
            for each in tolerations
        )


@dataclass(frozen=True, slots=True)
class NodeImage:
    """An image that a node tells of: its names, by digest and by tag, and its size in bytes."""

    names: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Node:
    """A node, without what nobody here asks for: a cluster has thousands, and the whole of one takes 10 kB."""

    name: str
    created: datetime
    system: str
    architecture: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    is_ready: bool
    is_schedulable: bool
    is_going: bool
    runtime: str  # `containerd://2.1.4`
    images: tuple[NodeImage, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of all images."""
        return _names(self.images)

    @property
    def tells_not_all(self) -> bool:
        """Whether there may be images or names of which the node does not tell."""
        return len(self.images) >= MOST_IMAGES or any(len(image.names) >= MOST_NAMES for image in self.images)

    def why_not(self, place: Place) -> str:
        """Why no lab with this place starts here. Empty where one may."""
        if reason := self._why_nobody():
            return reason
        if missing := sorted(key for key, value in place.selector.items() if self.labels.get(key) != value):
            return f"it has not the label {missing[0]}={place.selector[missing[0]]}"
        if not is_meant(place.affinity, self.name, self.labels):
            return "it is none of those that hub.lab.pod.affinity names"
        for taint in self.taints:
            if taint.effect in _KEEPS_AWAY and not taint.is_tolerated(place.tolerations):
                return f"it has the taint {taint.key}:{taint.effect}"
        return ""

    def _why_nobody(self) -> str:
        if self.is_going:
            return "it is being deleted"
        if not self.is_ready:
            return "it is not ready"
        if not self.is_schedulable:
            return "it is cordoned"
        return "" if self.system == "linux" else f"it runs {self.system}"


# Most nodes have the same images: what is the same is kept once, which is half of the memory that a thousand nodes take.
@lru_cache(maxsize=2**13)
def _image(names: tuple[str, ...], size: int) -> NodeImage:
    return NodeImage(names, size)


@lru_cache(maxsize=2**12)
def _names(images: tuple[NodeImage, ...]) -> frozenset[str]:
    return frozenset(name for image in images for name in image.names)


@lru_cache(maxsize=2**13)
def _images(images: tuple[NodeImage, ...]) -> tuple[NodeImage, ...]:
    return images


def read_node(raw: Mapping[str, Any]) -> Node:
    """A node of the Kubernetes API. Labels and names of images are the same on many nodes, and kept once."""
    metadata, spec, status = raw["metadata"], raw.get("spec") or {}, raw.get("status") or {}
    info = status.get("nodeInfo") or {}
    conditions = {each["type"]: each["status"] for each in status.get("conditions") or []}
    taints = tuple(Taint(each["key"], each.get("value") or "", each["effect"]) for each in spec.get("taints") or [])
    images = tuple(
        _image(tuple(map(sys.intern, image.get("names") or ())), int(image.get("sizeBytes") or 0))
        for image in status.get("images") or []
    )
    return Node(
        name=metadata["name"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        system=sys.intern(info.get("operatingSystem") or "linux"),
        architecture=sys.intern(info.get("architecture") or ""),
        labels={sys.intern(key): sys.intern(value) for key, value in (metadata.get("labels") or {}).items()},
        taints=taints,
        is_ready=conditions.get("Ready") == "True",
        is_schedulable=not spec.get("unschedulable"),
        is_going="deletionTimestamp" in metadata,
        runtime=sys.intern(info.get("containerRuntimeVersion") or ""),
        images=_images(images),
    )
