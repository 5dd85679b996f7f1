"""What one node cannot show: pods, policies and homes across two nodes, and what goes on when one is drained or lost. In this order."""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest
import yaml
from jlddev.clusters import load, nodes, providers, workers
from jlddev.images import build
from playwright.sync_api import Browser

from tests.hub.registry import Registry

from .door import DOOR
from .lab import Lab, write_steadily
from .load import Load
from .person import Person, sit_down
from .registry import pull_secret, push_bare
from .release import Ports, Release

WORKER = nodes.WORKERS[0]
PORTS = Ports(http=32280, https=32283)
DOORS = {nodes.FIRST.name: 32281, WORKER.name: 32282}  # node ports that lead to the front door on one node each
TAINT = {
    "key": "jld.test/two-nodes",
    "effect": "NoSchedule",
}  # others run beside these tests, and must not lose their pods
TOLERATED = [{"key": TAINT["key"], "operator": "Exists"}]
GIVEN_UP = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10}
    for key in ("unreachable", "not-ready")
]
PREFERRED = {
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {
                "weight": 100,
                "preference": {
                    "matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [WORKER.name]}]
                },
            }
        ]
    }
}
DISKS = "jld-test-shared"  # a class whose disks every node reaches
NAME = "jld-two"
PULLING = Ports(http=32284, https=32285)
PULLED, LOGIN = "two/bare", "registry-login"
STATUS, EVENTS = "/user/ada/api/status", "/user/ada/api/events/subscribe"
SIZES = {"left": nodes.FIRST.name, "right": WORKER.name}


@pytest.fixture(scope="module")
def worker(provider: providers.Provider, image_overlay: object) -> Iterator[nodes.Node]:
    """A second node for as long as this module lasts, with the chart's images."""
    if provider.name != "native":
        pytest.skip("The second node is one of the native cluster: unset KUBECONFIG, where no Docker runs")
    workers.join(WORKER, [TAINT])
    try:
        workers.wait_until_ready(WORKER)
        built = [build.node_helper(), *build.chart_images()]
        provider.load(build.build(built), built)
        yield WORKER
    finally:
        workers.remove(WORKER)


def disk(name: str, mode: str) -> dict[str, Any]:
    """A volume that moves between nodes with the pod that has it."""
    folder = nodes.shared() / NAME / name
    shutil.rmtree(folder, ignore_errors=True)  # of a test run that was killed
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{NAME}.{NAME}-disk-{name}"},  # which goes with the release
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": [mode],
            "storageClassName": DISKS,
            "claimRef": {"namespace": NAME, "name": f"{NAME}-{name}"},
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/var/lib/jld-shared/{NAME}/{name}"},
        },
    }


@pytest.fixture(scope="module")
def release(make_release: Callable[..., Release], worker: nodes.Node) -> Release:
    """Hub and file server prefer the second node, and their disks come along to the first."""
    site = {
        "global": {"hostname": "two.test", "port": PORTS.https, "pod": {"tolerations": [*TOLERATED, *GIVEN_UP]}},
        "hub": {
            "auth": {"dummy": {"users": ["ada", "bob"]}},
            "db": {"capacity": "1Gi", "storageClass": DISKS},
            "pod": {"affinity": PREFERRED},
            "lab": {
                "pod": {"tolerations": TOLERATED},
                "sizes": {
                    size: {"cpu": 0.5, "memory": "1Gi", "nodeSelector": {"kubernetes.io/hostname": node}}
                    for size, node in SIZES.items()
                },
            },
        },
        "storage": {
            "mode": "nfs",
            "volumes": {"scratch": {"mountPath": "/scratch", "directoryMode": "1777"}},
            "nfs": {
                "capacity": "1Gi",
                "storageClass": DISKS,
                "clients": [
                    "198.18.0.0/15",
                    "10.244.0.1/32",
                    "10.244.16.1/32",
                ],  # and a node's own in its pods' network
                "pod": {"affinity": PREFERRED},
            },
        },
        "nginx": {
            "replicas": 2,
            "drainTimeout": "5s",
            "service": {"type": "NodePort", "nodePorts": {"http": PORTS.http, "https": PORTS.https}},
            "tls": {"selfSigned": True},
        },
    }
    disks = [disk("hub-db", "ReadWriteOnce"), disk("file-server", "ReadWriteOnce")]
    return make_release(NAME, PORTS, site, enforce="privileged", before=yaml.safe_dump_all(disks))


