"""The front door's Service has what its type can have, whatever the values say: Argo CD may skip the schema."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import complaints
from rendering import CHART, HELMS, KUBERNETES, Question, helm, render

from tests.front_door_services import FIELDS, MODES, TYPES, Choice

ONLY_A_LOAD_BALANCER = {"loadBalancerIP", "loadBalancerSourceRanges"}


def service(values: Path, tmp_path: Path, choice: Choice, program: str = "helm3") -> dict[str, Any]:
    change = tmp_path / "change.yaml"
    change.write_text(yaml.safe_dump({"nginx": {"mode": choice.mode, "service": choice.nginx["service"]}}))
    words = ["--values", values, "--values", change, "--show-only", "charts/nginx/templates/service.yaml"]
    done = helm(program, "template", "jld", CHART, "--skip-schema-validation", *words)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("mode", MODES)
def test_a_service_has_nothing_that_its_type_cannot_have(
    values: dict[str, Path], tmp_path: Path, mode: str, type_: str
) -> None:
    choice = Choice(mode, type_, tuple(FIELDS))
    rendered = service(values["minimal"], tmp_path, choice)
    spec = rendered["spec"]

    assert complaints([rendered], KUBERNETES[-1]) == []
    assert spec["type"] == choice.kind
    assert ONLY_A_LOAD_BALANCER & set(spec) == (ONLY_A_LOAD_BALANCER if choice.kind == "LoadBalancer" else set())
    assert ("externalTrafficPolicy" in spec) is (choice.kind != "ClusterIP")
    ports = {port["name"]: port.get("nodePort") for port in spec["ports"]}
    assert ports == (
        {"http": None, **({"https": None} if mode == "service" else {})}
        if choice.kind == "ClusterIP"
        else {"http": 30180, "https": 30543}
    )


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("gone", ["null", '{"http": null, "https": null}'])
def test_node_ports_may_be_taken_away(values: dict[str, Path], program: str, gone: str) -> None:
    rendered = render(Question(values["local"], (f"nginx.service.nodePorts={gone}",), program))

    assert [set(port) for port in rendered.one("Service", "jld-nginx")["spec"]["ports"]] == [
        {"name", "port", "targetPort"}
    ] * 2


def test_the_cluster_chooses_the_families_unless_the_site_does(values: dict[str, Path]) -> None:
    changes = ('nginx.service.ipFamilyPolicy="PreferDualStack"', 'nginx.service.ipFamilies=["IPv6", "IPv4"]')
    chosen = render(Question(values["minimal"], changes)).one("Service", "jld-nginx")

    assert complaints([chosen], KUBERNETES[-1]) == []
    assert (chosen["spec"]["ipFamilyPolicy"], chosen["spec"]["ipFamilies"]) == ("PreferDualStack", ["IPv6", "IPv4"])
    others = [each for each in render(Question(values["everything"])).of_kind("Service") if each != chosen]
    others += render(Question(values["minimal"])).of_kind("Service")
    named = {each["metadata"]["name"] for each in others if {"ipFamilyPolicy", "ipFamilies"} & set(each["spec"])}
    assert named == {"jld-nginx"}  # everything.yaml's
