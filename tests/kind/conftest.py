"""kind on a Docker Engine that these tests start, and take away again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from jlddev.clusters import cgroups, providers
from jlddev.docker.engine import ENGINE
from jlddev.docker.kind import OwnKind
from jlddev.images import build
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported
from playwright.sync_api import Browser, sync_playwright
from pytest_helm_charts.clusters import Cluster, ExistingCluster

from tests.chromium import open_chromium
from tests.cluster.release import Ports, Release

PORTS = Ports(*reversed(providers.FRONT_DOOR))  # http and https
NODE_PORTS = {"http": providers.FRONT_DOOR[PORTS.http], "https": providers.FRONT_DOOR[PORTS.https]}
IMAGES = ("hub", "nginx", "lab-science")


class ReleaseInKind(Release):
    """A release whose node ports kind maps to its engine's address."""

    @property
    def node_address(self) -> str:
        return ENGINE.address


@pytest.fixture(scope="session")
def kind(describe_level: Callable[..., None]) -> Iterator[OwnKind]:
    chosen = OwnKind()
    found_running = chosen.running()
    try:
        chosen.check([])
        debian_packages.ensure(debian_packages.BROWSER, "the tests of kind")
    except Unsupported as reason:
        pytest.skip(str(reason))
    chosen.up()  # what fails from here on is a failure
    describe_level("kind", chosen.what, chosen.network_policies)
    yield chosen
    if not found_running:
        chosen.down()
        interfaces = {path.name for path in Path("/sys/class/net").iterdir()}
        assert ENGINE.link not in interfaces, "the engine's cable is left"
        assert cgroups.present(ENGINE.name) == [], "cgroups of the engine are left"
        assert not ENGINE.folder.exists(), "what the engine wrote is left"


@pytest.fixture(scope="session")
def cluster(kind: OwnKind) -> Iterator[Cluster]:
    existing = ExistingCluster(str(kind.kubeconfig))
    existing.create()
    yield existing
    existing.destroy()


@pytest.fixture(scope="session")
def overlay(kind: OwnKind) -> Path:
    """Values that name this checkout's images, which kind's node has."""
    built = build.chart_images()
    kind.load(build.build(built), [image for image in built if image.name in IMAGES])
    return build.write_overlay(built)


@pytest.fixture(scope="package")
def browser(cluster: Cluster) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = open_chromium(playwright, {"*.test": ENGINE.address})
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def release(cluster: Cluster, overlay: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """What a person's own values/local.yaml installs, under a name for tests, with `helm install --wait` from nothing."""
    folder = tmp_path_factory.mktemp("kind")
    installed = ReleaseInKind(cluster, "jld-kind", PORTS, folder)
    installed.delete()  # a test run that was killed may have left one
    site = {
        "global": {"hostname": "kind.test", "port": PORTS.https},
        "hub": {"auth": {"dummy": {"users": ["ada"]}}},
        "storage": {"mode": "hostPath"},
        "nginx": {"service": {"type": "NodePort", "nodePorts": NODE_PORTS}, "tls": {"selfSigned": True}},
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(site))
    (folder / "secrets.yaml").write_text("{}")
    installed.create_namespace()
    installed.write_values([folder / "site.yaml", overlay], folder / "secrets.yaml")
    installed.install()
    return installed
