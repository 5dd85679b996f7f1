"""A cluster that only exists here: its kubelets pull one image after the other, and its clock is turned by hand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from jldhub.images.prepuller.node import Node, Place, read_node
from jldhub.images.prepuller.plan import Plan, plan
from jldhub.images.prepuller.pods import LabPod, Pull, pull_pod, read_pod
from jldhub.images.prepuller.record import Record, observe
from jldhub.images.prepuller.settings import PrepullerNames
from jldhub.images.prepuller.wanted import WantedImage
from jldhub.images.registry.reference import parse
from jldhub.settings.lab import PodSettings, Toleration
from jldhub.settings.names import Names

START = datetime(2026, 5, 2, 12, tzinfo=UTC)
COMPONENT = "app.kubernetes.io/component"
OWN = PrepullerNames.model_validate(
    {
        "pod": "jld-prepull",
        "labels": {"app.kubernetes.io/instance": "jld", COMPONENT: "prepull"},
        "serviceAccount": "jld-prepuller",
        "deployment": "jld-prepuller",
    }
)
LAB_LABELS = {"app.kubernetes.io/instance": "jld", COMPONENT: "lab"}
GPU = Toleration(operator="Exists", key="gpu", effect="NoSchedule")
ANYWHERE = Place({}, ())


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def image(number: int, *places: Place, sizes: Mapping[str, int] | None = None) -> WantedImage:
    reference = parse(f"registry.example.org/lab:w_{number}@{digest(number)}")
    return WantedImage(reference, f"lab:w_{number}", places or (ANYWHERE,), sizes or {})


def lab_names(document: Mapping[str, Any]) -> Names:
    return Names.model_validate(document | {"labLabels": LAB_LABELS})


def raw_node(name: str, created: datetime = START, **changes: Any) -> dict[str, Any]:
    """A node of the API that is ready for anybody. Changes: `labels`, `taints`, `conditions`, `unschedulable`, `going`, `info`, `images`."""
    metadata: dict[str, Any] = {
        "name": name,
        "creationTimestamp": created.isoformat(),
        "labels": changes.get("labels", {}),
    }
    if changes.get("going"):
        metadata["deletionTimestamp"] = created.isoformat()
    spec: dict[str, Any] = {"taints": changes["taints"]} if "taints" in changes else {}
    if changes.get("unschedulable"):
        spec["unschedulable"] = True
    info = {"operatingSystem": "linux", "architecture": "amd64", "containerRuntimeVersion": "containerd://2.1.4"}
    return {
        "metadata": metadata,
        "spec": spec,
        "status": {
            "conditions": changes.get("conditions", [{"type": "Ready", "status": "True"}]),
            "nodeInfo": info | changes.get("info", {}),
            "images": changes.get("images", [{"names": ["registry.k8s.io/pause:3.10"], "sizeBytes": 1}]),
        },
    }


def node(name: str = "n1", **changes: Any) -> Node:
    return read_node(raw_node(name, **changes))


def images_of(*references: str) -> list[dict[str, Any]]:
    return [{"names": [reference], "sizeBytes": 8} for reference in references]


@dataclass
class Kubelet:
    """One node. `refuses` are references that it cannot pull, with what it says then."""

    name: str
    created: datetime = START
    changes: dict[str, Any] = field(default_factory=dict)
    images: dict[str, datetime] = field(
        default_factory=dict
    )  # by reference, with the time from which the node tells it
    refuses: dict[str, str] = field(default_factory=dict)
    seconds: float = 30.0  # of a pull
    told_after: float = 30.0

    def node(self, now: datetime) -> Node:
        told = [reference for reference, at in self.images.items() if at <= now]
        return read_node(
            raw_node(self.name, self.created, images=images_of("registry.k8s.io/pause:3.10", *told), **self.changes)
        )


class World:
    """`turn` lets time pass in steps, at each of which the controller looks once. The properties hold at each step."""

    def __init__(self, kubelets: Iterable[Kubelet], wanted: list[WantedImage], names: Names, at_once: int = 10) -> None:
        self.kubelets = {kubelet.name: kubelet for kubelet in kubelets}
        self.wanted, self.names, self.at_once = wanted, names, at_once
        self.now = START
        self.record = Record()
        self.pods: dict[str, dict[str, Any]] = {}
        self.created: list[tuple[datetime, str, str]] = []  # when, node, reference
        self.deleted: list[str] = []
        self.labs: list[LabPod] = []
        self._uid = 0

    def nodes(self) -> list[Node]:
        return [kubelet.node(self.now) for kubelet in self.kubelets.values()]

    def pulls(self) -> list[Pull]:
        read = [read_pod(pod, OWN, LAB_LABELS) for pod in self.pods.values()]
        return [pod.as_of(self.now) for pod in read if isinstance(pod, Pull)]

    def look(self) -> Plan:
        """What the controller does at one look."""
        nodes, pulls = self.nodes(), self.pulls()
        self.record = observe(self.record, nodes, self.wanted, pulls, self.now)
        busy = {lab.node for lab in self.labs if lab.is_starting}
        todo = plan(nodes, self.wanted, self.record, pulls, busy, self.now, self.at_once)
        for name in todo.delete:
            self.deleted.append(name)
            del self.pods[name]
        for image, node in todo.create:
            self._create(image, node, busy)
        under_way = [pull for pull in self.pulls() if not pull.is_over]
        assert len({pull.node for pull in under_way}) == len(under_way), "two pulls on a node"
        assert len(under_way) <= self.at_once
        return todo

    def turn(self, duration: timedelta, step: float = 10.0) -> None:
        end = self.now + duration
        while self.now < end:
            self.look()
            self.now += timedelta(seconds=step)
            self._pull()

    def restart(self) -> None:
        """The controller starts anew, and has lost what it remembered."""
        self.record = Record()

    def missing(self) -> set[tuple[str, str]]:
        return {
            (node.name, image.runnable)
            for node in self.nodes()
            for image in self.wanted
            if not image.why_not(node) and not image.is_on(node)
        }

    def _create(self, image: WantedImage, node: Node, busy: set[str]) -> None:
        assert not image.why_not(node), "an ineligible node"
        assert node.name not in busy, "a pull in the way of a lab"
        pod = pull_pod(image, node, self.names, OWN, "an-owner", PodSettings())
        assert pod["metadata"]["name"] not in self.pods
        self._uid += 1
        pod["metadata"] |= {"uid": str(self._uid), "creationTimestamp": self.now.isoformat()}
        self.pods[pod["metadata"]["name"]] = pod
        self.created.append((self.now, node.name, image.runnable))

    def _pull(self) -> None:
        for pod in self.pods.values():
            kubelet = self.kubelets.get(pod["spec"]["nodeName"])
            reference = pod["spec"]["containers"][0]["image"]
            since = self.now - datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
            if kubelet is None or "status" in pod or since.total_seconds() < kubelet.seconds:
                continue
            if reference in kubelet.refuses:
                waiting = {"reason": "ErrImagePull", "message": kubelet.refuses[reference]}
                pod["status"] = {"phase": "Pending", "containerStatuses": [{"state": {"waiting": waiting}}]}
            else:
                kubelet.images.setdefault(reference, self.now + timedelta(seconds=kubelet.told_after))
                pod["status"] = {"phase": "Succeeded", "containerStatuses": [{"imageID": "x", "state": {}}]}
