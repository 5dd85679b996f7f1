"""On which nodes labs start, and which images a node has."""

from typing import Any

import pytest
from jldhub.images.prepuller.node import Place, read_node
from jldhub.images.prepuller.wanted import WantedImage
from jldhub.images.registry.reference import parse
from jldhub.settings.lab import Toleration

from .world import digest, image, images_of, node, raw_node

TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def toleration(**keys: Any) -> Toleration:
    return Toleration.model_validate({"operator": "Exists"} | keys)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"conditions": []}, "it is not ready"),
        ({"conditions": [{"type": "Ready", "status": "Unknown"}]}, "it is not ready"),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, "it is not ready"),
        ({"unschedulable": True}, "it is cordoned"),
        ({"going": True}, "it is being deleted"),
        ({"info": {"operatingSystem": "windows"}}, "it runs windows"),
        ({"taints": [TAINT]}, "it has the taint gpu:NoSchedule"),
        ({"taints": [TAINT | {"effect": "NoExecute"}]}, "it has the taint gpu:NoExecute"),
        ({"taints": [TAINT | {"effect": "PreferNoSchedule"}]}, ""),
        (
            {"taints": [{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]},
            "it has the taint node.kubernetes.io/disk-pressure:NoSchedule",
        ),
    ],
)
def test_why_no_lab_starts_on_a_node(changes: dict[str, Any], reason: str) -> None:
    assert node(**changes).why_not(Place({}, ())) == reason


@pytest.mark.parametrize(
    ("keys", "tolerated"),
    [
        ({"key": "gpu"}, True),
        ({"key": "gpu", "effect": "NoSchedule"}, True),
        ({"key": "gpu", "effect": "NoExecute"}, False),
        ({"key": "other"}, False),
        ({}, True),
        ({"effect": "NoSchedule"}, True),
        ({"effect": "NoExecute"}, False),
        ({"operator": "Equal", "key": "gpu", "value": "yes"}, True),
        ({"operator": "Equal", "key": "gpu", "value": "no"}, False),
        ({"operator": "Equal", "key": "gpu"}, False),
        ({"operator": "Equal", "value": "yes"}, False),  # Kubernetes takes none without a key
    ],
)
def test_a_toleration_lets_labs_onto_a_node_as_kubernetes_does(keys: dict[str, Any], tolerated: bool) -> None:
    assert (node(taints=[TAINT]).why_not(Place({}, (toleration(**keys),))) == "") is tolerated


def test_all_labels_of_the_selector_are_needed() -> None:
    place = Place({"pool": "labs", "zone": "a"}, ())
    assert node(labels={"pool": "labs", "zone": "a", "more": "x"}).why_not(place) == ""
    assert node(labels={"pool": "labs", "zone": "b"}).why_not(place) == "it has not the label zone=a"
    assert node().why_not(place) == "it has not the label pool=labs"


@pytest.mark.parametrize(
    ("sizes", "architecture", "reason"),
    [
        ({}, "arm64", ""),  # nobody knows
        ({"": 8}, "arm64", ""),
        ({"amd64": 8, "arm64": 8}, "arm64", ""),
        ({"amd64": 8}, "arm64", "the image is not for arm64"),
        ({"amd64": 8}, "", "the image is not for an unknown architecture"),
    ],
)
def test_an_image_is_not_pulled_to_another_architecture(sizes: dict[str, int], architecture: str, reason: str) -> None:
    assert image(1, sizes=sizes).why_not(node(info={"architecture": architecture})) == reason


def test_one_size_that_starts_there_is_enough() -> None:
    wanted = image(1, Place({"pool": "gpu"}, ()), Place({}, ()))
    assert wanted.why_not(node()) == ""
    assert image(1, Place({"pool": "gpu"}, ()), Place({"pool": "big"}, ())).why_not(node()) != ""


@pytest.mark.parametrize(
    ("reference", "images", "there"),
    [
        (f"x.org/y@{digest(1)}", images_of(f"x.org/y@{digest(1)}"), True),
        (f"x.org/y@{digest(1)}", images_of(f"x.org/z@{digest(1)}"), False),
        (f"x.org/y:1@{digest(1)}", images_of(f"x.org/y@{digest(2)}"), False),
        # Its tag has moved since.
        (f"x.org/y:1@{digest(1)}", [{"names": [f"x.org/y@{digest(2)}", "x.org/y:1"], "sizeBytes": 8}], False),
        # Imported: it has no digest at all.
        (f"x.org/y:1@{digest(1)}", images_of("x.org/y:1"), True),
        ("x.org/y:1", images_of("x.org/y:1"), True),
        ("x.org/y:1", images_of("x.org/y:2"), False),
        ("x.org/y:1", [], False),
        ("python:3.12", images_of("docker.io/library/python:3.12"), True),
    ],
)
def test_what_a_node_has(reference: str, images: list[Any], there: bool) -> None:
    wanted = WantedImage(parse(reference), "y", (Place({}, ()),))
    assert wanted.is_on(node(images=images)) is there


@pytest.mark.parametrize(
    "broken",
    [
        {"status": {}},
        {"status": {"images": None, "conditions": None, "nodeInfo": None}},
        {"spec": None},
        {"status": {"images": [{"names": None}, {"sizeBytes": None}, {}]}},
    ],
)
def test_a_node_that_tells_little_is_read_nevertheless(broken: dict[str, Any]) -> None:
    read = read_node(raw_node("n1") | broken)
    assert read.name == "n1"
    assert "status" not in broken or not read.is_ready
