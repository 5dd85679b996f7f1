"""The prepuller on a real cluster: what comes to the node, what does not and why, and what is in nobody's way."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from jlddev.clusters import load, providers
from jlddev.images import build
from jldhub.images.nodes import FILE, Attempt, NodeRow, NodesState
from playwright.sync_api import Browser

from tests.hub.registry import Registry

from .conftest import TESTS
from .lab import Lab
from .node_standin import TAINT, StandInNode
from .person import sit_down
from .registry import pull_secret, push_bare, push_series
from .release import Ports, Release

OWN = build.Image("lab", build.FOLDERS["lab"])
CONDA = build.Image("test-conda", TESTS / "images" / "conda")
SERIES, BARE, MISSING = "prepuller/series", "prepuller/bare", "prepuller/missing"
AWAY = "localhost:9/jld/none:1"  # of a registry that does not answer
LOGIN = "registry-login"
PULLS = "jld.lsst.org/pulls"
QUOTA = {"cpu": 40, "memory": "80Gi"}


@dataclass(frozen=True)
class Pushed:
    """The references by which the images are wanted."""

    weekly: str
    older: str
    bare: str
    missing: str


@pytest.fixture(scope="module")
def pushed(labs: Registry, provider: providers.Provider, tmp_path_factory: pytest.TempPathFactory) -> Pushed:
    builder = build.build([CONDA])
    archive = load.save(builder, CONDA, tmp_path_factory.mktemp("archive"))
    digests = push_series(labs, SERIES, archive, ["w_2026_20", "w_2026_21"], {})
    archive.unlink()
    return Pushed(
        weekly=f"{labs.host}/{SERIES}@{digests['w_2026_21']}",
        older=f"{labs.host}/{SERIES}@{digests['w_2026_20']}",
        bare=f"{labs.host}/{BARE}@{push_bare(labs, BARE, '1')}",
        missing=f"{labs.host}/{MISSING}:1",
    )


@pytest.fixture(scope="module")
def release(make_release: Callable[..., Release], labs: Registry, pushed: Pushed) -> Release:
    """`helm install --wait` does not wait for the image that nobody has."""
    ports = Ports(http=31780, https=31783)
    site = {
        "global": {
            "hostname": "prepuller.test",
            "port": ports.https,
            "imagePullSecrets": [LOGIN],
            "certificateAuthorities": labs.authority.read_text(),
        },
        "hub": {
            "auth": {"dummy": {"users": ["ada", "mel"]}, "admins": ["ada"]},
            "lab": {
                "startTimeout": "90s",
                "quota": QUOTA,
                "pod": {"tolerations": [{"key": TAINT, "operator": "Exists"}]},
                "images": {
                    "small": {"reference": OWN.reference},
                    "series": {"reference": f"{labs.host}/{SERIES}", "tags": "lsst", "newest": {"weekly": 2}},
                    "bare": {"reference": f"{labs.host}/{BARE}:1"},
                    "missing": {"reference": pushed.missing},
                    "away": {"reference": AWAY},
                },
                "defaultImage": "small",
            },
        },
        "prepuller": {"enabled": True},
        "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
        "nginx": {
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
        },
    }
    return make_release("jld-prepuller", ports, site, {}, before=pull_secret(LOGIN, labs.host))


def until(condition: Callable[[], object], release: Release, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{logs(release)}\n{release.story()}"
        time.sleep(1)


def logs(release: Release) -> str:
    return release.kubectl("logs", f"deployment/{release.name}-prepuller", "--tail=60")


def real_node(release: Release) -> Mapping[str, Any]:
    nodes: list[Mapping[str, Any]] = json.loads(release.kubectl("get", "nodes", "--output=json"))["items"]
    (found,) = [node for node in nodes if "jld-test" not in node["metadata"]["labels"]]
    return found


def on_node(release: Release) -> set[str]:
    """The names of images that the node tells of."""
    return {name for image in real_node(release)["status"]["images"] for name in image.get("names") or ()}


def pulls(release: Release, node: str = "") -> dict[str, dict[str, Any]]:
    """The pods that pull, by reference."""
    selector = "--selector=app.kubernetes.io/component=prepull"
    pods = json.loads(release.kubectl("get", "pods", selector, "--output=json"))["items"]
    node = node or real_node(release)["metadata"]["name"]
    return {pod["metadata"]["annotations"][PULLS]: pod for pod in pods if pod["spec"]["nodeName"] == node}


def state(release: Release) -> NodesState:
    """What the hub is told."""
    data = json.loads(release.kubectl("get", "configmap", f"{release.name}-catalogue", "--output=json"))
    packed = data.get("binaryData", {}).get(FILE)
    return NodesState.unpack(base64.b64decode(packed)) if packed else NodesState()


def row(release: Release, node: str) -> NodeRow:
    return next((row for row in state(release).nodes if row.name == node), NodeRow(name=node))


def attempt(release: Release, reference: str) -> Attempt:
    attempts = row(release, real_node(release)["metadata"]["name"]).attempts
    return next((each for each in attempts if each.reference == reference), Attempt(reference=reference))


def events(release: Release, reason: str) -> list[str]:
    messages = "--output=jsonpath={range .items[*]}{.message}{'\\n'}{end}"
    return release.kubectl("get", "events", f"--field-selector=reason={reason}", messages).splitlines()


def restart(release: Release) -> None:
    """Its next look at registries would be in five minutes."""
    release.kubectl("rollout", "restart", f"deployment/{release.name}-prepuller")
    release.kubectl("rollout", "status", f"deployment/{release.name}-prepuller", "--timeout=90s")


def test_wanted_images_come_to_the_node(release: Release, pushed: Pushed) -> None:
    until(lambda: {pushed.weekly, pushed.older, pushed.bare} <= on_node(release), release)
    succeeded = pulls(release)[pushed.weekly]
    assert succeeded["status"]["phase"] == "Succeeded"
    # An image without /bin/true cannot start, and is there.
    failed = pulls(release)[pushed.bare]["status"]
    assert (failed["phase"], failed["containerStatuses"][0]["state"]["terminated"]["reason"]) == (
        "Failed",
        "StartError",
    )


def test_images_that_were_imported_are_there_already(release: Release) -> None:
    """Their names have no digest, and no registry has them."""
    assert [reference for reference in pulls(release) if reference.startswith("localhost/")] == []


def test_an_image_that_nobody_has_is_told_about_in_the_kubelet_s_words(release: Release, pushed: Pushed) -> None:
    until(lambda: attempt(release, pushed.missing).failures, release)
    found = attempt(release, pushed.missing)
    assert found.refused
    assert "not found" in found.message
    told = found.message.removeprefix("ErrImagePull: ")[:200]
    assert any(told in message for message in events(release, "Failed")), events(release, "Failed")
    assert f"{pushed.missing} was not pulled: ErrImagePull: " in logs(release)


def test_pods_that_pull_are_restricted_and_not_of_the_labs_quota(release: Release) -> None:
    pods = pulls(release)
    assert pods
    for pod in pods.values():
        assert "activeDeadlineSeconds" not in pod["spec"]
        assert pod["spec"]["automountServiceAccountToken"] is False
    used = json.loads(release.kubectl("get", "resourcequota", f"{release.name}-lab", "--output=json"))["status"]["used"]
    assert used == {"limits.cpu": "0", "limits.memory": "0"}
    level = "pod-security.kubernetes.io/enforce=restricted"
    warned = release.kubectl_warnings("label", "namespace", release.name, level, "--overwrite", "--dry-run=server")
    assert not any("prepull" in warning for warning in warned), warned


@pytest.fixture
def nodes(release: Release) -> Iterator[Callable[..., StandInNode]]:
    made: list[StandInNode] = []

    def make(name: str, **options: Any) -> StandInNode:
        made.append(StandInNode(release, name, **options))
        return made[-1]

    yield make
    for node in made:
        node.delete()


def test_a_node_that_is_added_is_served_and_one_that_labs_avoid_is_not(
    release: Release, nodes: Callable[..., StandInNode]
) -> None:
    added = nodes("jld-test-added")
    cordoned = nodes("jld-test-cordoned", cordoned=True)
    tainted = nodes("jld-test-tainted", taints=[{"key": "foreign", "effect": "NoSchedule"}])

    def beating(condition: Callable[[], object]) -> Callable[[], object]:
        def looked() -> object:
            for node in (added, cordoned, tainted):
                node.beat()
            return condition()

        return looked

    until(beating(lambda: pulls(release, added.name)), release)
    assert list(pulls(release, added.name)) == [OWN.reference]  # the default image, and one at a time
    until(beating(lambda: row(release, cordoned.name).why_not and row(release, added.name).pulling), release)
    assert row(release, cordoned.name).why_not == "it is cordoned"
    assert row(release, tainted.name).why_not == "it has the taint foreign:NoSchedule"
    assert row(release, added.name).why_not == ""
    assert pulls(release, cordoned.name) == pulls(release, tainted.name) == {}

    release.kubectl("uncordon", cordoned.name)
    until(beating(lambda: pulls(release, cordoned.name)), release)
    assert list(pulls(release, added.name)) == [OWN.reference]
    for node in (added, cordoned, tainted):
        node.delete()
    until(lambda: not pulls(release, added.name) and not pulls(release, cordoned.name), release)


NO_PODS = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: no-more}
spec: {hard: {pods: "0"}}
"""


