"""What the API server says to every example in every `nginx.mode`, and to every Service that the schema lets through.

Nothing runs: objects are applied with `--dry-run=server`, and upgrades from one kind of Service to another are those of a chart
that has nothing but the Service.
"""

import json
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.cli import app
from jlddev.clusters import providers
from jlddev.support.paths import BIN, CHECKOUT
from jlddev.support.run import output
from jlddev.tools.custom_resources import CERT_MANAGER, GATEWAY_API, PROMETHEUS_OPERATOR, custom_resources
from pytest_helm_charts.clusters import Cluster
from typer.testing import CliRunner

from tests import z2jh_files
from tests.front_door_services import MODES, TYPES, Choice, choices

from .release import Ports, Release

NAME = "jld-dry-run"
PORTS = Ports(http=31380, https=31383)
CHART = CHECKOUT / "chart"
EXAMPLES = sorted(path.stem for path in (CHECKOUT / "values").glob("*.yaml"))
HELMS = ("helm3", "helm4")
WAYS_IN: dict[str, set[str]] = {"service": set(), "ingress": {"Ingress"}, "gateway": {"HTTPRoute"}}
# A stand-in, which knows the name of the kind alone: what is in it is held to Cilium's documentation elsewhere.
STAND_INS = (("cilium.io", "v2", "CiliumNetworkPolicy", "ciliumnetworkpolicies"),)
# What the example with everything says is in the cluster. Both take nothing from pods that do not name them.
CLASSES = """
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: services}
value: 1000
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: runc}
handler: runc
"""
SECRETS = {
    "hub": {
        "secret": {
            **dict.fromkeys(("githubClientSecret", "cilogonClientSecret", "otherClientSecret"), "made-up-for-tests"),
            "dbUrl": "postgresql://hub:made-up-for-tests@db.example.org/hub",
        }
    },
    "logging": {"secret": {"brokerPassword": "made-up-for-tests"}},
}


def stand_in(group: str, version: str, kind: str, plural: str) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    versions = [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions},
    }


@pytest.fixture(scope="module")
def place(
    provider: providers.Provider, kube_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Release]:
    """A namespace on a cluster that knows every kind that the chart can have; nothing of it stays."""
    if provider.name != "native":
        pytest.skip("It brings kinds to the cluster, and takes them away: unset KUBECONFIG, where no Docker runs")
    made = Release(kube_cluster, NAME, PORTS, tmp_path_factory.mktemp(NAME))
    kinds = made.values.with_name("kinds.yaml")
    kinds.write_text(yaml.safe_dump_all(stand_in(*each) for each in STAND_INS))
    classes = made.values.with_name("classes.yaml")
    classes.write_text(CLASSES)
    published = [path for each in (GATEWAY_API, CERT_MANAGER, PROMETHEUS_OPERATOR) for path in custom_resources(each)]
    resources = [f"--filename={path}" for path in (*published, kinds)]
    made.delete()  # a test run that was killed may have left one
    made.create_namespace()
    made.kubectl("apply", "--server-side", *resources, f"--filename={classes}")
    made.kubectl("wait", "--for=condition=Established", "--timeout=60s", *resources)
    yield made
    made.delete()
    made.kubectl("delete", *resources, f"--filename={classes}")


def in_mode(site: dict[str, Any], mode: str) -> dict[str, Any]:
    """The site as its operator would write it in another mode, and without keys that exclude it."""
    nginx = site["nginx"]
    if mode == "service":
        if "nodePorts" in nginx.get("service", {}):  # what `make up` installed has those of the example
            nginx["service"]["nodePorts"] = {"http": PORTS.http, "https": PORTS.https}
        return site
    for key in ("service", "proxyProtocol"):
        nginx.pop(key, None)
    nginx |= {"mode": mode, "trustedProxies": nginx.get("trustedProxies") or ["10.0.0.0/8"]}
    if mode == "gateway":
        nginx.pop("tls")
        nginx |= {"gateway": {"name": "public", "namespace": "gateways", "sectionName": "https"}}
    return site


def written(folder: Path, example: str, mode: str) -> Path:
    """What `jld values` makes of an example."""
    site = in_mode(yaml.safe_load((CHECKOUT / "values" / f"{example}.yaml").read_text()), mode)
    (folder / "site.yaml").write_text(yaml.safe_dump(site))
    (folder / "secrets.yaml").write_text(yaml.safe_dump(SECRETS))
    words = ["values", str(folder / "site.yaml"), "--secrets", str(folder / "secrets.yaml")]
    done = CliRunner().invoke(app, [*words, "-o", str(folder / "values.yaml")])
    assert done.exit_code == 0, done.output
    return folder / "values.yaml"


def rendered(*words: str | Path, chart: Path = CHART) -> list[dict[str, Any]]:
    found = output([BIN / "helm3", "template", "jld", chart, "--namespace", NAME, *words])
    return [each for each in yaml.load_all(found, yaml.CSafeLoader) if each]


def namespace_of(made: dict[str, Any]) -> str:
    return str(made["metadata"].get("namespace", NAME))


def dry_run(place: Release, folder: Path, objects: list[dict[str, Any]], namespace: str = NAME) -> None:
    file = folder / "objects.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    words = ["apply", "--dry-run=server", "--filename", str(file), "--output=name"]
    said = place.kubectl(*words, "--namespace", namespace)
    assert len(said.splitlines()) == len(objects) > 0


@pytest.fixture(scope="module")
def taken() -> set[str]:
    """Objects that the API server has taken: examples and modes have most of them in common."""
    return set()


