"""Upgrades of a release with a lab: one that succeeds, two that fail half-way, and the rollbacks from them."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jlddev.support.paths import BIN, CHECKOUT
from playwright.sync_api import Browser

from .lab import Lab, start_lab
from .release import Ports, Release

PORTS = Ports(http=31980, https=31983)
SITE = {
    "global": {"hostname": "upgrades.test", "port": PORTS.https},
    "hub": {"auth": {"dummy": {"users": ["ada"]}}},
    "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid4()}"}},
    "nginx": {
        "replicas": 1,
        "service": {"type": "NodePort", "nodePorts": {"http": PORTS.http, "https": PORTS.https}},
        "tls": {"selfSigned": True},
    },
}
SERVICES = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: services}
spec: {hard: {services: "3"}}
"""
FIREFLY = 'firefly={"enabled": true, "secret": {"adminPassword": "c2VjcmV0"}}'
CHANGED = (
    "charts/hub/files/jldhub/hub/startup.py",
    "charts/hub/files/jldhub/images/tags/grammar.py",
    "charts/hub/files/jupyterhub_config.d/10-hub.py",
    "charts/nginx/files/nginx.conf",
    "charts/nginx/files/lua/router.lua",
)
KINDS = (
    "configmaps,secrets,services,serviceaccounts,roles,rolebindings,persistentvolumeclaims,networkpolicies,"
    "poddisruptionbudgets,resourcequotas,deployments"
)
NEVER_PULLED = 'nginx.image.tag="of-nowhere"'


class Upgraded:
    """A release with a lab, and the charts that are installed over it."""

    def __init__(self, release: Release, lab: Lab, newer: Path) -> None:
        self.release, self.lab, self.newer = release, lab, newer

    def upgrade(self, *changes: str, timeout: str = "3m") -> None:
        """To the newer chart. Raises AssertionError when Helm says that it failed."""
        sets = [word for change in changes for word in ("--set-json", change)]
        values = ["--values", str(self.release.values), *sets, "--wait", f"--timeout={timeout}"]
        self.release.helm("upgrade", self.release.name, str(self.newer), *values)

    @property
    def revision(self) -> str:
        """The newest that was installed well."""
        revisions = json.loads(self.release.helm("history", self.release.name, "--output=json"))
        return str(max(each["revision"] for each in revisions if each["status"] == "deployed"))

    def roll_back(self, revision: str) -> None:
        self.release.helm("rollback", self.release.name, revision, "--wait", "--timeout=3m")

    def pods(self, component: str) -> dict[str, tuple[str, int]]:
        """Name to uid and restarts of the pods that are not on their way out."""
        found = [pod.obj for pod in self.release.pods(component) if "deletionTimestamp" not in pod.obj["metadata"]]
        return {
            each["metadata"]["name"]: (
                each["metadata"]["uid"],
                sum(status["restartCount"] for status in each["status"].get("containerStatuses", [])),
            )
            for each in found
        }

    def ready(self, component: str) -> set[str]:
        """Names of the pods of a component that take part."""
        return {
            pod.name
            for pod in self.release.pods(component)
            if "deletionTimestamp" not in pod.obj["metadata"]
            and any(each["type"] == "Ready" and each["status"] == "True" for each in pod.obj["status"]["conditions"])
        }

    def wait_for_another(self, component: str, pod: str) -> None:
        deadline = time.monotonic() + 90
        while not self.ready(component) - {pod}:
            assert time.monotonic() < deadline, f"no pod in the place of {pod}:\n{self.release.story()}"
            time.sleep(0.5)

    def files(self, component: str) -> str:
        """What a component's pod sees of its ConfigMaps."""
        (name,) = self.ready(component)
        program = "find -L /etc/jld -type f -not -path '*/..*' | sort | xargs sha256sum"
        return self.release.kubectl("exec", name, "--", "sh", "-c", program)

    def generation(self, component: str) -> int:
        """How many pod templates the component had until now."""
        asked = r"--output=jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}"
        return int(self.release.kubectl("get", f"deployment/{self.release.name}-{component}", asked))

    def objects(self) -> dict[str, Any]:
        """All objects of the release as far as a manifest says what they are."""
        selector = f"--selector=app.kubernetes.io/instance={self.release.name},app.kubernetes.io/managed-by=Helm"
        found = json.loads(self.release.kubectl("get", KINDS, selector, "--output=json"))["items"]
        return {f"{each['kind']}/{each['metadata']['name']}": _declared(each) for each in found}

    def answers(self) -> tuple[int, int]:
        """Status of the hub's login page, and of the lab, at the front door. Raises httpx.TransportError."""
        address = f"https://{self.release.node_address}:{PORTS.https}"
        host = {"Host": f"upgrades.test:{PORTS.https}"}
        with httpx.Client(base_url=address, headers=host, verify=False, timeout=30) as client:  # noqa: S501
            pages = client.get("/hub/login"), client.get(f"/user/{self.lab.name}/api")
        return pages[0].status_code, pages[1].status_code

    def wait_for_answers(self) -> tuple[int, int]:
        """As soon as the node's network has found the front door's new pod, and that the hub's: they keep addresses for seconds."""
        deadline = time.monotonic() + 30
        while True:
            with suppress(httpx.TransportError):
                if (found := self.answers()) == (200, 200) or time.monotonic() > deadline:
                    return found
            assert time.monotonic() < deadline, f"nobody answers at node port {PORTS.https}:\n{self.release.story()}"
            time.sleep(0.5)


