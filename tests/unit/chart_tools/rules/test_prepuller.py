"""What the prepuller's keys must say together, and with the images that it follows."""

from pathlib import Path
from typing import Any

import pytest
from jld.rules import resources
from jld.rules.images import prepuller
from jld.schema.chart import Chart
from jld.schema.validator import is_valid

SINGLE = {"python": {"reference": "quay.io/x/y:1"}}
SERIES = {"lab": {"reference": "quay.io/x/y", "tags": "semver", "newest": {"release": 1}}}
SCHEMA = Chart(Path(__file__).resolve().parents[4] / "chart").schema()


def said(rules: Any, images: Any, **keys: Any) -> dict[str, str]:
    effective = {"hub": {"lab": {"images": images}}, "prepuller": keys}
    return {".".join(map(str, path)): sentence for rule in rules for path, sentence in rule(effective)}


@pytest.mark.parametrize(
    ("images", "enabled", "broken"),
    [
        (SERIES, False, True),
        (SINGLE | SERIES, False, True),
        (SERIES, True, False),
        (SINGLE, False, False),
        ({}, False, False),
        ({"gone": None}, False, False),
        ("text", False, False),
        (SERIES, "no", False),  # the schema's matter
    ],
)
def test_a_series_needs_somebody_who_looks_for_its_tags(images: Any, enabled: Any, broken: bool) -> None:
    sentence = (
        "hub.lab.images.lab is a series, and nobody would look for its tags; remove this, or name one image by its tag "
        "in its place"
    )
    assert said(prepuller.RULES, images, enabled=enabled) == ({"prepuller.enabled": sentence} if broken else {})


def test_requests_are_within_limits() -> None:
    amounts = {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"cpu": 2, "memory": "512Mi"}}

    assert said(resources.RULES, {}, resources=amounts).keys() == {"prepuller.resources.requests.memory"}


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"purge": "remove"}, ""),
        ({"purge": "report", "enabled": True, "nodesAtOnce": 10}, ""),
        ({"purge": "never", "enabled": False}, ""),
        ({"purge": "report", "enabled": False}, "nobody looks at nodes with prepuller.enabled: false; write never"),
        ({"purge": "remove", "nodesAtOnce": 0}, "nobody looks at nodes with prepuller.nodesAtOnce: 0; write never"),
    ],
)
def test_unwanted_images_are_looked_for_where_nodes_are(keys: dict[str, object], sentence: str) -> None:
    assert said(prepuller.RULES, SINGLE, **keys) == ({"prepuller.purge": sentence} if sentence else {})


@pytest.mark.parametrize(
    ("path", "valid"),
    [
        ("", True),
        ("/run/cri-dockerd.sock", True),
        ("/var/snap/microk8s/common/run/containerd.sock", True),
        ("run/containerd.sock", False),
        ("/run/../etc/shadow", False),
        ("/run/", False),
        ("/run/a b", False),
        ("/run/a\n", False),
    ],
)
def test_a_socket_s_path_is_one(path: str, valid: bool) -> None:
    rule = SCHEMA["properties"]["prepuller"]["properties"]["runtimeSocket"]
    assert is_valid(path, rule, SCHEMA) is valid