def test_a_cluster_that_takes_no_pods_is_told_about_on_the_page_and_as_an_event(
    release: Release, nodes: Callable[..., StandInNode]
) -> None:
    release.apply(NO_PODS)
    release.kubectl("wait", "resourcequota/no-more", "--for=jsonpath={.status.used.pods}", "--timeout=30s")
    node = nodes("jld-test-refused")

    def told() -> bool:
        node.beat()
        return bool(events(release, "PullsRefused")) and state(release).warnings != []

    until(told, release)
    (event,), (warning,) = events(release, "PullsRefused"), state(release).warnings
    assert "exceeded quota: no-more" in event
    assert event == warning
    release.kubectl("delete", "resourcequota", "no-more")


def test_a_lab_finds_its_image_on_the_node(browser: Browser, release: Release, pushed: Pushed) -> None:
    person = sit_down(browser, release)
    person.log_in_with_password("ada", release.dummy_password)
    person.ask_for_lab("Tiny", "series:w_2026_21")
    person.wait_for_lab()
    told = events(release, "Pulled")
    assert f'Container image "{pushed.weekly}" already present on machine' in " ".join(told)
    person.stop_lab()


def test_an_image_that_somebody_removes_is_pulled_again(release: Release, pushed: Pushed) -> None:
    before = pulls(release)[pushed.older]["metadata"]["uid"]
    load.remove_from_native(pushed.older)
    until(lambda: pulls(release).get(pushed.older, {}).get("metadata", {}).get("uid", before) != before, release, 240)
    until(lambda: pushed.older in on_node(release), release)
    assert f"{pushed.older} was there and is not any more" in logs(release)


