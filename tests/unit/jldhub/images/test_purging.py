"""The purger's part of a look: what nobody wants is told, and pods that remove it are made one after the other."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from jldhub.images.controller.cluster import PodRefused
from jldhub.images.controller.purging import Purger, Report, tell
from jldhub.images.nodes import UnwantedImage
from jldhub.images.prepuller.node import Node
from jldhub.images.prepuller.settings import PrepullerSettings
from jldhub.images.purging.pod import PurgePod
from jldhub.images.purging.report import Ours
from jldhub.settings.settings import Settings

from .prepuller.world import OWN, START, node
from .purging.builders import LAB, PURGE, ours
from .test_pulling import Looks

MINUTE = timedelta(minutes=1)
OLD = f"{LAB}:w_2026_20"
PLACE = "science-jld-purge"


class Cluster:
    """Takes what it is asked, unless it is told not to."""

    def __init__(self) -> None:
        self.created: list[Mapping[str, Any]] = []
        self.deleted: list[str] = []
        self.failure: Exception | None = None

    def pods(self, everywhere: bool) -> str:
        assert not everywhere
        return f"/api/v1/namespaces/{PLACE}/pods"

    async def create(self, pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if self.failure:
            raise self.failure
        self.created.append(pod)
        return {**pod, "metadata": pod["metadata"] | {"creationTimestamp": START.isoformat()}}

    async def delete(self, pod: str) -> None:
        self.deleted.append(pod)


class Purges:
    """A purger that looks when it is told to."""

    def __init__(self, settings: Settings) -> None:
        self.cluster, self.settings = Cluster(), settings
        self.purger = Purger(None, self.cluster, PURGE, asyncio.Event())  # type: ignore[arg-type]
        self.purger._pods.is_listed = True
        self.pods = self.purger._pods.items
        self.own = PrepullerSettings.model_validate({"purge": "remove", "names": OWN})
        self.nodes: list[Node] = [with_old("a"), with_old("b", 16)]
        self.now = START

    async def look(self, later: timedelta = timedelta(), busy: tuple[str, ...] = ()) -> None:
        self.now += later
        report = Report.of(self.nodes, ours(), [])
        await self.purger.look(self.nodes, report, ours(), self.settings, self.own, busy, self.now)

    def end(self, **changes: Any) -> None:
        """The pod that runs is over."""
        for key, pod in self.pods.items():
            self.pods[key] = replace(pod, **({"is_over": True} | changes))


def with_old(name: str, gigabytes: int = 8, **changes: Any) -> Node:
    return node(name, images=[{"names": [OLD], "sizeBytes": gigabytes * 10**9}], **changes)


@pytest.fixture
def purges(settings_document: dict[str, Any]) -> Purges:
    return Purges(Settings.parse(settings_document))


async def test_one_node_after_the_other_and_each_once_an_hour(purges: Purges) -> None:
    await purges.look()
    await purges.look(MINUTE)
    assert [pod["spec"]["nodeName"] for pod in purges.cluster.created] == ["b"]
    purges.end()
    await purges.look(MINUTE)
    purges.end()
    await purges.look(MINUTE)
    assert [pod["spec"]["nodeName"] for pod in purges.cluster.created] == ["b", "a"]

    await purges.look(timedelta(hours=1))
    await purges.look(MINUTE)
    assert sorted(purges.cluster.deleted) == sorted(pod["metadata"]["name"] for pod in purges.cluster.created)
    purges.pods.clear()
    await purges.look(MINUTE)
    assert [pod["spec"]["nodeName"] for pod in purges.cluster.created] == ["b", "a", "b"]


async def test_the_pod_is_of_the_hub_s_image_and_in_its_own_namespace(purges: Purges) -> None:
    await purges.look()
    (pod,) = purges.cluster.created
    assert pod["metadata"]["namespace"] == PLACE
    assert pod["spec"]["containers"][0]["image"] == purges.settings.names.hub_image
    order = {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}["JLD_PURGE"]
    assert json.loads(order)["above"] == 80


async def test_nothing_begins_where_a_lab_starts_or_an_image_is_pulled(purges: Purges) -> None:
    await purges.look(busy=("a", "b"))
    assert purges.cluster.created == []


async def test_before_the_pods_are_listed_nothing_begins(purges: Purges) -> None:
    purges.purger._pods.is_listed = False
    await purges.look()
    assert purges.cluster.created == []


async def test_what_a_pod_says_is_logged_once(purges: Purges, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jldhub.images")
    purges.nodes = [with_old("a")]
    await purges.look()
    purges.end(has_failed=True, result="RemoveImage: no answer in 60 s")
    for _ in range(3):
        await purges.look(MINUTE)
    lines = [each for each in caplog.records if "no answer" in each.getMessage()]
    assert [(each.levelname, each.getMessage()) for each in lines] == [("WARNING", "a: RemoveImage: no answer in 60 s")]


async def test_a_pod_that_the_cluster_refuses_is_warned_about_and_tried_again_in_an_hour(purges: Purges) -> None:
    purges.cluster.failure = PodRefused("pods is forbidden: violates PodSecurity")
    await purges.look()
    assert [each.reason for each in purges.purger.warnings] == ["PurgeRefused"]
    assert "violates PodSecurity. It is tried again in an hour" in purges.purger.warnings[0].message

    purges.cluster.failure = None
    await purges.look(59 * MINUTE)
    assert (purges.cluster.created, len(purges.purger.warnings)) == ([], 1)
    await purges.look(MINUTE)
    assert (len(purges.cluster.created), purges.purger.warnings) == (1, [])


async def test_a_runtime_that_nobody_knows_is_warned_about_and_left_alone(purges: Purges) -> None:
    purges.nodes[1] = with_old("b", 16, info={"containerRuntimeVersion": "docker://29.0.1"})
    await purges.look()
    assert [pod["spec"]["nodeName"] for pod in purges.cluster.created] == ["a"]
    assert [each.reason for each in purges.purger.warnings] == ["UnknownRuntime"]


def test_what_nobody_wants_is_logged_when_it_is_new(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jldhub.images")
    before = Report({}, [UnwantedImage(name="a", bytes=8 * 10**9, nodes=1)])
    now = Report(
        {}, [UnwantedImage(name="a", bytes=16 * 10**9, nodes=2), UnwantedImage(name="b", bytes=10**9, nodes=1)]
    )
    tell(now, before)
    tell(now, now)
    assert caplog.messages == ["Nobody wants b on 1 node, 1.0 GB could go"]


@pytest.mark.parametrize("asked", [False, True])
async def test_the_hub_is_told_where_somebody_asks(settings_document: dict[str, Any], asked: bool) -> None:
    names = settings_document["names"] | {"catalogue": "jld-catalogue"}
    looks = Looks(Settings.parse(settings_document | {"names": names}))
    assert looks.prepuller._site
    own = Ours(frozenset({"localhost/jld/lab"}), frozenset({"localhost/jld/lab:0.1.0"}), {})
    looks.prepuller._site = replace(looks.prepuller._site, ours=own if asked else None)
    old = {"names": ["localhost/jld/lab:0.0.9"], "sizeBytes": 8 * 10**9}
    looks.nodes = {"a": node("a", images=[old])}
    await looks.look(MINUTE)
    (state,) = looks.store.written
    unwanted = [UnwantedImage(name="localhost/jld/lab:0.0.9", bytes=8 * 10**9, nodes=1)]
    assert (state.unwanted, state.nodes[0].unwanted_bytes) == ((unwanted, 8 * 10**9) if asked else ([], 0))
    assert looks.metric("jld_images_unwanted_bytes") == (8 * 10**9 if asked else 0)


async def test_a_node_that_is_pulling_is_not_purged(settings_document: dict[str, Any]) -> None:
    names = settings_document["names"] | {"catalogue": "jld-catalogue"}
    settings = Settings.parse(settings_document | {"names": names})
    looks, purges = Looks(settings), Purges(settings)
    assert looks.prepuller._site
    looks.prepuller._site = replace(looks.prepuller._site, ours=ours())
    looks.prepuller._purger = purges.purger
    looks.nodes = {name: with_old(name) for name in ("a", "b", "c")}  # two of them begin to pull, and one has to wait
    await looks.look(MINUTE)
    assert [pod["spec"]["nodeName"] for pod in purges.cluster.created] == ["c"]
    assert [*purges.pods.values()] == [
        PurgePod(str(purges.cluster.created[0]["metadata"]["name"]), "c", START, is_over=False)
    ]
