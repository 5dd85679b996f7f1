"""Whatever mounts the volumes is gone before the server is, and waiting for it ends."""

import asyncio

from jldstorage.drain import Pod, drain

LAB = Pod("science", "jld-lab-ada")


class Fake:
    """A namespace whose pods need some looks until they are gone."""

    def __init__(self, *, looks: int, deployments: tuple[str, ...] = ("jld-hub",)) -> None:
        self.looks = looks
        self.deployments = deployments
        self.deleted: list[Pod] = []

    async def stop(self, deployment: str) -> bool:
        assert not self.deleted, "the hub could start another lab"
        return deployment in self.deployments

    async def pods(self, selector: str) -> list[Pod]:
        self.looks -= 1
        return [LAB] if self.looks >= 0 else []

    async def delete_pod(self, pod: Pod) -> None:
        self.deleted.append(pod)


def drained(cluster: Fake, seconds: float = 60) -> list[str]:
    names = ["jld-hub", "jld-keepalive"]
    return asyncio.run(drain(cluster, names, "component=lab", seconds=seconds, every=0))


def test_the_hub_stops_before_the_labs_are_deleted() -> None:
    cluster = Fake(looks=2)

    assert drained(cluster) == ["stopped jld-hub", "no pod has the volumes mounted any more"]
    assert set(cluster.deleted) == {LAB}


def test_a_release_without_labs_is_drained_at_once() -> None:
    assert drained(Fake(looks=0, deployments=())) == ["no pod has the volumes mounted any more"]


def test_a_pod_that_does_not_go_does_not_hold_an_uninstall_up() -> None:
    said = drained(Fake(looks=10**9), seconds=0.05)

    assert said == ["stopped jld-hub", "after 0 seconds these are still there: science/jld-lab-ada"]