def test_nothing_is_pulled_while_a_lab_starts_and_then_it_is(
    browser: Browser, release: Release, labs: Registry
) -> None:
    """The registry of the lab's image does not answer: its start takes until the time-out."""
    person = sit_down(browser, release)
    person.log_in_with_password("mel", release.dummy_password)
    person.ask_for_lab("Tiny", "away")
    lab = Lab(release, "mel").pod
    release.kubectl("wait", "--for=create", f"pod/{lab}", "--timeout=30s")
    newest = f"{labs.host}/{SERIES}@{push_bare(labs, SERIES, 'w_2026_22')}"
    restart(release)
    until(lambda: newest in {image.reference for image in state(release).images}, release)
    assert newest not in pulls(release)
    assert release.kubectl("get", "pod", lab, "--output=jsonpath={.status.phase}") == "Pending"

    until(lambda: newest in pulls(release), release)
    assert release.kubectl("get", "pod", lab, "--ignore-not-found") == ""
    until(lambda: newest in on_node(release), release)
    person.page.context.close()


def test_a_controller_that_starts_anew_pulls_nothing_again(release: Release, pushed: Pushed) -> None:
    """What cannot be had is tried again when its pause is over, which may be now."""

    def brought() -> dict[str, str]:
        found = {reference: pod["metadata"]["uid"] for reference, pod in pulls(release).items()}
        return {reference: uid for reference, uid in found.items() if reference not in (pushed.missing, AWAY)}

    before = brought()
    restart(release)
    time.sleep(10)
    assert brought().items() <= before.items()


def test_an_uninstall_leaves_no_pod_and_no_right(release: Release) -> None:
    release.uninstall()
    until(lambda: not pulls(release), release)
    roles = release.kubectl("get", "clusterroles,clusterrolebindings", "--output=name")
    assert f"{release.name}.{release.name}-prepuller" not in roles
