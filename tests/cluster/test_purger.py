"""The purger on a real cluster: what it tells, what it removes from the node, and what it leaves there."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from jlddev.clusters import load
from jlddev.images import build
from jlddev.support.paths import CHECKOUT
from jldhub.images.nodes import FILE, NodesState

from tests.hub.registry import Registry

from .registry import pull_secret, push_bare
from .release import Ports, Release

LOGIN = "registry-login"
SERIES, SINGLE, FOREIGN = "purger/series", "purger/single", "purger/foreign"
PURGE = "app.kubernetes.io/component=purge"


@dataclass(frozen=True)
class Images:
    """References by tag: those that are wanted, those that nobody wants, and why the others stay."""

    wanted: str
    old: str
    older: str
    ended: str
    pinned: str
    single: str
    old_single: str
    foreign: str

    @property
    def by_pods(self) -> list[str]:
        """What comes to the node by pods that the test makes."""
        return [self.old, self.ended, self.pinned, self.old_single, self.foreign]


@pytest.fixture(scope="module")
def images(labs: Registry) -> Images:
    def push(repository: str, tag: str) -> str:
        push_bare(labs, repository, tag)
        time.sleep(1.1)  # the time is all in which two of them differ
        return f"{labs.host}/{repository}:{tag}"

    return Images(
        wanted=push(SERIES, "w_2026_21"),
        old=push(SERIES, "w_2026_20"),
        older=push(SERIES, "w_2026_19"),
        ended=push(SERIES, "w_2026_18"),
        pinned=push(SERIES, "w_2026_17"),
        single=push(SINGLE, "2"),
        old_single=push(SINGLE, "1"),
        foreign=push(FOREIGN, "1"),
    )


@pytest.fixture(scope="module")
def others(image_overlay: Path) -> Iterator[list[str]]:
    """What is on the node for other tests and for `make up`, in the repositories of this release's own images: it is pinned meanwhile."""
    names = [name for name in load.names_in_native() if name.startswith(f"{build.REGISTRY}/")]
    for name in names:
        load.pin_in_native(name)
    yield names
    for name in set(names) & set(load.names_in_native()):
        load.pin_in_native(name, pinned=False)


@pytest.fixture(scope="module")
def release(make_release: Callable[..., Release], labs: Registry, images: Images, others: list[str]) -> Release:
    ports = Ports(http=31880, https=31883)
    listed = {
        "series": {"reference": f"{labs.host}/{SERIES}", "tags": "lsst", "newest": {"weekly": 1}},
        "single": {"reference": images.single},
    }
    site = {
        "global": {
            "hostname": "purger.test",
            "port": ports.https,
            "imagePullSecrets": [LOGIN],
            "certificateAuthorities": labs.authority.read_text(),
        },
        "hub": {"auth": {"dummy": {"users": ["ada"]}}, "lab": {"images": listed, "defaultImage": "single"}},
        "prepuller": {"enabled": True, "purge": "report", "purgeAbove": 10},
        "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
        "nginx": {
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
        },
    }
    return make_release("jld-purger", ports, site, {}, before=pull_secret(LOGIN, labs.host))


@pytest.fixture(scope="module")
def on_node(release: Release, images: Images) -> Images:
    """All of them: one is of a container that has ended, and one is pinned."""
    for reference in images.by_pods:
        bring(release, reference)
    for reference in images.by_pods:
        if reference != images.ended:
            release.kubectl("delete", "pod", pod_name(reference), "--grace-period=0", "--force")
    load.pin_in_native(images.pinned)
    gone = [pod_name(reference) for reference in images.by_pods if reference != images.ended]
    until(lambda: not any(load.containers_in_native(pod) for pod in gone), release)
    return images


def pod_name(reference: str) -> str:
    return "brings-" + reference.rpartition("/")[2].replace(":", "-").replace("_", "-")


def bring(release: Release, reference: str) -> None:
    """By a pod that cannot start, for there is no program in the image."""
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "imagePullSecrets": [{"name": LOGIN}],
        "containers": [{"name": "it", "image": reference, "command": ["/bin/true"]}],
    }
    name = pod_name(reference)
    release.apply(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}))
    release.kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Failed", "--timeout=90s")


