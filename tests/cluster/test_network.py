"""Who reaches whom, each connection tried for real from inside of the pods, on a network that enforces NetworkPolicies."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from jlddev.clusters import native, providers
from jlddev.support.paths import CHECKOUT
from playwright.sync_api import Browser

from tests.hub.processes import Program

from .lab import PYTHON, Lab
from .person import sit_down
from .places import CLOSED, DATABASE, OPEN, Place, stranger
from .release import Release

METADATA = "169.254.169.254"  # where clouds hand out a node's credentials
INTERNET = "203.0.113.7"  # of a range for documentation: nobody's private network
STRANGERS = ("stranger", "database")  # pods of the same namespace that no policy names
SCRAPER = "scraper"  # one that `metrics.scrapers` of hub and nginx name

# Whatever is closed to somebody is open to somebody else: that nothing listens proves nothing.
WAYS = {
    "lab": {
        "hub": OPEN,
        "front door": OPEN,
        "internet": OPEN,
        "dns": OPEN,
        "another lab": CLOSED,
        "routes": CLOSED,
        "database": CLOSED,
        "kubernetes": CLOSED,
        "kubelet": CLOSED,
        "metadata": CLOSED,
    },
    "hub": {
        "another lab": OPEN,
        "routes": OPEN,
        "kubernetes": OPEN,
        "internet": OPEN,
        "dns": OPEN,
        "database": CLOSED,
        "kubelet": CLOSED,
        "metadata": CLOSED,
    },
    "front door": {
        "hub": OPEN,
        "another lab": OPEN,
        "dns": OPEN,
        "internet": CLOSED,
        "database": CLOSED,
        "kubernetes": CLOSED,
        "kubelet": CLOSED,
        "metadata": CLOSED,
    },
    "stranger": {
        "front door": OPEN,
        "internet": OPEN,
        "database": OPEN,
        "kubernetes": OPEN,
        "kubelet": OPEN,
        "metadata": OPEN,
        "hub": CLOSED,
        "another lab": CLOSED,
        "routes": CLOSED,
        "metrics": CLOSED,
    },
    "scraper": {
        "hub": OPEN,
        "metrics": OPEN,
        "another lab": CLOSED,
        "routes": CLOSED,
    },
}


@pytest.fixture(scope="module")
def outside(provider: providers.Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two web servers at the node, in place of a cloud's metadata server and of the internet."""
    if provider.name != "native":
        pytest.skip(
            "The servers outside are started in the native node's network: unset KUBECONFIG, where no Docker runs"
        )
    enter = ["nsenter", "--target", str(native.node_pid()), "--net", "--"]
    folder = tmp_path_factory.mktemp("outside")
    words = [*enter, sys.executable, "-m", "http.server", "--directory", str(folder), "80", "--bind"]
    servers = [Program(f"server-{address}", [*words, address], {}, folder) for address in (METADATA, INTERNET)]
    for address in (METADATA, INTERNET):
        subprocess.run([*enter, "ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
    for server in servers:
        server.start()
    yield
    for server in servers:
        server.stop()
    for address in (METADATA, INTERNET):
        subprocess.run([*enter, "ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)


@pytest.fixture(scope="module")
def labs(browser: Browser, release: Release, outside: None) -> Iterator[tuple[Lab, Lab]]:
    people = [sit_down(browser, release) for _ in range(2)]
    for person, login in zip(people, ("Ada", "grace"), strict=True):
        person.log_in_with_github(login)
        person.start_lab("Tiny")
    yield Lab(release, "ada"), Lab(release, "grace")
    for person in people:
        person.stop_lab()
        person.page.context.close()


@pytest.fixture(scope="module")
def places(release: Release, labs: tuple[Lab, Lab], hub_image: str) -> Iterator[dict[str, Place]]:
    names = (*STRANGERS, SCRAPER)
    for name in names:
        release.apply(json.dumps(stranger(name, hub_image)))
    release.kubectl("wait", "--for=condition=Ready", *(f"pod/{name}" for name in names), "--timeout=60s")
    yield {
        "lab": Place(release, labs[0].pod, "notebook", PYTHON),
        "hub": Place(release, release.pods("hub")[0].name, "hub", "python"),
        "front door": Place(release, release.pods("nginx")[0].name, "nginx"),
        "stranger": Place(release, "stranger", "server", "python"),
        "scraper": Place(release, SCRAPER, "server", "python"),
    }
    release.kubectl("delete", "pod", *names)


@pytest.fixture(scope="module")
def targets(release: Release, places: dict[str, Place], labs: tuple[Lab, Lab]) -> dict[str, tuple[str, int]]:
    def address(pod: str) -> str:
        return release.kubectl("get", "pod", pod, "--output=jsonpath={.status.podIP}")

    front_door = address(places["front door"].pod)
    kubernetes = release.kubectl(
        "get", "service", "kubernetes", "--namespace=default", "--output=jsonpath={.spec.clusterIP}"
    )
    return {
        "hub": (address(places["hub"].pod), 8081),
        "another lab": (address(labs[1].pod), 8888),
        "front door": (front_door, 8443),
        "routes": (front_door, 8001),
        "metrics": (front_door, 9113),
        "database": (address("database"), DATABASE),
        "kubernetes": (kubernetes, 443),
        "kubelet": (release.node_address, 10250),
        "dns": (release.node_address, 53),
        "metadata": (METADATA, 80),
        "internet": (INTERNET, 80),
    }


@pytest.mark.parametrize(
    ("place", "target", "way"),
    [(place, target, way) for place, ways in WAYS.items() for target, way in ways.items()],
    ids=[f"{place} to {target} is {way}" for place, ways in WAYS.items() for target, way in ways.items()],
)
def test_only_what_a_policy_names_is_open(
    places: dict[str, Place], targets: dict[str, tuple[str, int]], place: str, target: str, way: str
) -> None:
    assert places[place].settles(targets[target], way) == way


def test_whatever_is_closed_to_somebody_is_open_to_somebody_else() -> None:
    open_to = {target for ways in WAYS.values() for target, way in ways.items() if way == OPEN}

    assert {target for ways in WAYS.values() for target, way in ways.items() if way == CLOSED} <= open_to


def read(release: Release, url: str, token: str = "") -> str:
    """What the scraper is told: the status, and the page."""
    headers = {"Authorization": f"token {token}"} if token else {}
    program = (
        "import urllib.request as r, urllib.error as e\n"
        f"try: a = r.urlopen(r.Request({url!r}, headers={headers!r}), timeout=10)\n"
        "except e.HTTPError as refused: a = refused\n"
        "print(a.status, a.read().decode())"
    )
    return release.kubectl("exec", SCRAPER, "--", "python", "-c", program)


def test_what_monitors_ask_for_answers_the_scraper_with_the_token(
    release: Release, places: dict[str, Place], targets: dict[str, tuple[str, int]]
) -> None:
    hub = f"http://{release.name}-hub:8081/hub/metrics"
    token = base64.b64decode(release.site["hub"]["secret"]["metricsToken"]).decode()

    told = read(release, hub, token)
    assert told.startswith("200 ")
    assert "jld_starts_waiting" in told
    assert read(release, hub).startswith("403 ")
    assert "jld_front_door_routes" in read(release, f"http://{targets['metrics'][0]}:{targets['metrics'][1]}/metrics")


@pytest.fixture(scope="module")
def visitor(release: Release, hub_image: str) -> Iterator[Place]:
    """A pod of another namespace, that no policy selects."""
    namespace = f"{release.name}-visitors"
    release.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))
    release.apply(json.dumps(stranger("visitor", hub_image)), namespace)
    release.kubectl("wait", "--for=condition=Ready", "pod/visitor", f"--namespace={namespace}", "--timeout=60s")
    yield Place(release, "visitor", "server", "python", namespace)
    release.kubectl("delete", "namespace", namespace, "--wait=false")


def test_a_site_opens_a_policy_and_denies_labs_a_network_by_value(
    release: Release, places: dict[str, Place], targets: dict[str, tuple[str, int]], visitor: Place, tmp_path: Path
) -> None:
    def ways(to_hub: str, to_internet: str) -> tuple[str, str, str, str]:
        return (
            visitor.settles(targets["hub"], to_hub),
            visitor.tries(*targets["routes"]),
            places["lab"].settles(targets["internet"], to_internet),
            places["lab"].tries(*targets["hub"]),
        )

    selector = {"matchLabels": {"kubernetes.io/metadata.name": visitor.namespace}}
    lets_in = [{"from": [{"namespaceSelector": selector}], "ports": [{"port": targets["hub"][1]}]}]
    deny = [str(ip_network(f"{INTERNET}/24", strict=False))]
    further = tmp_path / "further.yaml"
    further.write_text(json.dumps({"hub": {"network": {"ingress": lets_in}, "lab": {"network": {"deny": deny}}}}))
    words = [str(CHECKOUT / "chart"), "--values", str(release.values), "--values", str(further)]

    assert ways(CLOSED, OPEN) == (CLOSED, CLOSED, OPEN, OPEN)
    release.helm("upgrade", release.name, *words, "--wait", "--timeout=5m")
    changed = ways(OPEN, CLOSED)
    release.install()  # and back again

    assert changed == (OPEN, CLOSED, CLOSED, OPEN)
    assert ways(CLOSED, OPEN) == (CLOSED, CLOSED, OPEN, OPEN)


def test_policies_that_are_switched_off_select_nobody_and_come_back(
    release: Release, places: dict[str, Place], targets: dict[str, tuple[str, int]], visitor: Place
) -> None:
    """`jld-closed` too, which Helm keeps, and which alone would close everything."""

    def ways(way: str) -> tuple[str, str, str]:
        return (
            visitor.settles(targets["hub"], way),
            places["lab"].settles(targets["database"], way),
            places["hub"].settles(targets["another lab"], OPEN),
        )

    words = [str(CHECKOUT / "chart"), "--values", str(release.values), "--set", "global.network.enabled=false"]
    release.helm("upgrade", release.name, *words, "--wait", "--timeout=5m")
    off = ways(OPEN)
    release.install()  # and back again

    assert off == (OPEN, OPEN, OPEN)
    assert ways(CLOSED) == (CLOSED, CLOSED, OPEN)
