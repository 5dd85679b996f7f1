"""The menu of images on a real cluster: images of the site, and a series from a registry with its own CA and a login.

The site is behind an HTTP proxy, which alone knows GitHub's name, and GitHub has a certificate of a private authority.
"""

import json
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from jlddev.clusters import load, native, providers
from jlddev.images import build
from playwright.sync_api import Browser, expect
from pytest_helm_charts.clusters import Cluster

from tests.hub.processes import Program, answers
from tests.hub.registry import Registry
from tests.ports import free_port

from .conftest import TESTS
from .lab import Lab
from .person import Person, sit_down
from .registry import TOLD_IN, pull_secret, push_series
from .release import Ports, Release, node_address
from .standin import TLS_NAME, TLS_NODE_PORT, GitHub

OWN = build.Image("lab", build.FOLDERS["lab"])
CONDA, NO_JUPYTER = (build.Image(f"test-{name}", TESTS / "images" / name) for name in ("conda", "no-jupyter"))
REPOSITORY = "labs/series"
TAGS = ("r29_2_0", "w_2026_20", "w_2026_21", "d_2026_05_27")
ALIASES = {"recommended": "w_2026_21"}
LOGIN = "registry-login"
# Who the lab runs as, which image it is, what stands in an image of the series, and GitHub's status.
CELL = f"""
import os, pathlib, urllib.request
told = pathlib.Path({TOLD_IN!r})
answered = urllib.request.urlopen("https://{TLS_NAME}:{TLS_NODE_PORT}/_control").status
print(os.getuid(), os.environ["JUPYTER_IMAGE_SPEC"], told.read_text() if told.exists() else "-", answered)
"""


@dataclass(frozen=True)
class Series:
    """The images of the series, by tag."""

    repository: str
    digests: Mapping[str, str]

    def by_digest(self, tag: str) -> str:
        return f"{self.repository}@{self.digests[tag]}"


@pytest.fixture(scope="module")
def series(labs: Registry, provider: providers.Provider, tmp_path_factory: pytest.TempPathFactory) -> Series:
    """Of conda's shape. The node has what is common to them and the image of the site, and pulls the rest."""
    images = [CONDA, NO_JUPYTER]
    builder = build.build(images)
    provider.load(builder, images)
    archive = load.save(builder, CONDA, tmp_path_factory.mktemp("archive"))
    digests = push_series(labs, REPOSITORY, archive, TAGS, ALIASES)
    archive.unlink()
    return Series(f"{labs.host}/{REPOSITORY}", digests)


