"""The controller as its own process: from the CNCF's distribution, with a login and an authority of its own, into a ConfigMap."""

import base64
import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jlddev.clusters import programs
from jlddev.support.errors import Unsupported
from jldhub.images.catalogue import FILE, Catalogue, ImageState
from jldhub.images.tags.grammar import grammar
from jldhub.images.tags.series import Series

from tests.ports import free_port

from .deployment import EXTENSIONS, of_prepuller, settings
from .front_door import certificate_for
from .kubernetes import Kubernetes
from .processes import Program
from .registry import HTPASSWD, PASSWORD, USER, Registry, write_tags

AMD, ARM = {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"}
DAILIES = [
    f"d_{year}_{month:02}_{day:02}" for year in range(2000, 2030) for month in range(1, 13) for day in range(1, 29)
][:9_996]
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "jld-catalogue"}}
PULLS_NOTHING = {
    "nodesAtOnce": 0,
    "names": {"pod": "p", "labels": {"component": "prepull"}, "serviceAccount": "s", "deployment": "d"},
}
RUN = """
import asyncio, sys
from pathlib import Path
from jldhub.images.controller.__main__ import configure_log, run
configure_log()
asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
"""


class Controller:
    """The process, what the chart mounts for it, and the cluster whose ConfigMap it writes."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder, self.registry = folder, registry
        self.kubernetes = Kubernetes(folder / "kubernetes")
        self.port = free_port()
        (folder / "registries" / "logins").mkdir(parents=True)
        (folder / "registries" / "ca.crt").write_bytes(registry.authority.read_bytes())
        login = {"auths": {registry.host: {"username": USER, "password": PASSWORD}}}
        (folder / "registries" / "logins" / "pull.json").write_text(json.dumps(login))
        command = [sys.executable, "-c", RUN, str(folder / "registries"), str(self.port), "0.5"]
        environment = {
            "PYTHONPATH": str(EXTENSIONS),
            "JLD_SETTINGS": str(folder / "settings.yaml"),
            "JLD_KUBERNETES_API": self.kubernetes.url,
        }
        self.program = Program("controller", command, environment, folder)

    def write_images(self, **images: dict[str, Any]) -> None:
        document = settings({"dummy": {"users": ["ada"]}}, 8081, ["jld-nginx-api:8001"], self.folder)
        document["hub"]["lab"] |= {"images": images, "defaultImage": min(images)}
        document["names"]["catalogue"] = "jld-catalogue"
        draft = self.folder / "settings.draft"
        draft.write_text(yaml.safe_dump(of_prepuller(document)))
        draft.replace(self.folder / "settings.yaml")  # whole, as the kubelet does it
        (self.folder / "prepuller.yaml").write_text(yaml.safe_dump(PULLS_NOTHING))

    def start(self) -> None:
        self.kubernetes.start()
        httpx.post(f"{self.kubernetes.url}/api/v1/namespaces/jld/configmaps", json=CONFIG_MAP).raise_for_status()
        self.program.start()

    def stop(self) -> None:
        self.program.stop()
        self.kubernetes.stop()

    def written(self) -> dict[str, ImageState]:
        (found,) = self.kubernetes.objects("configmaps")
        packed = (found.get("binaryData") or {}).get(FILE)
        return Catalogue.unpack(base64.b64decode(packed)).images if packed else {}

    def until(self, comes: Callable[[dict[str, ImageState]], bool]) -> dict[str, ImageState]:
        self.program.wait_until(lambda: comes(self.written()))
        return self.written()

    def answer(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[..., None]) -> Iterator[Registry]:
    """With 10,000 tags of `lab`, for whoever logs in."""
    try:
        programs.build_registry()
    except Unsupported as reason:
        pytest.skip(str(reason))
    describe_level(
        "hub", "the CNCF's distribution as a registry; a stand-in for the API, to which the controller writes"
    )
    folder = tmp_path_factory.mktemp("registry")
    certificate, storage = certificate_for("localhost", tmp_path_factory.mktemp("certificate")), folder / "storage"
    filled = Registry(folder / "open", storage, certificate)
    filled.start()
    newest = filled.push("lab", "w_2026_21", [AMD, ARM])
    older = filled.push("lab", "w_2026_11", [ARM])
    filled.push("single", "1.0.0", [])
    write_tags(storage, "lab", filled.push("lab", DAILIES[0], [AMD]), DAILIES)
    write_tags(storage, "lab", older, ["recommended"])
    write_tags(storage, "lab", newest, ["latest"])
    filled.stop()
    (folder / "htpasswd").write_text(HTPASSWD)
    registry = Registry(
        folder / "closed", storage, certificate, {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}}
    )
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture
def controller(registry: Registry, tmp_path: Path) -> Iterator[Controller]:
    controller = Controller(tmp_path, registry)
    controller.write_images(
        lsst={
            "reference": f"{registry.host}/lab",
            "tags": "lsst",
            "newest": {"weekly": 1, "daily": 2},
            "pins": [DAILIES[0]],
            "recommended": "recommended",
        },
        single={"reference": f"{registry.host}/single:1.0.0"},
    )
    controller.start()
    yield controller
    controller.stop()


def test_ten_thousand_tags_and_the_digests_of_those_that_people_see_first(controller: Controller) -> None:
    written = controller.until(lambda images: bool(images))

    lsst = written["lsst"]
    assert (len(lsst.tags), lsst.trouble) == (10_000, "")
    series = Series.read(lsst.tags, grammar("lsst"), "recommended", lsst.digests)
    first = series.first({"weekly": 1, "daily": 2}, [DAILIES[0]])
    assert {tag.name for tag in first} <= set(lsst.digests)
    labels = {tag.name: tag.label for tag in series.tags if tag.tag_class == "alias"}
    # The recommended one is older than what is shown first.
    assert labels == {"recommended": "Recommended (Weekly 2026_11)", "latest": "Latest (Weekly 2026_21)"}
    assert written["single"].digests.keys() == {"1.0.0"}
    metrics = controller.answer("metrics")
    assert controller.answer("health") == "ok\n"
    assert 'jld_registry_age_seconds{image="lsst"}' in metrics
    assert "jld_catalogue_bytes " in metrics


def test_a_registry_that_stops_keeps_its_last_answer(controller: Controller, registry: Registry) -> None:
    before = controller.until(lambda images: bool(images))
    registry.stop()
    try:
        during = controller.until(lambda images: all(state.trouble for state in images.values()))
        assert controller.answer("health") == "ok\n"
    finally:
        registry.start()

    assert during["lsst"].tags == before["lsst"].tags
    assert during["lsst"].digests == before["lsst"].digests
    assert during["lsst"].trouble.startswith(f"{registry.host}/lab: localhost")
    assert 'jld_registry_checks_total{result="failed"}' in controller.answer("metrics")
    after = controller.until(lambda images: not any(state.trouble for state in images.values()))
    assert after["lsst"].checked > during["lsst"].checked >= before["lsst"].checked  # type: ignore[operator]


def test_new_settings_need_no_new_start(controller: Controller, registry: Registry) -> None:
    controller.until(lambda images: images.keys() == {"lsst", "single"})
    controller.write_images(single={"reference": f"{registry.host}/single:1.0.0"}, gone={"reference": "no.invalid/x:1"})
    written = controller.until(lambda images: images.keys() == {"gone", "single"} and bool(images["gone"].trouble))

    assert "the name no.invalid is not known" in written["gone"].trouble
    assert written["single"].trouble == ""


def test_a_login_that_is_withdrawn_and_comes_back(controller: Controller, registry: Registry) -> None:
    """The kubelet replaces the files of a Secret under a running pod."""
    controller.until(lambda images: bool(images))
    login = controller.folder / "registries" / "logins" / "pull.json"
    document = login.read_text()
    login.write_text("{")
    controller.until(lambda images: "wants a login" in images["lsst"].trouble)
    login.write_text(document)
    controller.until(lambda images: not images["lsst"].trouble)

    assert "the pull Secret pull: it is no .dockerconfigjson" in controller.program.log()


def test_the_api_is_away_for_a_while(controller: Controller) -> None:
    controller.until(lambda images: bool(images))
    controller.kubernetes.order(outage=3)
    controller.program.wait_until(lambda: "the Kubernetes API does not answer" in controller.program.log())
    # As `helm upgrade --force` leaves it.
    address = f"{controller.kubernetes.url}/api/v1/namespaces/jld/configmaps/jld-catalogue"
    controller.program.wait_until(lambda: _is_there(address))
    httpx.put(address, json=CONFIG_MAP | {"binaryData": None}).raise_for_status()

    assert controller.until(lambda images: bool(images)).keys() == {"lsst", "single"}
    assert controller.answer("health") == "ok\n"


def test_it_ends_when_kubernetes_says_so(controller: Controller) -> None:
    controller.until(lambda images: bool(images))
    process = controller.program.process
    assert process is not None
    process.terminate()

    assert process.wait(30) == 0
    log = controller.program.log()
    assert {json.loads(line)["level"] for line in log.splitlines()} == {"INFO"}
    assert PASSWORD not in log


def _is_there(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False
