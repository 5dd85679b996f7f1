"""Nodes that a nodeAffinity requires, by the rules of the scheduler."""

from typing import Any

import pytest
from jldhub.images.prepuller.affinity import is_meant
from jldhub.images.prepuller.node import Place

from .world import node

LABELS = {"pool": "labs", "generation": "3", "zone": "a"}


def required(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}


def term(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


CASES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term("pool", "In", "x")}]}, True),
    (required(), False),
    (required({}), False),
    (required(term("pool", "In", "gpu", "labs")), True),
    (required(term("pool", "In", "gpu")), False),
    (required(term("none", "In", "gpu")), False),
    (required(term("pool", "NotIn", "gpu")), True),
    (required(term("none", "NotIn", "gpu")), True),
    (required(term("pool", "NotIn", "labs")), False),
    (required(term("pool", "Exists")), True),
    (required(term("none", "Exists")), False),
    (required(term("none", "DoesNotExist")), True),
    (required(term("pool", "DoesNotExist")), False),
    (required(term("generation", "Gt", "2")), True),
    (required(term("generation", "Gt", "3")), False),
    (required(term("generation", "Lt", "10")), True),
    (required(term("generation", "Lt", "3")), False),
    (required(term("pool", "Gt", "2")), False),
    (required(term("none", "Lt", "2")), False),
    (required(term("pool", "Near", "labs")), False),
    (required(term("pool", "In", "gpu"), term("zone", "In", "a")), True),  # any of the terms
    (
        required(
            {
                "matchExpressions": [
                    *term("zone", "In", "a")["matchExpressions"],
                    *term("b", "Exists")["matchExpressions"],
                ]
            }
        ),
        False,
    ),
    (required({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}), True),
    (required({"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]}), False),
]


@pytest.mark.parametrize(("affinity", "expected"), CASES)
def test_a_node_is_meant_as_the_scheduler_would_say(affinity: dict[str, Any], expected: bool) -> None:
    assert is_meant(affinity, "n1", LABELS) is expected


def test_nothing_is_pulled_to_a_node_that_the_affinity_of_labs_excludes() -> None:
    place = Place({}, (), required(term("pool", "In", "gpu")))

    assert node("n1").why_not(place) == "it is none of those that hub.lab.pod.affinity names"
    assert node("n1").why_not(Place({}, ())) == ""