def start(browser: Browser, release: Release, name: str, size: str) -> Person:
    """Log in and start a lab on a node."""
    person = sit_down(browser, release)
    person.log_in_with_password(name, release.dummy_password)
    person.start_lab(size)
    return person


@pytest.fixture(scope="module")
def ada(browser: Browser, release: Release) -> Iterator[Person]:
    """Somebody with a lab on the first node."""
    person = start(browser, release, "ada", "left")
    yield person
    person.page.context.close()


@pytest.fixture(scope="module")
def bob(browser: Browser, release: Release) -> Iterator[Person]:
    """Somebody with a lab on the second node."""
    person = start(browser, release, "bob", "right")
    yield person
    person.page.context.close()


def until(condition: Callable[[], bool], sentence: str, seconds: float = 180) -> float:
    """Wait; returns the seconds that it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, sentence
        time.sleep(0.2)
    return time.monotonic() - begun


def places(release: Release, component: str) -> list[str]:
    """The nodes of a component's pods that are ready and stay."""
    return sorted(
        pod.obj["spec"]["nodeName"]
        for pod in release.pods(component)
        if "deletionTimestamp" not in pod.metadata
        and any(
            each["type"] == "Ready" and each["status"] == "True" for each in pod.obj["status"].get("conditions", [])
        )
    )


def moved(release: Release, copies: Mapping[str, int]) -> bool:
    """Whether all of these components are at the first node."""
    return all(places(release, each) == [nodes.FIRST.name] * count for each, count in copies.items())


def address(release: Release, pod: str) -> str:
    return release.kubectl("get", "pod", pod, "--output=jsonpath={.status.podIP}")


def connecting(host: str, port: int) -> str:
    """A program that ends well where that port is reached."""
    return f"import socket; socket.create_connection(({host!r}, {port}), 5); print('reached')"


def test_the_scheduler_spreads_front_doors_and_puts_the_rest_where_it_is_to_be(release: Release) -> None:
    assert places(release, "nginx") == [nodes.FIRST.name, WORKER.name]
    assert places(release, "hub") == places(release, "file-server") == [WORKER.name]


def test_labs_of_both_nodes_have_their_homes_and_shared_files_and_locks_at_one_server(
    release: Release, ada: Person, bob: Person
) -> None:
    left, right = Lab(release, "ada"), Lab(release, "bob")
    for lab, size in ((left, "left"), (right, "right")):
        assert lab.kubectl("get", "pod", lab.pod, "--output=jsonpath={.spec.nodeName}") == SIZES[size]
        lab.python(f"open('mine.txt', 'w').write({lab.name!r})")
        assert lab.python("print(open('mine.txt').read())") == lab.name
    left.python("open('/scratch/shared.txt', 'w').write('for bob')")
    assert right.python("print(open('/scratch/shared.txt').read())") == "for bob"
    holding = """
import fcntl, os, subprocess
file = open('/scratch/lock', 'w')
os.chmod('/scratch/lock', 0o666)
fcntl.lockf(file, fcntl.LOCK_EX)
if not os.fork():
    import time
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    fcntl.lockf(file, fcntl.LOCK_EX)
    open('/scratch/held', 'w').close()
    time.sleep(15)
    os._exit(0)
os._exit(0)
"""
    left.python(holding)
    trying = "import fcntl; fcntl.lockf(open('/scratch/lock', 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB); print('got it')"
    until(lambda: right.python("import os; print(os.path.exists('/scratch/held'))") == "True", "nobody holds the lock")
    assert "Resource temporarily unavailable" in right.failing(trying)
    until(lambda: "got it" in said(right, trying), "the lock is never free")


