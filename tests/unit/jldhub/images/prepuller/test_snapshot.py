"""What the hub is told, what is remembered over a restart, and what whoever runs the site is warned about."""

from datetime import timedelta

import pytest
from jldhub.images.nodes import Attempt, ImageOnNodes, NodeRow, NodesError, NodesState, PullUnderWay
from jldhub.images.prepuller.record import Record
from jldhub.images.prepuller.snapshot import is_new, restored, snapshot
from jldhub.images.prepuller.warnings import warnings

from .test_plan import NAMES
from .world import START, Kubelet, World, image, images_of, lab_names, node

MINUTE = timedelta(minutes=1)
FIRST, SECOND = image(0).runnable, image(1).runnable
REFUSED = Attempt(
    reference=FIRST, failures=1, failed=START, message="ErrImagePull: not found", refused=True, counted="1"
)


def test_it_tells_which_node_has_what_and_what_goes_on() -> None:
    world = World(
        [
            Kubelet("a"),
            Kubelet("b", changes={"unschedulable": True}),
            Kubelet("c", refuses={FIRST: "i/o timeout"}),
        ],
        [image(0, sizes={"amd64": 7_900_000_000}), image(1)],
        lab_names(NAMES),
    )
    world.turn(timedelta(seconds=31), step=31)
    world.look()
    state = snapshot(world.nodes(), world.wanted, world.record, world.pulls(), [], world.now)

    assert state.images == [
        ImageOnNodes(reference=FIRST, title="lab:w_0", bytes=7_900_000_000, eligible=2, there=1),
        ImageOnNodes(reference=SECOND, title="lab:w_1", eligible=2, there=0),
    ]
    a, b, c = state.nodes
    begun = START + timedelta(seconds=31)
    assert (a.name, a.why_not, a.there, a.pulling) == ("a", "", [0], PullUnderWay(reference=SECOND, since=begun))
    assert b == NodeRow(name="b", why_not="it is cordoned")
    assert c.pulling == PullUnderWay(reference=SECOND, since=begun)
    assert c.attempts == [
        Attempt(reference=FIRST, failures=1, failed=begun, message="ErrImagePull: i/o timeout", counted="2")
    ]


def test_the_size_that_no_registry_told_is_told_by_a_node() -> None:
    nodes = [node("a"), node("b", images=images_of(FIRST))]
    assert snapshot(nodes, [image(0)], Record(), [], [], START).images[0].bytes == 8


def test_what_was_remembered_is_known_to_the_next_controller() -> None:
    world = World([Kubelet("a"), Kubelet("c", refuses={FIRST: "not found"})], [image(0), image(1)], lab_names(NAMES))
    world.turn(5 * MINUTE)
    state = snapshot(world.nodes(), world.wanted, world.record, world.pulls(), [], world.now)

    assert restored(NodesState.unpack(state.pack())) == world.record


def test_a_state_of_fewer_images_than_a_node_names_is_read() -> None:
    assert restored(NodesState(nodes=[NodeRow(name="a", there=[0, 7])])).there == {"a": frozenset()}


def test_of_too_many_nodes_those_with_trouble_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jldhub.images.nodes.LARGEST", 2000)
    nodes = [node(f"n{number:04}") for number in range(3000)]
    record = Record({("n2999", FIRST): REFUSED}, {each.name: frozenset() for each in nodes})
    state = snapshot(nodes, [image(0)], record, [], [], START)

    assert state.left_out > 0
    assert state.left_out + len(state.nodes) == 3000
    assert state.nodes[-1].name == "n2999"
    assert state.images[0].eligible == 3000
    assert len(state.pack()) <= 2000


def test_what_never_fits_still_tells_that_there_is_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jldhub.images.nodes.LARGEST", 150)
    state = snapshot([node("a")], [image(number) for number in range(100)], Record(), [], [], START)
    assert (state.nodes, state.images, state.left_out) == ([], [], 0)
    assert len(state.pack()) <= 150


def test_the_time_alone_is_nothing_new() -> None:
    state = NodesState(written=START, images=[ImageOnNodes(reference="x", title="x")])
    assert not is_new(state.model_copy(update={"written": START + MINUTE}), state)
    assert is_new(state.model_copy(update={"images": []}), state)
    assert is_new(state, None)


@pytest.mark.parametrize("damage", [b"", b"x", b"\x1f\x8b\x08", NodesState().pack()[:-9]])
def test_a_file_that_is_broken_is_told_as_such(damage: bytes) -> None:
    with pytest.raises(NodesError, match="cannot be read"):
        NodesState.unpack(damage)


def test_warnings_name_the_place_the_cause_and_the_remedy() -> None:
    nodes = [f"n{number}" for number in range(8)]
    refused = {(name, FIRST): REFUSED for name in nodes[:3]}
    gone = {(name, SECOND): Attempt(reference=SECOND, vanished=[START] * 3) for name in nodes}
    record = Record(refused | gone, {name: frozenset() for name in nodes})

    found = warnings(record, [image(0), image(1)], "exceeded quota: compute", START)
    assert [each.reason for each in found] == ["PullsRefused", "ImageRefused", "ImageVanishes"]
    held, stopped, vanishing = (each.message for each in found)
    assert held.startswith("The cluster refuses pods that pull images: exceeded quota: compute. Labs start")
    assert stopped.startswith(
        f"lab:w_0 ({FIRST}) is pulled nowhere any more, for its registry refuses it on 3 nodes: ErrImagePull: not found. Correct"
    )
    assert (
        "removed again three times in a day on the nodes n0, n1, n2, n3, n4 and 3 more: there is no room" in vanishing
    )
    assert warnings(record, [image(0), image(1)], "", START + timedelta(days=2))[1:] == []


def test_one_node_is_named_alone() -> None:
    record = Record({("n0", SECOND): Attempt(reference=SECOND, vanished=[START] * 3)}, {"n0": frozenset()})
    (warning,) = warnings(record, [image(1)], "", START)
    assert "on the node n0: there is no room" in warning.message
