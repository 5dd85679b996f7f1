"""JLD in kind: installed, logged in to, a lab with a cell, its NetworkPolicies, upgraded under the lab, and uninstalled."""

import json
from collections.abc import Iterator

import pytest
from jlddev.images import build
from jlddev.support.paths import CHECKOUT
from playwright.sync_api import Browser

from tests.cluster.lab import PYTHON, Lab
from tests.cluster.person import Person, sit_down
from tests.cluster.places import CLOSED, DATABASE, OPEN, Place, stranger
from tests.cluster.release import Release

LAB = "/user/ada/"
WAYS = {
    "lab": {"hub": OPEN, "front door": OPEN, "database": CLOSED, "kubernetes": CLOSED},
    "hub": {"lab": OPEN, "kubernetes": OPEN, "database": CLOSED},
    "stranger": {"front door": OPEN, "database": OPEN, "kubernetes": OPEN, "hub": CLOSED, "lab": CLOSED},
}


@pytest.fixture(scope="module")
def ada(browser: Browser, release: Release) -> Iterator[Person]:
    person = sit_down(browser, release)
    person.log_in_with_password("ada", release.dummy_password)
    person.start_lab("Tiny")
    yield person
    person.page.context.close()


@pytest.fixture(scope="module")
def places(release: Release, ada: Person) -> dict[str, Place]:
    (hub_image,) = (image.reference for image in build.chart_images() if image.name == "hub")
    for name in ("stranger", "database"):
        release.apply(json.dumps(stranger(name, hub_image)))
    release.kubectl("wait", "--for=condition=Ready", "pod/stranger", "pod/database", "--timeout=60s")
    return {
        "lab": Place(release, Lab(release, "ada").pod, "notebook", PYTHON),
        "hub": Place(release, release.pods("hub")[0].name, "hub", "python"),
        "stranger": Place(release, "stranger", "server", "python"),
    }


@pytest.fixture(scope="module")
def targets(release: Release, places: dict[str, Place]) -> dict[str, tuple[str, int]]:
    def address(pod: str) -> str:
        return release.kubectl("get", "pod", pod, "--output=jsonpath={.status.podIP}")

    api = release.kubectl("get", "service", "kubernetes", "--namespace=default", "--output=jsonpath={.spec.clusterIP}")
    return {
        "hub": (address(places["hub"].pod), 8081),
        "lab": (address(places["lab"].pod), 8888),
        "front door": (address(release.pods("nginx")[0].name), 8443),
        "database": (address("database"), DATABASE),
        "kubernetes": (api, 443),
    }


def test_a_person_logs_in_and_a_cell_runs_under_their_own_uid(release: Release, ada: Person) -> None:
    assert (
        ada.run_first_cell("import os; print(6 * 7, os.getuid())")
        == f"42 {Lab(release, 'ada').python('import os; print(os.getuid())')}"
    )
    assert Lab(release, "ada").python("import os; print(os.getuid() >= 1000)") == "True"


@pytest.mark.parametrize(
    ("place", "target", "way"), [(place, *each) for place, ways in WAYS.items() for each in ways.items()]
)
def test_only_what_a_policy_names_is_open(
    places: dict[str, Place], targets: dict[str, tuple[str, int]], place: str, target: str, way: str
) -> None:
    assert places[place].settles(targets[target], way) == way


def test_an_upgrade_leaves_the_lab_and_its_kernel_alone(release: Release, ada: Person) -> None:
    lab, hub = Lab(release, "ada"), release.pods("hub")[0].name
    before, kernel = lab.uid, ada.start_kernel(LAB)
    assert ada.run_in_kernel(LAB, kernel, "night = 42") == ""

    words = [str(CHECKOUT / "chart"), "--values", str(release.values), "--set", "hub.resources.requests.cpu=6m"]
    release.helm("upgrade", release.name, *words, "--wait", "--timeout=5m")

    assert hub not in [pod.name for pod in release.pods("hub") if "deletionTimestamp" not in pod.obj["metadata"]]
    assert lab.uid == before
    assert ada.run_in_kernel(LAB, kernel, "print(night)") == "42"
    assert ada.get("/hub/home").status_code == 200


def test_uninstall_takes_the_labs_along_and_leaves_the_data(release: Release, ada: Person) -> None:
    release.kubectl("delete", "pod", "stranger", "database", "--ignore-not-found")
    release.uninstall()
    release.kubectl("wait", "--for=delete", "pod", "--all", "--timeout=120s")

    assert release.inventory() == [
        "configmap/kube-root-ca.crt",
        "networkpolicy.networking.k8s.io/jld-kind-closed",
        "persistentvolumeclaim/jld-kind-home",
        "persistentvolumeclaim/jld-kind-hub-db",
        "serviceaccount/default",
    ]
