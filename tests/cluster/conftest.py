"""A real Kubernetes for these tests: the one that runs, or one that is started for them and taken away after them."""

import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml
from jlddev.clusters import load, native, programs, providers
from jlddev.images import build
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported
from playwright.sync_api import Browser, sync_playwright
from pytest_helm_charts.clusters import Cluster, ExistingCluster

from tests.chromium import open_chromium
from tests.hub.registry import Registry

from . import trial
from .footprint import footprint, node_processes
from .registry import registry
from .release import MOST_MILLICORES, Ports, Release, node_address
from .standin import GitHub
from .users import Users, shared_folder

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def users(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Users:
    is_worker = hasattr(request.config, "workerinput")
    return Users(shared_folder(tmp_path_factory.getbasetemp(), is_worker) / "cluster-users.json")


@pytest.fixture(scope="session")
def provider(users: Users, describe_level: Callable[..., None]) -> Iterator[providers.Provider]:
    chosen = providers.choose()
    with users.first() as noted:
        if noted is not None:
            noted["found running"] = chosen.running()
            # A killed cluster's remains may be among them; they go too.
            noted["before"] = sorted(footprint() | node_processes())
        try:
            chosen.check([])
            debian_packages.ensure(debian_packages.BROWSER, "the cluster tests")
        except Unsupported as reason:
            pytest.skip(str(reason))
        kubeconfig = chosen.up()  # what fails from here on is a failure
        if noted is not None:
            noted["trial"] = trial.pods(kubeconfig)
            if chosen.name == "native":
                # Of registries of earlier runs: a node that has fifty images does not tell of all.
                load.remove_from_native(f"{native.HOST_ADDRESS}:")
    describe_level("cluster", *described(chosen))
    yield chosen
    with users.last() as noted:
        if noted is None:
            return
        if noted["found running"]:
            assert (lost := trial.lost(noted["trial"], trial.pods(kubeconfig))) == [], f"the trial lost: {lost}"
            return
        chosen.down()
        left = (footprint() | node_processes()) - set(noted["before"])
        assert not left, f"the cluster left something on this machine: {sorted(left)}"


def described(chosen: providers.Provider) -> Sequence[str]:
    return chosen.what, "stand-ins: GitHub, its git server", chosen.network_policies, chosen.nfs_client


@pytest.fixture(scope="session")
def describe_figure(provider: providers.Provider, describe_level: Callable[..., None]) -> Callable[[str], None]:
    """A function by which a test adds what it measured to the closing table: a figure is no assertion."""
    return lambda figure: describe_level("cluster", figure)


@pytest.fixture(scope="session")
def image_overlay(provider: providers.Provider, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Values that name this checkout's images: the ones just built, or on a given cluster the chart's version of them
    in the registry of JLD_IMAGE_REGISTRY, where `make images PUSH=` put them."""
    if provider.name != "given":
        built = build.chart_images()
        provider.load(build.build(built), built)
        return build.write_overlay(built)
    registry = os.environ.get("JLD_IMAGE_REGISTRY", build.REGISTRY)
    overlay = tmp_path_factory.mktemp("images") / "images.yaml"
    overlay.write_text(yaml.safe_dump({"global": {"imageRegistry": registry}}))
    return overlay


@pytest.fixture(scope="session")
def hub_image(image_overlay: Path) -> str:
    """The hub's image, in which the stand-in for GitHub runs."""
    overlay = yaml.safe_load(image_overlay.read_text())
    registry = overlay.get("global", {}).get("imageRegistry", build.REGISTRY)
    tag = overlay.get("hub", {}).get("image", {}).get("tag", build.chart_version())
    return f"{registry}/hub:{tag}"


@pytest.fixture(scope="session")
def kube_config(provider: providers.Provider) -> str:
    """pytest-helm-charts reads the cluster from here."""
    return str(provider.up())


@pytest.fixture(scope="session")
def kube_cluster(kube_config: str) -> Iterator[Cluster]:
    """As pytest-helm-charts has it, for the whole session: one release serves many modules."""
    existing = ExistingCluster(kube_config)
    existing.create()
    yield existing
    existing.destroy()


@pytest.fixture(scope="package")  # while it is open, playwright's event loop runs and no other can
def browser(kube_cluster: Cluster) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        address = node_address(kube_cluster)
        chromium = open_chromium(playwright, {"*.test": address, "*.localhost": address})
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def labs(
    provider: providers.Provider, tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[..., None]
) -> Iterator[Registry]:
    """A registry whose images only the native node can pull."""
    if provider.name != "native":
        pytest.skip("The registry is at this machine's link to the native node: unset KUBECONFIG, where no Docker runs")
    try:
        programs.build_registry()
    except Unsupported as reason:
        pytest.skip(str(reason))
    describe_level("cluster", "the CNCF's distribution as a registry")
    with registry(tmp_path_factory.mktemp("registry")) as started:
        yield started
    load.remove_from_native(f"{started.host}/")


Installed = AbstractContextManager[Release]


@pytest.fixture(scope="session")
def install(
    kube_cluster: Cluster, image_overlay: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Installed]:
    """A release in a namespace of its own, as a context at whose end it is taken away. `before` has objects that it finds there."""

    @contextmanager
    def installed(
        name: str,
        ports: Ports,
        site: dict[str, object],
        secrets: dict[str, object] | None = None,
        enforce: str = "baseline",
        before: str = "",
    ) -> Iterator[Release]:
        folder = tmp_path_factory.mktemp(name)
        release = Release(kube_cluster, name, ports, folder)
        release.delete()  # a test run that was killed may have left one
        try:
            release.create_namespace(enforce)
            if before:
                release.apply(before)
            (folder / "site.yaml").write_text(yaml.safe_dump(site))
            (folder / "secrets.yaml").write_text(yaml.safe_dump(secrets or {}))
            release.write_values([folder / "site.yaml", image_overlay], folder / "secrets.yaml")
            release.install()
            assert release.millicores() <= MOST_MILLICORES, "it leaves too little of the node to others"
            yield release
            assert release.millicores() <= MOST_MILLICORES, "with its labs it leaves too little of the node to others"
        finally:
            release.delete()

    return installed


@pytest.fixture(scope="module")
def make_release(install: Callable[..., Installed]) -> Iterator[Callable[..., Release]]:
    """A function that installs a release; all of a module are taken away at its end, for others want the node too."""
    with ExitStack() as made:
        yield lambda *words, **options: made.enter_context(install(*words, **options))


@pytest.fixture(scope="package")
def github(kube_cluster: Cluster, hub_image: str) -> Iterator[GitHub]:
    """The GitHub stand-in as a pod, reached by browser and hub alike through its node port."""
    people = json.loads((TESTS / "standins" / "people.json").read_text())
    stand_in = GitHub(kube_cluster, hub_image, people)
    stand_in.start()
    yield stand_in
    stand_in.stop()


@pytest.fixture(scope="package")
def release(install: Callable[..., Installed], github: GitHub) -> Iterator[Release]:
    """JLD with GitHub login, installed from nothing with `helm install --wait`: one for all modules that want no other."""
    ports = Ports(http=31080, https=31443)
    github.register(f"https://jld.test:{ports.https}/hub/oauth_callback")
    site = {
        "global": {"hostname": "jld.test", "port": ports.https},
        "hub": {
            "auth": {"github": github.login(allow=["lsst"], deny=["rivals"])},
            "metrics": {"scrapers": [{"namespace": "jld-test", "labels": {"app": "scraper"}}]},
        },
        "prepuller": {"enabled": True},
        "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
        "nginx": {
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
            "metrics": {"scrapers": [{"namespace": "jld-test", "labels": {"app": "scraper"}}]},
        },
    }
    secrets = {"hub": {"secret": {"githubClientSecret": github.client_secret}}}
    with install("jld-test", ports, site, secrets) as installed:
        yield installed
