"""Where pods run, on a real scheduler: chosen nodes, taints, and placeholders that give way to labs."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pykube
import pytest
import yaml
from jlddev.support.paths import CHECKOUT
from playwright.sync_api import Browser
from pytest_helm_charts.clusters import Cluster

from .node_standin import TAINT, StandInNode
from .person import sit_down
from .release import Ports, Release

POOL = {"jld.test/placement": "science"}
AWAY = {"jld.test/placement": "away"}
GPU = "jld.test/gpu"
ROLE = {"example.org/role": "labs"}
OWN_TAINT = "jld.test/placement"  # of the node that only the API server knows


@pytest.fixture(scope="module")
def node(kube_cluster: Cluster) -> Iterator[pykube.Node]:
    """The node, with a label and one GPU that nobody else asks for."""
    nodes = pykube.Node.objects(kube_cluster.kube_client)
    (found,) = [each for each in nodes if "jld-test" not in each.labels]
    found.patch({"metadata": {"labels": POOL}})
    found.patch({"status": {"capacity": {GPU: "1"}, "allocatable": {GPU: "1"}}}, subresource="status")
    yield found
    found.patch({"metadata": {"labels": dict.fromkeys(POOL)}})
    found.patch({"status": {"capacity": {GPU: None}, "allocatable": {GPU: None}}}, subresource="status")


@pytest.fixture(scope="module")
def release(make_release: Callable[..., Release], node: pykube.Node) -> Release:
    ports = Ports(http=32180, https=32183)
    site = {
        "global": {
            "hostname": "placement.test",
            "port": ports.https,
            "pod": {"nodeSelector": POOL, "labels": {"cost-center": "platform"}},
        },
        "hub": {
            "auth": {"dummy": {"users": ["ada"]}},
            "lab": {
                "pod": {
                    "nodeSelector": POOL,
                    "labels": {"cost-center": "labs"},
                    "serviceAccount": {"annotations": ROLE},
                },
                "sizes": {"gpu": {"cpu": 0.5, "memory": "1Gi", "gpus": 1, "gpuResource": GPU}},
                "placeholders": {"counts": {"gpu": 1}},
            },
        },
        "nginx": {
            "pod": {"labels": {"cost-center": "edge"}},
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
        },
        "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
    }
    return make_release("jld-placement", ports, site)


def until(condition: Callable[[], object], release: Release) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, release.story()
        time.sleep(0.5)


def placeholders(release: Release) -> list[tuple[str, bool]]:
    """The phase of each, and whether it is on its way out."""
    pods = release.pods("placeholder-gpu")
    return [(each.obj["status"]["phase"], "deletionTimestamp" in each.metadata) for each in pods]


def test_each_pod_is_on_its_nodes_and_carries_its_labels(release: Release, node: pykube.Node) -> None:
    pods = release.pods()
    centers = {each.labels["app.kubernetes.io/component"]: each.labels["cost-center"] for each in pods}
    account = json.loads(release.kubectl("get", "serviceaccount", "jld-placement-lab", "--output=json"))

    assert {each.obj["spec"].get("nodeName") for each in pods} == {node.name}
    assert all(POOL.items() <= each.obj["spec"]["nodeSelector"].items() for each in pods)
    assert centers == {"hub": "platform", "nginx": "edge", "placeholder-gpu": "labs"}
    assert account["metadata"]["annotations"].items() >= ROLE.items()


def test_a_placeholder_holds_room_for_a_lab_and_gives_way_to_it(browser: Browser, release: Release) -> None:
    """There is one GPU: the lab gets it at once, and what is left of the placeholder asks for another node."""
    until(lambda: placeholders(release) == [("Running", False)], release)
    person = sit_down(browser, release)
    person.log_in_with_password("ada", release.dummy_password)
    person.start_lab("Gpu")

    (lab,) = release.pods("lab")
    assert (lab.obj["spec"]["priority"], lab.labels["cost-center"]) == (0, "labs")
    until(lambda: placeholders(release) == [("Pending", False)], release)
    person.stop_lab()
    until(lambda: placeholders(release) == [("Running", False)], release)
    person.page.context.close()


@pytest.fixture
def away(release: Release) -> Iterator[StandInNode]:
    """A node with a taint, which has no kubelet: what counts is where the scheduler puts pods."""
    made = StandInNode(release, "jld-placement-away", taints=[{"key": OWN_TAINT, "effect": "NoSchedule"}])
    release.kubectl("label", "node", made.name, *(f"{key}={value}" for key, value in AWAY.items()))
    room = json.dumps({"status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "9"}}})
    release.kubectl("patch", "node", made.name, "--subresource=status", "--type=merge", f"--patch={room}")
    yield made
    release.kubectl("delete", "pods", "--selector=jld.test=taint", "--grace-period=0", "--force")
    release.kubectl("delete", "node", made.name)


def test_a_taint_keeps_away_pods_that_do_not_tolerate_it(release: Release, away: StandInNode) -> None:
    both = [{"key": key, "operator": "Exists"} for key in (TAINT, OWN_TAINT)]
    for name, tolerations in (("tolerating", both), ("kept-away", both[:1])):
        release.apply(chart_pod(release, name, {"nodeSelector": AWAY, "tolerations": tolerations}))

    def state(name: str) -> tuple[str, str]:
        away.beat()
        pod: dict[str, Any] = json.loads(release.kubectl("get", "pod", name, "--output=json"))
        told = [each.get("message", "") for each in pod["status"].get("conditions", [])]
        return pod["spec"].get("nodeName", ""), " ".join(told)

    until(lambda: state("tolerating")[0] == away.name, release)
    until(lambda: "untolerated taint" in state("kept-away")[1], release)
    assert state("kept-away")[0] == ""


def chart_pod(release: Release, name: str, pod: dict[str, Any]) -> str:
    """A pod of the chart with this `global.pod`, under another name."""
    words = ["--values", str(release.values), "--set-json", f"global.pod={json.dumps(pod)}"]
    template = "templates/tests/pod.yaml"
    made = yaml.safe_load(release.helm("template", release.name, str(CHECKOUT / "chart"), *words, "-s", template))
    made["metadata"] = {"name": name, "labels": {"jld.test": "taint"}}
    return yaml.safe_dump(made)