@pytest.fixture(scope="module")
def namespaces(place: Release) -> Iterator[set[str]]:
    """Namespaces of examples: a dry run makes none, and the API server takes nothing in one that is not there."""
    made: set[str] = set()
    yield made
    for name in made:
        place.kubectl("delete", "namespace", name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_api_server_takes_every_example_in_every_mode(
    place: Release, taken: set[str], namespaces: set[str], tmp_path: Path, example: str, mode: str
) -> None:
    objects = rendered("--values", written(tmp_path, example, mode))
    assert {each["kind"] for each in objects} & {"Ingress", "HTTPRoute"} == WAYS_IN[mode]
    for each in objects:
        if each["kind"] == "Namespace":
            place.apply(yaml.safe_dump(each))
            namespaces.add(each["metadata"]["name"])
    new = {json.dumps(each): each for each in objects}
    for text in taken & set(new):
        del new[text]
    by_namespace = groupby(sorted(new.values(), key=namespace_of), namespace_of)
    for namespace, some in by_namespace:
        dry_run(place, tmp_path, list(some), namespace)
    taken.update(new)


@pytest.mark.parametrize("name", z2jh_files.NAMES)
def test_the_api_server_takes_what_comes_of_a_file_of_zero_to_jupyterhub(
    place: Release, tmp_path: Path, name: str
) -> None:
    objects = rendered("--values", z2jh_files.values_of(name, tmp_path))
    dry_run(place, tmp_path, [each for each in objects if namespace_of(each) == NAME])


@pytest.fixture(scope="module")
def service_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart with the front door's Service as its only object."""
    chart = tmp_path_factory.mktemp("chart")
    for name in ("Chart.yaml", "values.yaml", "values.schema.json", "templates/_helpers.tpl"):
        (chart / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHART / name, chart / name)
    for part in (CHART / "charts").iterdir():
        (chart / "charts" / part.name).mkdir(parents=True)
        for name in ("Chart.yaml", "values.yaml"):
            shutil.copy(part / name, chart / "charts" / part.name)
    (chart / "charts" / "nginx" / "templates").mkdir()
    for name in ("service.yaml", "_facts.yaml"):
        shutil.copy(CHART / "charts/nginx/templates" / name, chart / "charts/nginx/templates")
    return chart


def test_the_api_server_takes_every_service_that_the_schema_lets_through(
    place: Release, service_alone: Path, tmp_path: Path
) -> None:
    right = [choice for choice in choices() if not choice.refused]
    base = {mode: written_for(tmp_path, mode) for mode in MODES}
    found = []
    for number, choice in enumerate(right):
        for families in ({}, {"ipFamilyPolicy": "PreferDualStack"}, {"ipFamilyPolicy": "SingleStack"}):
            change = tmp_path / "change.yaml"
            change.write_text(yaml.safe_dump({"nginx": {"service": choice.nginx["service"] | families}}))
            (service,) = rendered("--values", base[choice.mode], "--values", change, chart=service_alone)
            service["metadata"]["name"] = f"{service['metadata']['name']}-{number}-{len(found)}"
            found.append(service)
            if choice.fields:
                break  # families are a matter of their own
    assert len(found) > len(right) > 30
    dry_run(place, tmp_path, found)


def written_for(folder: Path, mode: str) -> Path:
    """Values in a mode, to which a Service is to be added."""
    (folder / mode).mkdir()
    return written(folder / mode, "minimal", mode)


ROUND = [
    Choice("service", "NodePort", ("externalTrafficPolicy", "nodePorts")),
    Choice("ingress", "LoadBalancer", ()),
    Choice("service", "LoadBalancer", ("loadBalancerIP", "loadBalancerSourceRanges", "externalTrafficPolicy")),
    Choice("gateway", "LoadBalancer", ()),
    Choice("service", "LoadBalancer", ("annotations", "externalTrafficPolicy", "nodePorts")),
    Choice("service", "ClusterIP", ()),
    Choice("service", "NodePort", ()),  # ports that the API server chooses
    Choice("ingress", "ClusterIP", ()),
    Choice("service", "NodePort", ("nodePorts",)),
]


@pytest.mark.parametrize("program", HELMS)
def test_a_release_goes_from_any_service_to_any_mode_and_back(
    place: Release, service_alone: Path, tmp_path: Path, program: str
) -> None:
    """By Helm's merge with what is there: node ports and the port of health checks, which the API server added, go with the type."""
    assert {choice.mode for choice in ROUND} == set(MODES)
    assert {choice.type for choice in ROUND} == set(TYPES)
    helm = Release(place.cluster, NAME, place.ports, tmp_path)
    helm.helm_program = BIN / program
    base = {mode: written_for(tmp_path, mode) for mode in MODES}
    for choice in ROUND:
        change = tmp_path / "change.yaml"
        change.write_text(yaml.safe_dump({"nginx": {"service": choice.nginx["service"]}}))
        words = ["--values", str(base[choice.mode]), "--values", str(change)]
        helm.helm("upgrade", "--install", f"round-{program}", str(service_alone), *words)
        service = yaml.safe_load(place.kubectl("get", f"service/round-{program}-nginx", "--output=yaml"))["spec"]
        ports = [port.get("nodePort") for port in service["ports"]]
        assert service["type"] == choice.kind
        assert all(ports) if choice.kind != "ClusterIP" else not any(ports)
        assert ("healthCheckNodePort" in service) is (
            choice.kind == "LoadBalancer" and "externalTrafficPolicy" in choice.fields
        )
    helm.helm("uninstall", f"round-{program}")