def until(condition: Callable[[], object], release: Release, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{logs(release)}\n{release.story()}"
        time.sleep(1)


def logs(release: Release) -> str:
    return release.kubectl("logs", f"deployment/{release.name}-prepuller", "--tail=100")


def state(release: Release) -> NodesState:
    data = json.loads(release.kubectl("get", "configmap", f"{release.name}-catalogue", "--output=json"))
    packed = data.get("binaryData", {}).get(FILE)
    return NodesState.unpack(base64.b64decode(packed)) if packed else NodesState()


def place(release: Release) -> str:
    """The namespace of pods that purge."""
    return release.kubectl("get", "namespaces", f"--selector={PURGE}", "--output=jsonpath={.items[*].metadata.name}")


def purges(release: Release) -> list[dict[str, Any]]:
    words = ["get", "pods", f"--namespace={place(release)}", "--output=json"]
    return list(json.loads(release.kubectl(*words))["items"])


def lines_of(release: Release, pod: str) -> list[str]:
    return release.kubectl("logs", pod, f"--namespace={place(release)}").splitlines()


def test_it_tells_what_nobody_wants_and_removes_nothing(release: Release, on_node: Images) -> None:
    unwanted = {on_node.old, on_node.ended, on_node.pinned, on_node.old_single}

    def told() -> set[str]:
        return {image.name for image in state(release).unwanted}

    titles = {f"series:{name.rpartition(':')[2]}" for name in unwanted}
    until(lambda: len(told() & (unwanted | titles)) == len(unwanted), release)
    assert not {name for name in told() if FOREIGN in name or name in (on_node.wanted, on_node.single)}
    assert place(release) == ""
    assert set(on_node.by_pods) <= set(load.names_in_native())


def test_it_removes_that_and_nothing_else(release: Release, on_node: Images, others: list[str]) -> None:
    chart = str(CHECKOUT / "chart")
    release.helm(
        "upgrade", release.name, chart, "--reuse-values", "--set=prepuller.purge=remove", "--wait", "--timeout=5m"
    )
    until(lambda: any(pod["status"].get("phase") == "Succeeded" for pod in purges(release)), release)
    (pod,) = purges(release)
    left = set(load.names_in_native())
    lines = lines_of(release, pod["metadata"]["name"])
    assert not {on_node.old, on_node.old_single} & left, lines
    assert {on_node.ended, on_node.pinned, on_node.foreign, *others} <= left, lines
    assert [line for line in lines if line.startswith(f"Removed {on_node.old} (sha256:")]
    assert f"Kept {on_node.ended}: a container uses it" in lines
    assert f"Kept {on_node.pinned}: it is pinned" in lines
    assert not [line for line in lines if FOREIGN in line]
    until(
        lambda: "removed " in logs(release), release
    )  # the controller tells it at its next look, within half a minute


def test_the_pod_has_no_more_than_it_needs(release: Release) -> None:
    (pod,) = purges(release)
    (host,) = [volume for volume in pod["spec"]["volumes"] if "hostPath" in volume]
    assert host["hostPath"] == {"path": "/run/containerd/containerd.sock", "type": "Socket"}
    assert [volume for volume in pod["spec"]["volumes"] if "projected" in volume] == []
    assert pod["spec"]["securityContext"]["runAsUser"] == 65534


def test_a_dry_run_says_what_would_go(release: Release, on_node: Images) -> None:
    """The pod that the controller made, with the one flag: its node has no other for an hour."""
    bring(release, on_node.older)
    release.kubectl("delete", "pod", pod_name(on_node.older), "--grace-period=0", "--force")
    (made,) = purges(release)
    container = made["spec"]["containers"][0]
    for variable in container["env"]:
        if variable["name"] == "JLD_PURGE":
            variable["value"] = json.dumps(json.loads(variable["value"]) | {"dryRun": True})
    numbers = count()

    def would_remove() -> bool:
        """A kubelet removes the containers of a deleted pod some seconds later."""
        name = f"dry-run-{next(numbers)}"
        metadata = {"name": name, "namespace": place(release)}
        release.apply(
            json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]}), place(release)
        )
        ended = ["--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s"]
        release.kubectl("wait", f"pod/{name}", "--namespace", place(release), *ended)
        return any(line.startswith(f"Would remove {on_node.older} ") for line in lines_of(release, name))

    until(would_remove, release, 60)
    assert on_node.older in load.names_in_native()


def test_an_uninstall_takes_the_namespace_away(release: Release) -> None:
    name = place(release)
    release.uninstall()
    release.kubectl("wait", f"namespace/{name}", "--for=delete", "--timeout=60s")
