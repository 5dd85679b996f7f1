"""What is pulled where and when, in a cluster whose clock is turned by hand."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jldhub.images.prepuller.node import Place
from jldhub.images.prepuller.pods import LabPod
from jldhub.images.prepuller.record import given_up, stops
from jldhub.settings.names import Names

from .world import GPU, START, Kubelet, World, image, lab_names, node

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
NOT_FOUND = "rpc error: registry.example.org/lab:w_0: not found"
NAMES: dict[str, Any] = {
    "namespace": "science",
    "hubUrl": "http://jld-hub:8081",
    "frontDoor": ["jld-nginx-api:8001"],
    "labPod": "jld-lab",
    "labServiceAccount": "jld-lab",
    "labImage": "localhost/jld/lab:0.1.0",
    "hubImage": "localhost/jld/hub:0.1.0",
    "imagePullSecrets": ["registry"],
    "volumes": {"home": {"claim": "jld-home", "mountPath": "/home", "readOnly": False}},
}


@pytest.fixture
def names() -> Names:
    return lab_names(NAMES)


def kubelets(number: int) -> list[Kubelet]:
    return [Kubelet(f"n{each}", START - each * HOUR) for each in range(number)]


@st.composite
def clusters(draw: st.DrawFn) -> World:
    """Nodes that are ready or not, cordoned, tainted, of two architectures, slow and fast; images for some of them."""
    drawn = []
    for number in range(draw(st.integers(1, 8))):
        changes = draw(
            st.sampled_from(
                [
                    {},
                    {},
                    {"unschedulable": True},
                    {"conditions": [{"type": "Ready", "status": "Unknown"}]},
                    {"taints": [{"key": "gpu", "effect": "NoSchedule"}]},
                    {"taints": [{"key": "gpu", "effect": "PreferNoSchedule"}]},
                    {"taints": [{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]},
                    {"labels": {"pool": "labs"}},
                    {"info": {"architecture": "arm64"}},
                    {"info": {"operatingSystem": "windows"}},
                    {"going": True},
                ]
            )
        )
        seconds, told = draw(st.sampled_from([1, 30, 300])), draw(st.sampled_from([0, 45]))
        drawn.append(Kubelet(f"n{number}", START - number * HOUR, changes, seconds=seconds, told_after=told))
    places = [Place({}, ()), Place({"pool": "labs"}, ()), Place({}, (GPU,))]
    wanted = [
        image(number, *draw(st.lists(st.sampled_from(places), min_size=1, max_size=2)), sizes=sizes)
        for number, sizes in enumerate(draw(st.lists(st.sampled_from([{}, {"amd64": 8}, {"": 8}]), max_size=5)))
    ]
    return World(drawn, wanted, lab_names(NAMES), draw(st.integers(1, 4)))


@given(clusters())
@settings(deadline=None, max_examples=60)
def test_every_node_gets_what_labs_there_want_each_image_once_and_then_there_is_rest(world: World) -> None:
    """The world itself checks at each look: one pull on a node, never more than allowed, none on an ineligible node."""
    world.turn(5 * HOUR)

    assert world.missing() == set()
    assert max(Counter((name, reference) for _, name, reference in world.created).values(), default=1) == 1
    assert world.pods == {}
    assert len(world.deleted) == len(world.created)


@given(clusters(), st.integers(0, 60))
@settings(deadline=None, max_examples=30)
def test_a_controller_that_starts_anew_at_any_moment_pulls_nothing_twice(world: World, looks: int) -> None:
    world.turn(looks * 10 * MINUTE / 6)
    world.restart()
    world.turn(5 * HOUR)

    assert world.missing() == set()
    assert max(Counter((name, reference) for _, name, reference in world.created).values(), default=1) == 1


def test_images_come_in_their_order_and_new_nodes_first(names: Names) -> None:
    world = World(kubelets(3), [image(0), image(1)], names, at_once=1)
    world.turn(20 * MINUTE)

    # n0 is the youngest. A second image is pulled when each node has the first.
    assert [(name, reference[-1]) for _, name, reference in world.created] == [
        *(("n0", "0"), ("n1", "0"), ("n2", "0")),
        *(("n0", "1"), ("n1", "1"), ("n2", "1")),
    ]


def test_a_node_that_is_added_later_is_served_before_the_others_go_on(names: Names) -> None:
    world = World(kubelets(2), [image(0), image(1), image(2)], names, at_once=1)
    world.turn(2 * MINUTE)
    world.kubelets["new"] = Kubelet("new", world.now)
    before = len(world.created)
    world.turn(2 * MINUTE)

    assert world.created[before:][0][1] == "new"


def test_nothing_is_pulled_where_a_lab_is_starting(names: Names) -> None:
    world = World(kubelets(1), [image(0)], names)
    world.labs = [LabPod("n0", frozenset({"x"}), is_starting=True)]
    world.turn(10 * MINUTE)
    assert world.created == []

    world.labs = [LabPod("n0", frozenset({"x"}), is_starting=False)]
    world.turn(10 * MINUTE)
    assert world.missing() == set()


def test_a_pod_is_kept_for_ten_minutes_after_its_pull(names: Names) -> None:
    world = World(kubelets(1), [image(0)], names)
    world.turn(10 * MINUTE)
    assert len(world.pods) == 1
    world.turn(MINUTE)
    assert world.pods == {}


def test_a_failed_pull_is_tried_again_later_and_later(names: Names) -> None:
    world = World(kubelets(1), [image(0)], names)
    world.kubelets["n0"].refuses[image(0).runnable] = "dial tcp: i/o timeout"
    world.turn(6 * HOUR)

    pauses = [(b - a).total_seconds() for (a, *_), (b, *_) in zip(world.created, world.created[1:], strict=False)]
    # Each pull itself takes half a minute.
    assert pauses == [90.0, 150.0, 270.0, 510.0, 990.0, 1950.0, *(3630.0 for _ in pauses[6:])]


def test_one_image_that_fails_holds_up_no_other(names: Names) -> None:
    world = World(kubelets(3), [image(0), image(1), image(2)], names)
    for kubelet in world.kubelets.values():
        kubelet.refuses[image(0).runnable] = NOT_FOUND
    world.turn(30 * MINUTE)

    assert world.missing() == {(name, image(0).runnable) for name in world.kubelets}


@pytest.mark.parametrize(("nodes", "refused"), [(2, 2), (3, 3), (50, 3)])
def test_an_image_that_its_registry_refuses_is_stopped_everywhere(names: Names, nodes: int, refused: int) -> None:
    world = World(kubelets(nodes), [image(0)], names, at_once=3)
    for kubelet in world.kubelets.values():
        kubelet.refuses[image(0).runnable] = NOT_FOUND
    world.turn(50 * MINUTE)

    (stop,) = stops(world.record, world.wanted).values()
    assert (stop.message, stop.nodes) == (f"ErrImagePull: {NOT_FOUND}", refused)
    assert len(world.created) == refused

    before = len(world.created)
    world.turn(4 * HOUR)  # one node an hour tries again
    assert 3 <= len(world.created) - before <= 4

    for kubelet in world.kubelets.values():
        kubelet.refuses.clear()
    world.turn(4 * HOUR)
    assert stops(world.record, world.wanted) == {}
    assert world.missing() == set()


def test_a_network_that_fails_stops_no_image(names: Names) -> None:
    world = World(kubelets(5), [image(0)], names)
    for kubelet in world.kubelets.values():
        kubelet.refuses[image(0).runnable] = "dial tcp: connection refused"
    world.turn(20 * MINUTE)

    assert stops(world.record, world.wanted) == {}


def test_an_image_that_somebody_removes_is_pulled_again(names: Names) -> None:
    world = World(kubelets(1), [image(0)], names)
    world.turn(5 * MINUTE)
    world.kubelets["n0"].images.clear()
    world.turn(5 * MINUTE)

    assert world.missing() == set()
    assert len(world.created) == 2


def test_an_image_that_vanishes_again_and_again_is_given_up_there_for_a_day(names: Names) -> None:
    """Its kubelet has no room for it."""
    world = World(kubelets(2), [image(0), image(1)], names)
    full = world.kubelets["n0"]
    for _ in range(6 * 24):  # kubelets collect every five minutes
        world.turn(5 * MINUTE)
        full.images.pop(image(0).runnable, None)

    assert Counter(name for _, name, reference in world.created if reference == image(0).runnable) == {
        "n0": 3,
        "n1": 1,
    }
    assert given_up(world.record.attempts["n0", image(0).runnable], world.now)
    world.turn(DAY)
    assert world.missing() == set()


def test_a_kubelet_that_starts_anew_and_tells_of_no_image_has_lost_none(names: Names) -> None:
    world = World(kubelets(1), [image(0)], names)
    world.turn(20 * MINUTE)
    world.kubelets["n0"].node = lambda now: node("n0", images=[])  # type: ignore[method-assign]
    world.turn(10 * MINUTE)

    assert len(world.created) == 1


@pytest.mark.parametrize(
    "shown",
    [
        [{"names": [f"example.org/big{number}@x"], "sizeBytes": 9} for number in range(50)],
        [{"names": [f"example.org/many{number}@x" for number in range(5)], "sizeBytes": 9}],
    ],
    ids=["fifty images", "five names"],
)
def test_a_node_that_does_not_tell_of_all_images_gets_each_once_a_day(names: Names, shown: list[Any]) -> None:
    world = World(kubelets(1), [image(0), image(1)], names)
    world.kubelets["n0"].node = lambda now: node("n0", images=shown)  # type: ignore[method-assign]
    world.turn(timedelta(hours=23))

    assert len(world.created) == 2


def test_a_pull_that_takes_too_long_has_failed(names: Names) -> None:
    world = World(kubelets(1), [image(0), image(1)], names)
    world.kubelets["n0"].seconds = 1e9
    world.turn(32 * MINUTE)

    attempt = world.record.attempts["n0", image(0).runnable]
    assert (attempt.failures, attempt.message) == (1, "it takes longer than 30 minutes")


def test_what_is_not_wanted_any_more_is_forgotten(names: Names) -> None:
    world = World(kubelets(2), [image(0), image(1)], names)
    world.kubelets["n0"].refuses[image(0).runnable] = NOT_FOUND
    world.turn(2 * MINUTE)
    world.wanted = [image(1)]
    del world.kubelets["n1"]
    world.turn(MINUTE)

    assert set(world.record.attempts) <= {("n0", image(1).runnable)}
    assert {pod["spec"]["nodeName"] for pod in world.pods.values()} <= {"n0"}
