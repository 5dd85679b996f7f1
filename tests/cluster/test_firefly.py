"""Firefly turned on and off in a running platform. The image of IPAC is stood in for by tests/standins/firefly."""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from jlddev.clusters import providers
from jlddev.images import build
from jlddev.support.paths import CHECKOUT
from playwright.sync_api import Browser
from websocket import create_connection

from .lab import Lab, start_lab
from .person import Person, sit_down
from .release import Ports, Release

FOLDER = CHECKOUT / "tests" / "standins" / "firefly"
ROUTE = "/portal/firefly"
ON = {
    "enabled": True,
    "route": ROUTE,
    "replicas": 2,
    "volumes": ["scratch"],
    "searchPath": ["/scratch"],
    "workArea": "/scratch/firefly",
    "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
}


class Platform(Release):
    """One whose Firefly can be changed."""

    overlay: Path

    def with_firefly(self, firefly: dict[str, Any]) -> None:
        site = self.values.with_name("site.yaml")
        document = yaml.safe_load(site.read_text())
        site.write_text(yaml.safe_dump(document | {"firefly": firefly}))
        self.write_values([site, self.overlay], self.values.with_name("secrets.yaml"))
        self.install()

    @property
    def hub_pod(self) -> str:
        (pod,) = self.pods("hub")
        return str(pod.obj["metadata"]["uid"])


@pytest.fixture(scope="module")
def image(provider: providers.Provider, describe_figure: Callable[[str], None]) -> dict[str, str]:
    if provider.name == "given":
        pytest.skip(
            "the stand-in for Firefly is built here, and would have to be in the registry of KUBECONFIG's cluster"
        )
    standin = build.Image("firefly-standin", FOLDER)
    provider.load(build.build([standin]), [standin])
    describe_figure("stand-in: Firefly")
    repository, _, tag = standin.reference.rpartition(":")
    return {"repository": repository, "tag": tag}


@pytest.fixture(scope="module")
def platform(make_release: Callable[..., Release], image_overlay: Path, hub_image: str) -> Platform:
    """A platform without Firefly, with a folder where everybody may write."""
    ports = Ports(http=31082, https=31445)
    site = {
        "global": {"hostname": "firefly.test", "port": ports.https},
        "hub": {"auth": {"dummy": {"users": ["alice"]}}},
        "storage": {
            "mode": "hostPath",
            "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"},
            "volumes": {"scratch": {"mountPath": "/scratch"}},
        },
        "nginx": {
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
        },
    }
    release = make_release("jld-firefly-test", ports, site)
    release.__class__ = Platform
    assert isinstance(release, Platform)
    release.overlay = image_overlay
    release.apply(yaml.safe_dump(opener(hub_image, f"{release.name}-scratch")))
    release.kubectl("wait", "pod/opener", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    return release


def opener(image: str, claim: str) -> dict[str, Any]:
    """What an administrator does once on a server of their own: a folder that everybody may write."""
    container = {
        "name": "opener",
        "image": image,
        "command": ["chmod", "1777", "/scratch"],
        "securityContext": {"runAsUser": 0, "runAsNonRoot": False},
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    }
    volume = {"name": "scratch", "persistentVolumeClaim": {"claimName": claim}}
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "opener"}, "spec": spec}


def status_of(person: Person, path: str) -> int:
    """After the hub's redirects, which stay on the site."""
    with person.client() as client:
        answer = client.get(path)
        while answer.status_code in (301, 302):
            place = urlsplit(answer.headers["Location"])
            answer = client.get(f"{place.path}?{place.query}" if place.query else place.path)
        return answer.status_code


