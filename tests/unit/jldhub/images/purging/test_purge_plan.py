"""On which node images are removed next."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from jldhub.images.prepuller.node import Node, NodeImage
from jldhub.images.purging.plan import PurgePlan, plan_purge
from jldhub.images.purging.pod import PurgePod

from ..prepuller.world import START, node

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SMALL, LARGE = NodeImage(("lab:1",), 1), NodeImage(("lab:2",), 8)
NODES = [node("a"), node("b"), node("c")]


def purge(on: str, ago: timedelta, is_over: bool = True, is_going: bool = False) -> PurgePod:
    return PurgePod(f"purge-{on}", on, START - ago, is_over, is_going=is_going)


def test_the_node_where_most_can_go_is_first() -> None:
    found = {"a": [SMALL], "b": [SMALL, LARGE], "c": []}
    assert plan_purge(NODES, found, [], (), START) == PurgePlan(NODES[1], [])
    assert plan_purge(NODES, found, [], {"b"}, START) == PurgePlan(NODES[0], [])
    assert plan_purge(NODES, found, [], {"a", "b"}, START) == PurgePlan(None, [])


def test_one_node_at_a_time() -> None:
    found = {"a": [SMALL], "b": [LARGE]}
    assert plan_purge(NODES, found, [purge("a", MINUTE, is_over=False)], (), START) == PurgePlan(None, [])
    assert plan_purge(NODES, found, [purge("a", MINUTE)], (), START) == PurgePlan(NODES[1], [])


def test_a_node_is_visited_once_an_hour() -> None:
    found = {"a": [SMALL]}
    assert plan_purge(NODES, found, [purge("a", HOUR - MINUTE)], (), START) == PurgePlan(None, [])
    assert plan_purge(NODES, found, [purge("a", HOUR)], (), START) == PurgePlan(None, ["purge-a"])
    assert plan_purge(NODES, found, [purge("a", HOUR, is_going=True)], (), START) == PurgePlan(None, [])
    assert plan_purge(NODES, found, [], (), START).create == NODES[0]


def test_a_pod_that_does_not_end_or_whose_node_is_gone_is_deleted() -> None:
    found = {"a": [SMALL]}
    assert plan_purge(NODES, found, [purge("b", 10 * MINUTE, is_over=False)], (), START).delete == ["purge-b"]
    assert plan_purge(NODES, found, [purge("z", MINUTE)], (), START).delete == ["purge-z"]


def test_a_node_that_takes_no_pods_is_left_alone() -> None:
    away: list[Node] = [
        node("a", conditions=[{"type": "Ready", "status": "Unknown"}]),
        node("a", going=True),
        node("a", info={"operatingSystem": "windows"}),
    ]
    for each in away:
        assert plan_purge([each], {"a": [SMALL]}, [], (), START).create is None


_NAMES = st.sampled_from("abcd")
_PURGES = st.lists(
    st.builds(purge, _NAMES, st.timedeltas(timedelta(), 2 * HOUR), st.booleans(), st.booleans()),
    unique_by=lambda each: each.node,
)


@given(st.sets(_NAMES), _PURGES, st.sets(_NAMES))
def test_it_is_never_in_anybodys_way(with_images: set[str], purges: list[PurgePod], busy: set[str]) -> None:
    found = {name: [SMALL] for name in with_images}
    todo = plan_purge(NODES, found, purges, busy, START)
    if todo.create is not None:
        assert todo.create.name in with_images - busy
        assert all(each.is_over and each.node != todo.create.name for each in purges)
