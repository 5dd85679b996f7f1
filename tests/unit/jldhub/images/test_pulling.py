"""The prepuller's looks: what it asks of the cluster, what it tells, and what it does where the cluster says no."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from jldhub.images.catalogue import Catalogue
from jldhub.images.controller.api import ApiUnavailable
from jldhub.images.controller.cluster import PodRefused
from jldhub.images.controller.pulling import Prepuller, Site, _selector
from jldhub.images.controller.status import Status
from jldhub.images.nodes import NodesError, NodesState
from jldhub.images.prepuller.node import Node
from jldhub.images.prepuller.pods import LabPod, Outcome, Pull
from jldhub.images.prepuller.settings import PrepullerSettings
from jldhub.images.prepuller.wanted import wanted_images
from jldhub.images.prepuller.warnings import SiteWarning
from jldhub.settings.settings import Settings, SettingsError

from .prepuller.world import OWN, START, images_of, node

MINUTE = timedelta(minutes=1)


class Cluster:
    """Takes what it is asked, unless it is told not to."""

    def __init__(self, looks: "Looks") -> None:
        self._looks = looks
        self.created: list[Mapping[str, Any]] = []
        self.deleted: list[str] = []
        self.told: list[SiteWarning] = []
        self.failure: Exception | None = None
        self.exists = False

    async def create(self, pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if self.failure:
            raise self.failure
        self.created.append(pod)
        if self.exists:
            return None
        metadata = pod["metadata"] | {"uid": str(len(self.created)), "creationTimestamp": self._looks.now.isoformat()}
        return {**pod, "metadata": metadata}

    async def delete(self, pod: str) -> None:
        if self.failure:
            raise self.failure
        self.deleted.append(pod)

    async def tell(self, warning: SiteWarning, deployment: str) -> None:
        assert deployment == "jld-prepuller"
        self.told.append(warning)


class Store:
    def __init__(self) -> None:
        self.written: list[NodesState] = []
        self.stored: NodesState | Exception = NodesState()

    async def read_nodes(self, namespace: str, name: str) -> NodesState:
        assert (namespace, name) == ("science", "jld-catalogue")
        if isinstance(self.stored, Exception):
            raise self.stored
        return self.stored

    async def write_nodes(self, namespace: str, name: str, state: NodesState) -> None:
        assert (namespace, name) == ("science", "jld-catalogue")
        self.written.append(state)


class Looks:
    """A prepuller that looks when it is told to, at what it is told."""

    def __init__(self, settings: Settings) -> None:
        self.now = START
        self.cluster, self.store, self.status = Cluster(self), Store(), Status()
        self.prepuller = Prepuller(None, self.store, self.status, lambda: self.now)  # type: ignore[arg-type]
        own = PrepullerSettings.model_validate({"nodesAtOnce": 2, "names": OWN})
        wanted = wanted_images(settings.hub.lab, settings.names, Catalogue())
        self.prepuller._site = Site(settings, own, wanted, "an-owner")
        self.nodes: dict[str, Node] = {name: node(name) for name in ("a", "b", "c")}
        self.pods: dict[str, Pull | LabPod] = {}

    async def look(self, later: timedelta = timedelta()) -> None:
        self.now += later
        await self.prepuller._look(self.cluster, self.nodes, self.pods)  # type: ignore[arg-type]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.status.registry.get_sample_value(name, labels)


def ended(pod: Pull | LabPod, outcome: Outcome) -> Pull:
    assert isinstance(pod, Pull)
    return replace(pod, outcome=outcome, message="i/o timeout" if outcome is Outcome.FAILED else "")


@pytest.fixture
def looks(settings_document: dict[str, Any]) -> Looks:
    names = settings_document["names"] | {"catalogue": "jld-catalogue"}
    return Looks(Settings.parse(settings_document | {"names": names}))


async def test_a_pod_counts_from_its_creation_on_also_before_the_watch_tells(looks: Looks) -> None:
    for _ in range(3):
        await looks.look(timedelta(seconds=1))

    assert [pod["spec"]["nodeName"] for pod in looks.cluster.created] == ["a", "b"]
    assert {pod["spec"]["containers"][0]["image"] for pod in looks.cluster.created} == {"localhost/jld/lab:0.1.0"}
    assert len(looks.pods) == 2


async def test_a_pod_that_another_controller_made_is_left_alone(looks: Looks) -> None:
    looks.cluster.exists = True
    await looks.look()
    assert looks.pods == {}


async def test_a_pod_is_deleted_once(looks: Looks) -> None:
    looks.pods["science/p"] = Pull("p", "u", "gone", "x", START, Outcome.PULLED)
    for _ in range(3):
        await looks.look(timedelta(seconds=1))
    assert looks.cluster.deleted == ["p"]


async def test_a_cluster_that_takes_no_pods_is_asked_less_and_less_and_told_about(
    looks: Looks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "jldhub.images")
    asked = []
    looks.cluster.failure = PodRefused("pods is forbidden: exceeded quota: compute")
    original = looks.cluster.create

    async def create(pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
        asked.append((looks.now - START) // MINUTE)
        return await original(pod)

    looks.cluster.create = create  # type: ignore[method-assign]
    for _ in range(3 * 60):
        await looks.look(MINUTE)
    assert asked == [1, 2, 4, 8, 16, 32, 64, 124]
    assert [each.reason for each in looks.cluster.told] == ["PullsRefused"] * 3  # once an hour, as long as events live
    assert len(caplog.messages) == 1
    assert "exceeded quota: compute. Labs start and pull by themselves" in looks.store.written[-1].warnings[0]

    looks.cluster.failure = None
    for _ in range(61):
        await looks.look(MINUTE)
    assert len(looks.cluster.created) >= 2
    assert looks.store.written[-1].warnings == []


async def test_the_hub_is_told_what_is_new_and_otherwise_once_an_hour(looks: Looks) -> None:
    looks.nodes = {"a": node("a", images=images_of("localhost/jld/lab:0.1.0", "localhost/jld/hub:0.1.0"))}
    for _ in range(150):
        await looks.look(MINUTE)
    assert [(state.written - START) // MINUTE for state in looks.store.written if state.written] == [1, 61, 121]

    looks.nodes["a"] = node("a", unschedulable=True)
    await looks.look(MINUTE)
    assert looks.store.written[-1].nodes[0].why_not == "it is cordoned"


async def test_metrics_tell_of_nodes_images_and_pulls(looks: Looks) -> None:
    lab = "localhost/jld/lab:0.1.0"
    looks.nodes["c"] = node("c", unschedulable=True)
    await looks.look()
    first, second = looks.pods.items()
    looks.now += 2 * MINUTE
    looks.pods |= {first[0]: ended(first[1], Outcome.PULLED), second[0]: ended(second[1], Outcome.FAILED)}
    await looks.look()

    assert looks.metric("jld_images_wanted") == 2
    assert looks.metric("jld_nodes_eligible") == 2
    assert looks.metric("jld_image_nodes", image="lab") == 1
    assert looks.metric("jld_pulls_total", result="pulled") == 1
    assert looks.metric("jld_pulls_total", result="failed") == 1
    assert looks.metric("jld_pull_seconds_sum") == 120

    looks.nodes["a"] = node("a", images=images_of(lab))
    await looks.look(MINUTE)
    looks.nodes["a"] = node("a")
    await looks.look(3 * MINUTE)
    assert looks.metric("jld_images_vanished_total") == 1
    assert looks.metric("jld_image_nodes", image="lab") == 0


async def test_a_request_that_fails_ends_the_look_and_loses_nothing(looks: Looks) -> None:
    looks.cluster.failure = ApiUnavailable("the pod", "does not answer")
    with pytest.raises(ApiUnavailable):
        await looks.look()
    looks.cluster.failure = None
    await looks.look()
    assert len(looks.cluster.created) == 2


@pytest.mark.parametrize("stored", [NodesState(), NodesError("it cannot be read")], ids=["empty", "broken"])
async def test_without_a_state_of_before_it_begins_with_nothing(looks: Looks, stored: Any) -> None:
    looks.store.stored = stored
    assert looks.prepuller._site
    await looks.prepuller._restore(looks.prepuller._site)
    assert looks.prepuller._record.attempts == {}


def test_both_kinds_of_pods_are_asked_for_at_once() -> None:
    first = {"app": "jld", "release": "r", "component": "prepull", "only": "here"}
    second = {"app": "jld", "release": "r", "component": "lab"}
    assert _selector(first, second) == "app=jld,component in (lab,prepull),release=r"


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({}, "names: is missing; write it"),
        ({"nodesAtOnce": -1}, "nodesAtOnce: -1 is wrong; input should be greater than or equal to 0"),
        ({"nodesAtOnce": True}, "nodesAtOnce: True is wrong; input should be a valid integer"),
        ({"nodesAtOnce": 10**9}, "nodesAtOnce: 1000000000 is wrong; input should be less than or equal to 1000"),
        ({"nodesAtOne": 1}, "nodesAtOne: is not a key that the hub knows; correct its spelling or remove it"),
        ("nodesAtOnce", "the settings: 'nodesAtOnce' is wrong"),
        (None, "the settings: None is wrong"),
    ],
)
def test_settings_that_are_wrong_are_told(
    document: Any, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JLD_SETTINGS", str(tmp_path / "settings.yaml"))
    if document and isinstance(document, dict):
        document |= {"names": OWN.model_dump(by_alias=True)}
    (tmp_path / "prepuller.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(SettingsError) as raised:
        PrepullerSettings.load()
    assert sentence in str(raised.value)


def test_settings_that_are_not_there_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JLD_SETTINGS", str(tmp_path / "settings.yaml"))
    with pytest.raises(SettingsError, match=r"prepuller\.yaml: cannot be read \(No such file or directory\)"):
        PrepullerSettings.load()