def until(condition: Callable[[], bool], release: Release, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, release.story()
        time.sleep(1)


@pytest.fixture(scope="module")
def alice(browser: Browser, platform: Platform) -> Iterator[Person]:
    person = sit_down(browser, platform)
    yield person
    person.page.context.close()


def told(person: Person, session: str = "one") -> dict[str, Any]:
    with person.client() as client:
        answer = client.get(f"{ROUTE}/_standin", headers={"Cookie": f"jupyterhub-session-id={session}"})
        return dict(answer.raise_for_status().json())


def test_without_it_there_is_nothing_of_it(platform: Platform, alice: Person) -> None:
    assert status_of(alice, f"{ROUTE}/") == 404
    assert [name for name in platform.inventory() if "firefly-test-firefly" in name] == []


def test_it_is_turned_on_while_people_work(platform: Platform, alice: Person, image: dict[str, str]) -> None:
    hub, doors = platform.hub_pod, {pod.obj["metadata"]["uid"] for pod in platform.pods("nginx")}
    platform.with_firefly(ON | {"image": image})
    until(lambda: status_of(alice, f"{ROUTE}/") == 200, platform)

    assert platform.hub_pod != hub, "it reads its settings once"
    assert {pod.obj["metadata"]["uid"] for pod in platform.pods("nginx")} == doors
    with alice.client() as client:
        answer = client.get(f"{ROUTE}/slate.html")
    assert answer.headers.get_list("X-Frame-Options") == ["SAMEORIGIN"]
    assert "Firefly stand-in" in answer.text


def test_it_was_started_as_its_image_wants(platform: Platform, alice: Person) -> None:
    password = base64.b64decode(platform.site["firefly"]["secret"]["adminPassword"])
    found = told(alice)

    assert found.pop("pod").startswith(f"{platform.name}-firefly-")
    assert found == {
        "uid": 91,
        "JAVA_OPTS": "-Xmx3g",
        "PATH_PREFIX": "/portal",
        "VISUALIZE_FITS_SEARCH_PATH": "/scratch",
        "workArea": "/scratch/firefly",
        "passwordDigest": hashlib.sha256(password).hexdigest(),
    }


def test_a_person_keeps_to_one_of_two_copies(platform: Platform, alice: Person) -> None:
    sessions = [f"session-{number}" for number in range(16)]
    first = {session: told(alice, session)["pod"] for session in sessions}

    assert {session: told(alice, session)["pod"] for session in reversed(sessions)} == first
    assert len(set(first.values())) == 2


def test_its_web_socket_comes_through(platform: Platform) -> None:
    site = urlsplit(platform.url)
    socket = create_connection(
        f"wss://{platform.node_address}:{site.port}{ROUTE}/sticky/firefly/events?channelID=mine",
        host=site.netloc,
        origin=platform.url,
        sslopt={"ca_certs": str(platform.ca), "server_hostname": site.hostname},
        timeout=30,
    )
    try:
        assert json.loads(socket.recv())["data"]["channel"] == "mine"
        socket.send("hello")
        assert socket.recv() == "hello"
    finally:
        socket.close()


@pytest.fixture(scope="module")
def lab(browser: Browser, platform: Platform) -> Iterator[Lab]:
    with start_lab(browser, platform, "alice") as lab:
        yield lab


def test_a_lab_knows_where_it_is(platform: Platform, lab: Lab) -> None:
    program = "import os; print({name: text for name, text in os.environ.items() if name.startswith('FIREFLY')})"

    assert eval(lab.python(program)) == {  # noqa: S307 - printed by the line above
        "FIREFLY_URL": f"{platform.url}{ROUTE}",
        "FIREFLY_ROUTE": ROUTE,
        "FIREFLY_HTML": "slate.html",
    }


def test_it_opens_what_a_lab_puts_into_the_shared_folder(platform: Platform, lab: Lab, alice: Person) -> None:
    lab.python("open('/scratch/image.fits', 'w').write('SIMPLE = T')")
    with alice.client() as client:
        found = client.post(f"{ROUTE}/_standin", data={"file": "/scratch/image.fits"})
        hidden = client.post(f"{ROUTE}/_standin", data={"file": "/etc/jld/secret/adminPassword"})

    assert found.json()["text"] == "SIMPLE = T"
    assert hidden.status_code == 403


def test_it_is_turned_off_again(platform: Platform, alice: Person) -> None:
    platform.with_firefly({"enabled": False})
    until(lambda: status_of(alice, f"{ROUTE}/") == 404, platform)
    until(lambda: platform.pods("firefly") == [], platform)

    assert status_of(alice, "/hub/login") == 200
