"""Many labs start at once: nobody is sent away, every lab comes up, and none is made twice."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from .labs import LabHub, Program

CROWD = [f"person-{number}" for number in range(40)]
SPECIAL = ["late", "busy", "eager", "left", "doomed"]
IMPATIENT = "c.KubeSpawner.k8s_api_request_timeout = 1\n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHub]:
    hub = LabHub(tmp_path_factory.mktemp("crowd"), ["alice", *CROWD, *SPECIAL], IMPATIENT, lab={"startsAtOnce": 4})
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()


async def start_and_wait(hub: LabHub, name: str) -> None:
    async with Program(hub.deployment.url) as program:
        assert await program.start_lab(name) in (201, 202)
        await program.until_ready(name)


async def test_of_forty_at_once_none_is_refused_and_none_is_made_twice(hub: LabHub) -> None:
    async with Program(hub.deployment.url) as program:
        # Each client asks three times at once: people press the button again.
        answers = await asyncio.gather(*(program.start_lab(name) for name in CROWD for _ in range(3)))
        assert set(answers) <= {201, 202}, Counter(answers)
        await asyncio.gather(*(program.until_ready(name) for name in CROWD))
    told = hub.kubernetes.told()
    assert {told["made"][f"pods/jld-lab-{name}"] for name in CROWD} == {1}
    assert not told["deleted"].keys() & {f"pods/jld-lab-{name}" for name in CROWD}


async def test_a_pod_that_was_made_although_the_request_timed_out_is_kept(hub: LabHub) -> None:
    hub.kubernetes.order(name="lab-late", late=4, times=1)
    await start_and_wait(hub, "late")
    told = hub.kubernetes.told()
    assert told["asked"]["pods/jld-lab-late"] > 1
    assert told["made"]["pods/jld-lab-late"] == 1
    assert "pods/jld-lab-late" not in told["deleted"]


async def test_a_pod_of_an_earlier_start_is_no_pod_of_this_one(hub: LabHub) -> None:
    """Somebody's lab from before, which the hub has forgotten, has other settings: it is replaced."""
    await start_and_wait(hub, "left")
    hub.deployment.hub.stop()
    for file in hub.deployment.directory.glob("jupyterhub.sqlite*"):
        file.unlink()
    hub.deployment.hub.start()
    hub.deployment.wait()
    await start_and_wait(hub, "left")
    told = hub.kubernetes.told()
    assert (told["made"]["pods/jld-lab-left"], told["deleted"]["pods/jld-lab-left"]) == (2, 1)


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_busy_api_server_is_asked_again(hub: LabHub, code: int) -> None:
    hub.kubernetes.order(name="lab-busy", refuse={"code": code, "message": "too many requests"}, times=2)
    await start_and_wait(hub, "busy")
    async with Program(hub.deployment.url) as program:
        assert (await program.ask("DELETE", "users/busy/server"))[0] in (202, 204)


async def test_the_hub_lives_on_after_many_failures(hub: LabHub) -> None:
    """A stock hub stops itself after five."""
    hub.kubernetes.order(name="lab-doomed", refuse={"code": 403, "message": "no"})
    process = hub.deployment.hub.process
    async with Program(hub.deployment.url) as program:
        assert [await program.start_lab("doomed") for _ in range(8)] == [500] * 8
        await asyncio.sleep(3)
        assert (await program.ask("GET", "users/doomed"))[0] == 200
    assert process is not None
    assert process.poll() is None
