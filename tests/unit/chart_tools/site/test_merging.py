"""Several files become one site as they do in Helm."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jld.site.tree import Node, coalesce, find, merge, nearest, plain, put, tree
from jld.support.errors import Place

KEYS = st.sampled_from("abc")
LEAVES = st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)
MAPS = st.dictionaries(
    KEYS, st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6), max_size=3
)


def helm_merge(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """What `helm -f a -f b` does (mergeMaps)."""
    out = dict(a)
    for key, value in b.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = helm_merge(out[key], value)
        else:
            out[key] = value
    return out


@given(MAPS, MAPS)
def test_files_merge_as_in_helm(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert plain(merge(tree(a), tree(b))) == helm_merge(a, b)


@given(MAPS, MAPS)
def test_a_null_takes_a_default_away_and_nothing_else_does(defaults: dict[str, Any], data: dict[str, Any]) -> None:
    result = coalesce(defaults, data)
    assert set(result) == {key for key in (*defaults, *data) if key not in data or data[key] is not None}


def test_a_value_is_placed_in_the_file_that_set_it_last() -> None:
    base = Node({"a": Node({"x": Node(1, Place("base", 1, 1)), "y": Node(1, Place("base", 2, 1))})})
    over = Node({"a": Node({"y": Node(2, Place("over", 1, 1))})})
    merged = merge(base, over)
    assert nearest(merged, ("a", "x")) == Place("base", 1, 1)
    assert nearest(merged, ("a", "y")) == Place("over", 1, 1)


def test_a_path_that_nobody_wrote_is_placed_at_the_deepest_key_above_it() -> None:
    root = Node({"a": Node({}, Place("s", 1, 4), Place("s", 1, 1))}, Place("s", 1, 1))
    assert nearest(root, ("a", "b", "c")) == Place("s", 1, 1)
    assert find(root, ("a", "b")) is None


def test_putting_makes_the_maps_on_the_way_and_spares_what_is_not_a_map() -> None:
    assert plain(put(tree({"a": None}), ("a", "b"), Node(1))) == {"a": {"b": 1}}
    assert plain(put(tree({"a": 3}), ("a", "b"), Node(1))) == {"a": 3}