def test_a_claim_that_both_nodes_write_has_the_homes_and_shared_files_of_labs_of_both(
    install: Callable[..., AbstractContextManager[Release]], browser: Browser, release: Release
) -> None:
    """Without a file server: on a class whose volumes many nodes write, `ReadWriteMany`."""
    ports = Ports(http=32286, https=32287)
    site = {
        "global": {"hostname": "claim.test", "port": ports.https, "pod": {"tolerations": TOLERATED}},
        "hub": {
            "auth": {"dummy": {"users": ["ada", "bob"]}},
            "lab": {"pod": {"tolerations": TOLERATED}, "sizes": release.site["hub"]["lab"]["sizes"]},
        },
        "storage": {
            "claim": {"storageClass": "shared", "capacity": "1Gi"},
            "volumes": {"scratch": {"mountPath": "/scratch", "directoryMode": "1777"}},
        },
        "nginx": {
            "replicas": 1,
            "service": {"type": "NodePort", "nodePorts": {"http": ports.http, "https": ports.https}},
            "tls": {"selfSigned": True},
        },
    }
    with install("jld-claim", ports, site) as claimed:  # it goes again: the next tests drain and lose nodes
        people = {name: start(browser, claimed, name, size) for name, size in (("ada", "left"), ("bob", "right"))}
        left, right = Lab(claimed, "ada"), Lab(claimed, "bob")
        assert (
            claimed.kubectl("get", "pvc", f"{claimed.name}-home", "--output=jsonpath={.status.accessModes}")
            == '["ReadWriteMany"]'
        )
        left.python("open('mine.txt', 'w').write('of ada'); open('/scratch/shared.txt', 'w').write('for bob')")
        assert right.python("print(open('/scratch/shared.txt').read())") == "for bob"
        assert "No such file" in right.failing("open('mine.txt')")

        people["ada"].stop_lab()
        people["ada"].start_lab("right")
        assert left.kubectl("get", "pod", left.pod, "--output=jsonpath={.spec.nodeName}") == WORKER.name
        assert left.python("print(open('mine.txt').read())") == "of ada"
        for person in people.values():
            person.stop_lab()
            person.page.context.close()


def said(lab: Lab, program: str) -> str:
    """What a program prints, or why it failed."""
    try:
        return lab.python(program)
    except AssertionError as error:
        return str(error)


def test_network_policies_hold_between_nodes(release: Release, ada: Person, bob: Person) -> None:
    left, right = Lab(release, "ada"), Lab(release, "bob")
    (server,) = release.pods("file-server")
    for lab, other in ((left, right), (right, left)):
        assert lab.python(connecting(f"{NAME}-hub", 8081)) == "reached"
        for closed in ((address(release, other.pod), 8888), (address(release, server.name), 2049)):
            assert "Error" in lab.failing(connecting(*closed))


