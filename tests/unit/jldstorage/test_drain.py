"""Whatever mounts the volumes is gone before the server is, and waiting for it ends."""

import asyncio
import re
from collections.abc import Sequence

from jldstorage.drain import Mounts, Pod, drain

LAB = Pod("science", "jld-lab-ada", node="n1")
MOUNTS = Mounts(["jld-hub", "jld-keepalive"], "component=lab", "science", ["jld-home", "jld-scratch"])


class Fake:
    """A namespace whose pods need some looks until they are gone."""

    def __init__(self, *, looks: int, deployments: tuple[str, ...] = ("jld-hub",), others: Sequence[Pod] = ()) -> None:
        self.looks = looks
        self.deployments = deployments
        self.others = list(others)
        self.deleted: list[Pod] = []
        self.report: str | None = "of an earlier uninstall"

    async def stop(self, deployment: str) -> bool:
        assert not self.deleted, "the hub could start another lab"
        return deployment in self.deployments

    async def pods(self, selector: str = "") -> list[Pod]:
        self.looks -= bool(selector)
        labs = [LAB] if self.looks >= 0 else []
        return labs if selector else [*labs, *self.others]

    async def delete_pod(self, pod: Pod) -> None:
        self.deleted.append(pod)

    async def keep_report(self, text: str) -> None:
        self.report = text

    async def remove_report(self) -> None:
        self.report = None


def drained(cluster: Fake, seconds: float = 60) -> list[str]:
    return asyncio.run(drain(cluster, MOUNTS, seconds=seconds, every=0))


def test_the_hub_stops_before_the_labs_are_deleted() -> None:
    cluster = Fake(looks=2)

    assert drained(cluster) == ["stopped jld-hub", "no pod has the volumes mounted any more"]
    assert set(cluster.deleted) == {LAB}


def test_a_release_without_labs_is_drained_at_once() -> None:
    assert drained(Fake(looks=0, deployments=())) == ["no pod has the volumes mounted any more"]


def test_a_pod_that_does_not_go_does_not_hold_an_uninstall_up_and_is_written_down() -> None:
    cluster = Fake(looks=10**9)
    said = drained(cluster, seconds=0.05)

    stays = "after 0 seconds these are still there: science/jld-lab-ada on node n1"
    assert said[:2] == ["stopped jld-hub", stays]
    assert cluster.report
    assert re.match(r"helm uninstall at \d{4}-\d\d-\d\d \d\d:\d\d UTC:\n", cluster.report)
    assert cluster.report.splitlines()[1:] == said[1:]
    assert 'See docs/storage.md, "Pods that hang on a dead mount"' in said[-1]


def test_a_pod_of_somebody_else_that_mounts_the_volumes_is_left_alone_and_written_down() -> None:
    theirs = [
        Pod("science", "copy", node="n2", claims=frozenset({"other", "jld-scratch"})),
        Pod("science-ab12cd-ada", "tool", claims=frozenset({"jld-home-0123456789"}), is_being_deleted=True),
    ]
    apart = [
        Pod("science", "with-another-claim", claims=frozenset({"jld-hub-db", "jld-home-0123456789"})),
        Pod("science", "at-its-end", claims=frozenset({"jld-home"}), is_finished=True),
        Pod("science-ab12cd-ada", "without", claims=frozenset({"jld-home"})),
    ]
    cluster = Fake(looks=1, others=[*theirs, *apart])
    said = drained(cluster)

    names = "science/copy on node n2, science-ab12cd-ada/tool (being deleted)"
    assert said[1] == f"these mount the volumes, and are not the chart's to stop: {names}"
    assert cluster.report
    assert said[1] in cluster.report
    assert set(cluster.deleted) == {LAB}


def test_what_an_earlier_uninstall_left_is_forgotten_when_nothing_is_left() -> None:
    cluster = Fake(looks=1)
    drained(cluster)

    assert cluster.report is None
