"""Which image each pod runs, when it is pulled, and how much of a processor it may use."""

import json
from pathlib import Path
from typing import Any

import pytest
from jld.rules.resources import OWNERS
from jld.schema.chart import Chart
from jld.schema.validation import key_paths, key_rule
from rendering import CHART, HELMS, Question, Render, render

SCHEMA = Chart(CHART).schema()
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
IMAGES = [
    path for path in key_paths(SCHEMA) if set(key_rule(SCHEMA, path).get("properties", {})) == {"repository", "tag"}
]
# everything.yaml ships logs by the relay; logstash has images and resources of its own.
SITES = ("everything", "logstash")


def containers(rendered: Render) -> list[Any]:
    return [container for pod in rendered.pods for container in pod.own_containers]


def images(rendered: Render) -> set[str]:
    names = rendered.settings()["names"]
    return {container["image"] for container in containers(rendered)} | {names["labImage"], names["hubImage"]}


def test_every_image_of_the_chart_may_have_a_digest(values: dict[str, Path]) -> None:
    assert len(IMAGES) > 8
    changes = tuple(f"{'.'.join(path)}.tag={json.dumps(f'9.9@{DIGEST}')}" for path in IMAGES)
    for site in SITES:
        rendered = images(render(Question(values[site], changes)))
        assert rendered
        assert [image for image in rendered if not image.endswith(f":9.9@{DIGEST}")] == []


@pytest.mark.parametrize("policy", ["IfNotPresent", "Always", "Never"])
def test_every_pod_of_the_chart_pulls_as_the_site_says(values: dict[str, Path], policy: str) -> None:
    for site in SITES:
        rendered = render(Question(values[site], (f'global.imagePullPolicy="{policy}"',)))
        # Placeholders stand for labs, which start while the registry is down.
        pods = [each for each in rendered.pods if not each.component.startswith("placeholder")]
        assert {container["imagePullPolicy"] for each in pods for container in each.own_containers} == {policy}


def test_every_part_with_resources_is_known() -> None:
    found = {path[:-1] for path in key_paths(SCHEMA) if path[-1] == "resources"}
    assert found == set(OWNERS)


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("owner", OWNERS, ids=".".join)
def test_a_limit_of_cores_can_be_taken_away(values: dict[str, Path], owner: tuple[str, ...], program: str) -> None:
    site = values["logstash" if "logstash" in owner else "everything"]
    key = ".".join((*owner, "resources", "limits", "cpu"))
    without = render(Question(site, (f"{key}=null",), program))

    def limits(rendered: Render) -> list[tuple[str, str, Any]]:
        return [
            (pod.name, each["name"], each["resources"]["limits"].get("cpu", "none"))
            for pod in rendered.pods
            for each in pod.containers
        ]

    before, after = limits(render(Question(site, (f"{key}=0.75",), program))), limits(without)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed
    assert {cpu for _, _, cpu in changed} == {"none"}
    assert [cpu for _, _, cpu in after if cpu is None] == []  # which Kubernetes would read as a limit of nothing