@contextmanager
def drained(release: Release) -> Iterator[float]:
    """The second node without pods; how many seconds that took."""
    begun = time.monotonic()
    release.kubectl("drain", WORKER.name, "--force", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s")
    yield time.monotonic() - begun
    release.kubectl("uncordon", WORKER.name)


def test_a_node_with_hub_file_server_and_a_front_door_is_drained_and_labs_of_the_other_go_on(
    release: Release, ada: Person, bob: Person, browser: Browser, describe_figure: Callable[[str], None]
) -> None:
    lab, took = Lab(release, "ada"), []
    before = lab.uid

    def drain() -> None:
        with drained(release) as seconds:
            took.append(seconds)
            until(lambda: moved(release, {"nginx": 2, "hub": 1, "file-server": 1}), "not all move to the other node")

    with Load(ada, EVENTS) as requests:
        stream = requests.stream(STATUS, PORTS.https, 2)
        written = write_steadily(lab, "drained.bin", seconds=50, meanwhile=drain)
        failures = requests.end(stream).failures
    assert lab.python(written.check) == "every block is there"
    assert failures == []
    assert lab.uid == before
    describe_figure(
        f"two nodes: drained of hub, file server and a front door in {took[0]:.0f} s; {stream.done} requests to a lab of the "
        f"other without a failure, its longest wait for a write {written.longest_wait:.1f} s"
    )
    assert ada.get("/hub/home").status_code == 200
    until(lambda: no_lab(bob), "the hub does not see that a lab was evicted")
    bob.start_lab("left")
    assert Lab(release, "bob").python("print(open('mine.txt').read())") == "bob"
    bob.stop_lab()


@pytest.fixture(scope="module")
def back(release: Release) -> Iterator[None]:
    """At the end the second node is there again, without which nothing on it goes away."""
    yield
    if not WORKER.runs():
        workers.join(WORKER, [TAINT])
        workers.wait_until_ready(WORKER)


def move(release: Release, component: str, wanted: Sequence[str]) -> None:
    """Have the scheduler place one pod of a component anew."""
    (pod, *_) = release.pods(component)
    release.kubectl("delete", "pod", pod.name)
    until(lambda: places(release, component) == list(wanted), f"{component} is not at {wanted}")


@pytest.fixture
def doors(release: Release, back: None) -> Iterator[None]:
    """The front door of each node at a port of its own."""
    move(release, "nginx", sorted(DOORS))
    for pod in release.pods("nginx"):
        if "deletionTimestamp" not in pod.metadata:
            release.kubectl("label", "pod", pod.name, f"door={pod.obj['spec']['nodeName']}")
    for name, port in DOORS.items():
        release.apply(DOOR.format(name=name, port=port))
    yield
    for name in DOORS:
        release.kubectl("delete", "service", f"door-{name}")


def is_ready(release: Release) -> bool:
    """Whether the cluster takes the second node for Ready."""
    conditions = json.loads(release.kubectl("get", "node", WORKER.name, "--output=json"))["status"]["conditions"]
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


@pytest.mark.usefixtures("doors")
def test_a_node_with_a_front_door_and_a_lab_is_lost_and_who_comes_through_the_other_notices_nothing(
    release: Release, ada: Person, bob: Person, describe_figure: Callable[[str], None]
) -> None:
    bob.start_lab("right")
    with Load(ada, EVENTS) as requests:
        until(
            lambda: all(requests.answers(STATUS, port) for port in DOORS.values()), "a front door's own port is silent"
        )
        lost, kept = (requests.web_sockets(EVENTS, DOORS[name], 20) for name in (WORKER.name, nodes.FIRST.name))
        through_kept = requests.stream(STATUS, DOORS[nodes.FIRST.name], 2)
        through_any = requests.stream(STATUS, PORTS.https, 2, new_connections=True)

        workers.lose(WORKER)
        begun = time.monotonic()
        until(lambda: not is_ready(release), "nobody notices that a node is lost")
        noticed = time.monotonic() - begun
        until(
            lambda: all(requests.answers(STATUS, PORTS.https) for _ in range(10)), "requests still go to the lost node"
        )
        right = time.monotonic() - begun
        until(lambda: lost.lost == 20, "WebSockets through the lost node go on")
        until(lambda: places(release, "nginx") == [nodes.FIRST.name] * 2, "the lost front door is not replaced")
        replaced = time.monotonic() - begun
        unharmed, harmed = requests.end(through_kept), requests.end(through_any)
        assert kept.lost == 0
    assert unharmed.failures == []
    assert [each for each in harmed.failures if each.isdigit()] == []
    describe_figure(
        f"two nodes: one lost, noticed after {noticed:.0f} s; {unharmed.done} requests and 20 WebSockets through the front door of "
        f"the other without a failure; {len(harmed.failures)} of {harmed.done} new connections through both failed, none after "
        f"{right:.0f} s; two front doors again after {replaced:.0f} s"
    )


def test_a_lab_of_the_lost_node_is_started_at_the_other_once_the_node_is_given_up(
    release: Release, bob: Person, describe_figure: Callable[[str], None]
) -> None:
    begun = time.monotonic()
    release.kubectl("taint", "node", WORKER.name, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    until(lambda: no_lab(bob), "the hub does not see that a lab is lost")
    gone = time.monotonic() - begun
    bob.start_lab("left")
    describe_figure(
        f"two nodes: a lab of the lost one is gone {gone:.0f} s after the node was given up, and on the screen at the other "
        f"after {time.monotonic() - begun:.0f} s"
    )
    assert Lab(release, "bob").python("print(open('mine.txt').read())") == "bob"


def no_lab(bob: Person) -> bool:
    """Whether the hub has none of his. A connection that was led to a front door that is gone says nothing of it."""
    try:
        return bool(bob.get("/hub/api/users/bob").json()["servers"] == {})
    except httpx.TransportError:
        return False


def test_a_lost_node_comes_back_and_disturbs_nothing(release: Release, ada: Person, bob: Person) -> None:
    labs = {lab.name: lab.uid for lab in (Lab(release, "ada"), Lab(release, "bob"))}
    workers.join(WORKER, [TAINT])
    workers.wait_until_ready(WORKER)
    release.kubectl("taint", "node", WORKER.name, "node.kubernetes.io/out-of-service-")
    until(lambda: not any("deletionTimestamp" in pod.metadata for pod in release.pods()), "pods of before stay")
    assert {lab.name: lab.uid for lab in (Lab(release, "ada"), Lab(release, "bob"))} == labs
    assert Lab(release, "bob").python("print(open('mine.txt').read())") == "bob"


def test_a_file_servers_node_is_lost_and_writes_from_the_other_wait_and_go_on(
    release: Release, ada: Person, back: None, describe_figure: Callable[[str], None]
) -> None:
    move(release, "file-server", [WORKER.name])
    lab, seen = Lab(release, "ada"), []

    def lose() -> None:
        workers.lose(WORKER)
        seen.append(until(lambda: places(release, "file-server") == [nodes.FIRST.name], "the file server stays lost"))

    written = write_steadily(lab, "lost.bin", seconds=100, meanwhile=lose)
    assert lab.python(written.check) == "every block is there"
    describe_figure(
        f"two nodes: a file server whose node is lost is at the other after {seen[0]:.0f} s (10 of them its tolerations'), "
        f"longest wait for a write {written.longest_wait:.0f} s"
    )


def test_a_node_that_joins_is_given_the_images_of_labs_before_anybody_waits(
    labs: Registry, worker: nodes.Node, make_release: Callable[..., Release], describe_figure: Callable[[str], None]
) -> None:
    workers.remove(worker)
    wanted = f"{labs.host}/{PULLED}@{push_bare(labs, PULLED, '1')}"
    site = {
        "global": {
            "hostname": "joins.test",
            "port": PULLING.https,
            "imagePullSecrets": [LOGIN],
            "certificateAuthorities": labs.authority.read_text(),
        },
        "hub": {
            "auth": {"dummy": {"users": ["ada"]}},
            "lab": {
                "pod": {"tolerations": TOLERATED},
                "images": {
                    "own": {"reference": build.Image("lab", build.FOLDERS["lab"]).reference},
                    "bare": {"reference": f"{labs.host}/{PULLED}:1"},
                },
                "defaultImage": "own",
            },
        },
        "prepuller": {"enabled": True},
        "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
        "nginx": {
            "replicas": 1,
            "service": {"type": "NodePort", "nodePorts": {"http": PULLING.http, "https": PULLING.https}},
            "tls": {"selfSigned": True},
        },
    }
    make_release("jld-joins", PULLING, site, {}, before=pull_secret(LOGIN, labs.host))
    until(lambda: wanted in load.names_in_native(), "the first node has not got the image")
    workers.join(worker, [TAINT])
    workers.wait_until_ready(worker)
    took = until(lambda: wanted in load.names_in_native(worker), "the node that joined is not given the image")
    describe_figure(f"two nodes: an image of labs is on a node {took:.0f} s after it is Ready")
