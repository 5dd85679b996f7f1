"""Several front doors on a real cluster: one is killed, all are killed, all are replaced, while people work."""

import time
from collections.abc import Callable, Iterator

import httpx
import pykube
import pytest
from jlddev.support.paths import CHECKOUT
from playwright.sync_api import Browser

from .door import DOOR
from .load import Load, Stream
from .person import Person, sit_down
from .release import Release

LAB = "/user/grace/"
STATUS = f"{LAB}api/status"
EVENTS = f"{LAB}api/events/subscribe"  # a WebSocket of the lab
PORTS = {"one": 31181, "other": 31182}  # node ports that lead to one pod each


@pytest.fixture(scope="module")
def grace(browser: Browser, release: Release) -> Iterator[Person]:
    """A member who has a running lab."""
    person = sit_down(browser, release)
    person.log_in_with_github("grace")
    person.start_lab("Tiny")
    yield person
    person.stop_lab()
    person.page.context.close()


@pytest.fixture
def load(grace: Person) -> Iterator[Load]:
    with Load(grace, EVENTS) as load:
        yield load


def is_ready(pod: pykube.Pod) -> bool:
    conditions = pod.obj["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def doors(release: Release) -> list[pykube.Pod]:
    """Those that are not on their way out."""
    return [pod for pod in release.pods("nginx") if "deletionTimestamp" not in pod.metadata]


def kill(release: Release, *pods: str) -> None:
    """End nginx at once, with every connection, and take its pod away before kubelet can start it again."""
    for pod in pods:
        release.kubectl("exec", pod, "--container=nginx", "--", "sh", "-c", "kill -TERM 1")
    release.kubectl("delete", "pod", *pods, "--grace-period=0", "--force", "--wait=false")


def until(condition: Callable[[], bool], sentence: str, seconds: float = 120) -> float:
    """Wait; returns the seconds that it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, sentence
        time.sleep(0.05)
    return time.monotonic() - start


def wait_for(stream: Stream, more: int) -> None:
    wanted = stream.done + more
    until(lambda: stream.done >= wanted, f"{stream.done} of {wanted} requests in two minutes")


@pytest.fixture
def pair(release: Release) -> Iterator[dict[str, str]]:
    """The two pods by name, each with a port of its own."""
    until(lambda: len(doors(release)) == 2 and all(map(is_ready, doors(release))), "there are not two front doors")
    pods = {name: pod.name for name, pod in zip(PORTS, doors(release), strict=True)}
    for name, port in PORTS.items():
        release.kubectl("label", "pod", pods[name], f"door={name}")
        release.apply(DOOR.format(name=name, port=port))
    yield pods
    for name in PORTS:
        release.kubectl("delete", "service", f"door-{name}")


def test_one_of_two_is_killed_and_who_came_through_the_other_notices_nothing(
    pair: dict[str, str], load: Load, grace: Person, release: Release, describe_figure: Callable[[str], None]
) -> None:
    for port in PORTS.values():
        until(lambda port=port: load.answers(STATUS, port), "a front door's own port does not answer")
    lost, kept = (load.web_sockets(EVENTS, port, 100) for port in PORTS.values())
    through_other = load.stream(STATUS, PORTS["other"], 4)
    through_any = load.stream(STATUS, release.ports.https, 2, new_connections=True)
    wait_for(through_other, 1000)

    kill(release, pair["one"])
    killed = time.monotonic()
    until(lambda: lost.lost == 100, "a killed front door's WebSockets go on")
    until(lambda: len(doors(release)) == 2, "none takes its place")
    (new,) = (pod.name for pod in doors(release) if pod.name not in pair.values())
    release.kubectl("label", "pod", new, "door=one", "--overwrite")
    until(lambda: all(map(is_ready, doors(release))), "the new one does not become ready")
    ready = time.monotonic() - killed
    reconnected = load.web_sockets(EVENTS, release.ports.https, 100)
    filled = until(lambda: load.answers(STATUS, PORTS["one"]), "the new one does not know the lab")
    wait_for(through_other, 4000)

    # Also those who came through the killed one saw broken connections only, and no answer that was wrong.
    broken = load.end(through_any).failures
    describe_figure(
        f"front door: one of two killed, {load.end(through_other).done} requests through the other without a failure, "
        f"{len(broken)} of {through_any.done} through both broken; a new one ready after {ready:.1f} s, "
        f"leading to the lab {filled:.1f} s later"
    )
    assert through_other.failures == []
    assert [each for each in broken if each.isdigit()] == []
    assert (kept.lost, reconnected.lost) == (0, 0)


def test_one_of_two_crashes_and_starts_again_in_its_pod(
    load: Load, release: Release, describe_figure: Callable[[str], None]
) -> None:
    """Whoever is led to it before the cluster knows waits until it has its routes, and gets no answer that is wrong."""
    until(lambda: len(doors(release)) == 2 and all(map(is_ready, doors(release))), "there are not two front doors")
    pod = doors(release)[0].name
    stream = load.stream(STATUS, release.ports.https, 4, new_connections=True)
    wait_for(stream, 200)
    release.kubectl("exec", pod, "--container=nginx", "--", "sh", "-c", "kill -TERM 1")
    until(lambda: restarts(release, pod) > 0, "it does not start again")
    until(lambda: all(map(is_ready, doors(release))), "it does not become ready again")
    wait_for(stream, 200)
    broken = load.end(stream).failures
    describe_figure(f"front door: one of two crashed, {len(broken)} of {stream.done} requests broken")
    assert [each for each in broken if each.isdigit()] == []


def restarts(release: Release, pod: str) -> int:
    """How often a front door's container was started again."""
    statuses = [each.obj["status"].get("containerStatuses", []) for each in doors(release) if each.name == pod]
    return sum(status["restartCount"] for each in statuses for status in each)


def test_a_rolling_upgrade_drops_no_request_and_no_web_socket(
    load: Load, release: Release, describe_figure: Callable[[str], None]
) -> None:
    before = {pod.name for pod in doors(release)}
    sockets = load.web_sockets(EVENTS, release.ports.https, 50)
    streams = [load.stream(STATUS, release.ports.https, 2, new_connections=new) for new in (True, False)]
    for stream in streams:
        wait_for(stream, 300)

    words = [str(CHECKOUT / "chart"), "--values", str(release.values), "--set", "nginx.maxBodySize=7g"]
    release.helm("upgrade", release.name, *words, "--wait", "--timeout=5m")

    until(lambda: not before & {pod.name for pod in doors(release)}, "the old ones stay")
    for stream in streams:
        wait_for(stream, 300)
    release.install()  # and back again
    done = sum(load.end(stream).done for stream in streams)
    refused = sum(len(stream.failures) for stream in streams)
    describe_figure(f"front door: both replaced twice during {done} requests, {refused} connections refused")
    fresh, kept = (stream.failures for stream in streams)
    assert kept == []
    # A node's kube-proxy that is late leads a new connection to a copy that is gone: no copy can answer that.
    assert all("Connect call failed" in failure for failure in fresh)
    assert len(fresh) * 500 < done
    assert sockets.lost == 0  # those that are replaced keep them for nginx.drainTimeout


def reaches_the_hub(person: Person) -> bool:
    """Over a new connection, which for a moment may still be led to an address of a copy that is gone, where nobody answers."""
    try:
        return person.get("/hub/home").status_code == 200
    except httpx.ConnectTimeout:
        return False


def test_all_are_killed_and_come_back_with_all_routes(
    load: Load, grace: Person, release: Release, describe_figure: Callable[[str], None]
) -> None:
    names = [pod.name for pod in doors(release)]
    until(lambda: load.answers(STATUS, release.ports.https), "the lab does not answer")
    stream = load.stream(STATUS, release.ports.https, 2, new_connections=True)
    wait_for(stream, 50)
    start = time.monotonic()
    kill(release, *names)
    until(lambda: bool(stream.failures), "nobody notices that both are gone")
    until(lambda: load.answers(STATUS, release.ports.https), "the front door does not come back")
    seconds = time.monotonic() - start
    assert [each for each in load.end(stream).failures if each.isdigit() and each != "503"] == []
    describe_figure(f"front door: both killed, the lab is reached again after {seconds:.1f} s")
    until(lambda: len(doors(release)) == 2 and all(map(is_ready, doors(release))), "there are not two front doors")
    until(lambda: reaches_the_hub(grace), "the hub is not reached")


def test_the_hub_is_killed_and_labs_are_reached_all_the_time(load: Load, release: Release) -> None:
    stream = load.stream(STATUS, release.ports.https, 2)
    sockets = load.web_sockets(EVENTS, release.ports.https, 20)
    (hub,) = release.pods("hub")
    release.kubectl("delete", "pod", hub.name, "--grace-period=0", "--force")
    release.kubectl("rollout", "status", f"deployment/{release.name}-hub", "--timeout=180s")
    wait_for(stream, 500)
    assert load.end(stream).failures == []
    assert sockets.lost == 0
    assert all(map(is_ready, doors(release)))