@pytest.fixture(scope="module")
def proxy(labs: Registry, kube_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The HTTP proxy, on this machine, where the registry is too."""
    port = free_port()
    names = f"{TLS_NAME}={node_address(kube_cluster)}"
    program = [sys.executable, str(TESTS / "standins" / "http_proxy.py"), "--address", native.HOST_ADDRESS]
    running = Program("proxy", [*program, "--port", str(port), "--name", names], {}, tmp_path_factory.mktemp("proxy"))
    url = f"http://{native.HOST_ADDRESS}:{port}"
    running.start()
    running.wait_until(lambda: answers(f"{url}/_control"))
    yield url
    running.stop()


@pytest.fixture(scope="module")
def release(
    make_release: Callable[..., Release], github: GitHub, labs: Registry, series: Series, proxy: str
) -> Release:
    ports = Ports(http=31680, https=31683)
    github.register(f"https://menu.test:{ports.https}/hub/oauth_callback")
    site = {
        "global": {
            "hostname": "menu.test",
            "port": ports.https,
            "imagePullSecrets": [LOGIN],
            "certificateAuthorities": labs.authority.read_text() + github.authority,
            "proxy": {"https": proxy, "except": [native.HOST_ADDRESS]},
        },
        "hub": {
            "auth": {"github": github.login(github.tls_url, allow=["lsst", "lsst-sqre"])},
            "lab": {
                "images": {
                    "small": {"reference": OWN.reference},
                    "conda": {"reference": CONDA.reference},
                    "series": {
                        "reference": series.repository,
                        "tags": "lsst",
                        "newest": {"release": 1, "weekly": 2, "daily": 1},
                        "recommended": "recommended",
                    },
                    "staff": {"reference": CONDA.reference, "groups": ["lsst-sqre"]},
                },
                "defaultImage": "small",
                "typedImages": {"groups": ["lsst"], "allow": ["localhost/jld/*", f"{labs.host}/*"]},
            },
        },
        # The labs pull what they need, and nobody before them.
        "prepuller": {"enabled": True, "nodesAtOnce": 0},
        "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
        "nginx": {
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
        },
    }
    secrets = {"hub": {"secret": {"githubClientSecret": github.client_secret}}}
    return make_release("jld-menu", ports, site, secrets, before=pull_secret(LOGIN, labs.host))


@pytest.fixture
def log_in(browser: Browser, release: Release) -> Iterator[Callable[[str], Person]]:
    """A function that seats a member at a browser of their own."""
    people: list[Person] = []

    def log_in(login: str) -> Person:
        people.append(sit_down(browser, release))
        people[-1].log_in_with_github(login)
        return people[-1]

    yield log_in
    for person in people:
        person.page.context.close()


def show(person: Person, selector: str) -> None:
    """Load the menu until it shows something that the controller has found out."""
    deadline = time.monotonic() + 180
    while True:
        person.open("/hub/spawn")
        if person.page.locator(selector).count():
            return
        assert time.monotonic() < deadline, (
            f"no {selector} in: {person.page.inner_text('body')}\n{logs(person.release)}"
        )
        # The kubelet gives a pod the new content of a ConfigMap after a minute, or when something of the pod changes.
        person.release.kubectl(
            *("annotate", "pods", "--selector=app.kubernetes.io/component=hub"),
            *("--overwrite", f"jld-test/looked-at={time.time_ns()}"),
        )
        person.page.wait_for_timeout(1000)


def logs(release: Release) -> str:
    return release.kubectl("logs", f"deployment/{release.name}-prepuller", "--tail=40")


def offered(person: Person) -> list[str]:
    return [str(radio.get_attribute("value")) for radio in person.page.locator("input[name=image]").all()]


def lab_pod(release: Release, name: str) -> tuple[str, str]:
    """The image that a lab runs, and the one that was chosen."""
    pod = json.loads(release.kubectl("get", "pod", Lab(release, name).pod, "--output=json"))
    (image,) = [each["image"] for each in pod["spec"]["containers"] if each["name"] == "notebook"]
    return image, pod["metadata"]["annotations"]["jld.lsst.org/image"]


def events(release: Release, pod: str) -> str:
    messages = "--output=jsonpath={range .items[*]}{.message}{'\\n'}{end}"
    return release.kubectl("get", "events", f"--field-selector=involvedObject.name={pod}", messages)


def is_pulled(release: Release, name: str, image: str) -> bool:
    """Whether the node got the image for this lab, rather than having it already."""
    told = events(release, Lab(release, name).pod)
    pulled = f'Successfully pulled image "{image}"' in told
    assert pulled != (f'Container image "{image}" already present' in told), told
    return pulled


def test_the_registry_gives_an_image_to_nobody_without_the_login(release: Release, series: Series) -> None:
    container = {"name": "main", "image": f"{series.repository}:w_2026_20"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stranger"}, "spec": {"containers": [container]}}
    release.apply(json.dumps(pod))
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    release.kubectl("wait", f"--for={reason}=ErrImagePull", "--timeout=60s", "pod/stranger")
    assert "no basic auth credentials" in events(release, "stranger")
    release.kubectl("delete", "pod", "stranger", "--now")


def test_the_menu_has_the_tags_of_the_registry(log_in: Callable[[str], Person], series: Series) -> None:
    assert series.digests["recommended"] == series.digests["w_2026_21"] != series.digests["w_2026_20"]
    ada = log_in("Ada")
    show(ada, "input[value='series:w_2026_20']")
    # What is recommended stands for the newest weekly, which is therefore not there twice.
    tags = ["recommended", "r29_2_0", "w_2026_20", "d_2026_05_27"]
    assert offered(ada) == ["small", "conda", *(f"series:{tag}" for tag in tags), "/"]
    expect(ada.page.get_by_label("Recommended (Weekly 2026_21)")).to_have_count(1)
    ada.screenshot("image-menu")


@pytest.mark.parametrize(
    ("login", "uid", "choice", "tag"),
    [
        ("Ada", 4000001, "small", ""),
        ("grace", 4000002, "conda", ""),
        ("newton", 4000013, "series:w_2026_20", "w_2026_20"),
    ],
)
def test_a_cell_runs_in_each_kind_of_image(
    log_in: Callable[[str], Person], release: Release, series: Series, login: str, uid: int, choice: str, tag: str
) -> None:
    person = log_in(login)
    show(person, f"input[value='{choice}']")
    person.ask_for_lab("Tiny", choice)
    person.wait_for_lab()
    spec = f"{series.repository}:{tag}" if tag else {"small": OWN, "conda": CONDA}[choice].reference
    assert person.run_first_cell(CELL) == f"{uid} {spec} {tag or '-'} 200"
    image = series.by_digest(tag) if tag else spec
    assert lab_pod(release, login.lower()) == (image, spec)
    assert is_pulled(release, login.lower(), image) == bool(tag)


def test_logins_and_labs_go_through_the_proxy_and_the_registry_past_it(
    log_in: Callable[[str], Person], labs: Registry, proxy: str
) -> None:
    before = httpx.get(f"{proxy}/_control").json()["asked"]
    log_in("Ada")
    asked = httpx.get(f"{proxy}/_control").json()["asked"]

    assert len(asked) > len(before)
    assert set(asked) == {f"{TLS_NAME}:{TLS_NODE_PORT}"}


def test_a_lab_reaches_the_proxy_and_nothing_beside_it(release: Release, labs: Registry, proxy: str) -> None:
    ada, address = Lab(release, "ada"), urlsplit(proxy)
    connect = "import socket; socket.create_connection(({host!r}, {port}), 5)"

    assert ada.python(connect.format(host=address.hostname, port=address.port)) == ""
    registry = urlsplit(f"//{labs.host}")
    # It answers the controller, which goes past the proxy too.
    assert "Error" in ada.failing(connect.format(host=registry.hostname, port=registry.port))


def test_a_typed_image_is_pulled_and_runs(log_in: Callable[[str], Person], release: Release, series: Series) -> None:
    typed = f"{series.repository}:r29_2_0"
    dora = log_in("dora")
    dora.ask_for_lab("Tiny", typed=typed)
    dora.wait_for_lab()
    assert dora.run_first_cell(CELL) == f"4000005 {typed} r29_2_0 200"
    assert lab_pod(release, "dora") == (typed, typed)
    assert is_pulled(release, "dora", typed)


def test_a_typed_image_without_jupyter_is_told_as_such(log_in: Callable[[str], Person]) -> None:
    mel = log_in("mel")
    mel.ask_for_lab("Tiny", typed=NO_JUPYTER.reference)
    sentence = "The lab did not start: this image cannot be a lab, because it has no jupyterhub-singleuser on its PATH"
    mel.page.get_by_text(re.compile(re.escape(sentence))).first.wait_for(timeout=60_000)


def test_an_image_of_others_is_neither_shown_nor_given(log_in: Callable[[str], Person]) -> None:
    nora = log_in("nora")  # of lsst-sqre, who may have it but types none
    nora.open("/hub/spawn")
    assert "staff" in offered(nora)
    assert "/" not in offered(nora)
    mel = log_in("mel")
    mel.open("/hub/spawn")
    assert "staff" not in offered(mel)
    mel.page.locator("input[name=image]:checked").evaluate("radio => radio.value = 'staff'")
    mel.page.get_by_role("button", name="Start").click()
    mel.page.get_by_text("The lab image 'staff' is for members of lsst-sqre.").wait_for()


def test_without_the_registry_the_menu_is_as_old_as_it_says_and_labs_start(
    log_in: Callable[[str], Person], release: Release, labs: Registry, series: Series
) -> None:
    """The node has the image already, because somebody ran it before."""
    labs.stop()
    # Its next look would be in five minutes.
    release.kubectl("rollout", "restart", f"deployment/{release.name}-prepuller")
    mel = log_in("mel")
    show(mel, ".jld-note")
    expect(mel.page.locator(".jld-note")).to_have_text(
        re.compile(r"The list of tags is of \d{4}-\d\d-\d\d \d\d:\d\d UTC: its registry has not answered since\.")
    )
    mel.screenshot("image-menu-without-registry")
    mel.ask_for_lab("Tiny", "series:w_2026_20")
    mel.wait_for_lab()
    assert mel.run_first_cell(CELL) == f"4000011 {series.repository}:w_2026_20 w_2026_20 200"
    image = series.by_digest("w_2026_20")
    assert lab_pod(release, "mel")[0] == image
    assert not is_pulled(release, "mel", image)