def _declared(found: dict[str, Any]) -> dict[str, Any]:
    """Without what Kubernetes writes."""
    kept = {key: value for key, value in found.items() if key not in ("metadata", "status")}
    annotations = found["metadata"].get("annotations", {})
    written = {key: value for key, value in annotations.items() if not key.startswith("deployment.kubernetes.io/")}
    return kept | {"labels": found["metadata"]["labels"], "annotations": written}


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chart whose programs are others."""
    copy = tmp_path_factory.mktemp("newer") / "jld"
    shutil.copytree(CHECKOUT / "chart", copy)  # with what the links point at
    for path in CHANGED:
        with (copy / path).open("a") as file:
            file.write("-- of a newer chart\n" if path.endswith(".lua") else "# of a newer chart\n")
    return copy


@pytest.fixture(scope="module", params=["helm3", "helm4"])
def upgraded(
    request: pytest.FixtureRequest, make_release: Callable[..., Release], browser: Browser, newer: Path
) -> Iterator[Upgraded]:
    release = make_release(f"jld-up-{request.param}", PORTS, SITE)
    if release.helm_program.resolve() != (BIN / request.param).resolve():
        release.uninstall()
        release.helm_program = BIN / request.param
        release.install()
    with start_lab(browser, release, "ada") as lab:
        yield Upgraded(release, lab, newer)
    release.delete()  # the other program's takes its node ports


def test_an_upgrade_that_fails_half_way_changes_nothing_that_runs(upgraded: Upgraded) -> None:
    """The API refuses a new Service: Helm has made ConfigMaps and Secrets by then, and Deployments are yet to come."""
    upgraded.release.apply(SERVICES)
    upgraded.release.kubectl("wait", "resourcequota/services", "--for=jsonpath={.status.hard}", "--timeout=30s")
    before, good, lab = upgraded.objects(), upgraded.revision, upgraded.lab.uid
    pods, files = ([ask(each) for each in ("hub", "nginx")] for ask in (upgraded.pods, upgraded.files))

    with pytest.raises(AssertionError, match="exceeded quota: services"):
        upgraded.upgrade(FIREFLY)

    assert set(before) < set(upgraded.objects())  # it was half-way
    assert [upgraded.pods(each) for each in ("hub", "nginx")] == pods
    assert [upgraded.files(each) for each in ("hub", "nginx")] == files
    assert (upgraded.lab.uid, upgraded.answers()) == (lab, (200, 200))
    if upgraded.release.helm_program.name == "helm3":
        # It takes what it did not get to delete for somebody else's. The second time it compares with the first, and what is new stays.
        with pytest.raises(AssertionError, match="no ConfigMap with the name"):
            upgraded.roll_back(good)
    upgraded.roll_back(good)
    if upgraded.release.helm_program.name == "helm3":
        upgraded.release.kubectl("delete", *sorted(set(upgraded.objects()) - set(before)))
    upgraded.release.kubectl("delete", "resourcequota", "services")
    assert upgraded.objects() == before
    assert [upgraded.pods(each) for each in ("hub", "nginx")] == pods


def test_pods_of_before_come_back_while_an_upgrade_cannot_replace_them(upgraded: Upgraded) -> None:
    before, good, lab, (old,) = upgraded.objects(), upgraded.revision, upgraded.lab.uid, upgraded.ready("nginx")

    with pytest.raises(AssertionError):
        upgraded.upgrade(NEVER_PULLED, timeout="30s")
    assert upgraded.ready("nginx") == {old}
    with pytest.raises(AssertionError):
        upgraded.upgrade(NEVER_PULLED, 'nginx.resources.requests.memory="33Mi"', timeout="30s")
    assert upgraded.ready("nginx") == {old}

    upgraded.release.kubectl("delete", "pod", old, "--grace-period=1")
    upgraded.wait_for_another("nginx", old)
    assert (upgraded.lab.uid, upgraded.wait_for_answers()) == (lab, (200, 200))
    upgraded.roll_back(good)
    assert upgraded.objects() == before
    assert (upgraded.lab.uid, upgraded.wait_for_answers()) == (lab, (200, 200))


def test_an_upgrade_replaces_hub_and_nginx_once_and_a_rollback_is_exact(upgraded: Upgraded) -> None:
    before, good, lab = upgraded.objects(), upgraded.revision, upgraded.lab.uid
    generations = {each: upgraded.generation(each) for each in ("hub", "nginx")}

    upgraded.upgrade()
    assert {each: upgraded.generation(each) - generations[each] for each in generations} == {"hub": 1, "nginx": 1}
    upgraded.upgrade()  # with nothing new: the ConfigMaps of the pods of before go
    assert {each: upgraded.generation(each) - generations[each] for each in generations} == {"hub": 1, "nginx": 1}
    assert len(upgraded.objects()) == len(before)
    assert [restarts for each in generations for _, restarts in upgraded.pods(each).values()] == [0, 0]
    assert (upgraded.lab.uid, upgraded.wait_for_answers()) == (lab, (200, 200))

    upgraded.roll_back(good)
    assert upgraded.objects() == before
    assert (upgraded.lab.uid, upgraded.wait_for_answers()) == (lab, (200, 200))
