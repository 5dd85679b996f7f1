"""Sizes that follow from a ladder, the quota that follows from the largest of them, and what placeholders request."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jld.schema.chart import Chart
from jld.schema.validation import key_rule
from jld.schema.validator import is_valid
from jld.site.tree import plain, tree
from jld.support.quantities import amount, memory
from jld.values.sizes import LADDER, SIZES, guarantee, ladder, quota, with_computed_sizes

CHART = Chart(Path(__file__).resolve().parents[4] / "chart")
SCHEMA, DEFAULTS = CHART.schema(), CHART.defaults()
USUAL = {name: rule["default"] for name, rule in key_rule(SCHEMA, LADDER)["properties"].items()}


def test_the_sizes_of_the_chart_are_the_ladder_of_the_original() -> None:
    steps = ladder(USUAL["names"], USUAL["smallestCpu"], USUAL["memoryPerCpu"])
    assert steps == DEFAULTS["hub"]["lab"]["sizes"]
    assert [(name, each["cpu"], (amount(each["memory"]) or 0) / 2**20) for name, each in steps.items()] == [
        *(("tiny", 0.5, 1024), ("small", 1, 2048), ("medium", 2, 4096), ("large", 4, 8192))
    ]


def test_the_quota_of_the_original_holds_26_labs_of_the_largest_size() -> None:
    held = quota(26, DEFAULTS["hub"]["lab"]["sizes"])
    assert held == {"cpu": 104, "memory": "208Gi"}
    assert amount(held["memory"]) == 212992 * 2**20


def test_the_largest_counts_for_cores_and_memory_alone() -> None:
    sizes = {"wide": {"cpu": "500m", "memory": "64Gi"}, "fast": {"cpu": 16, "memory": "1500M"}}
    assert quota(2, sizes) == {"cpu": 32, "memory": "128Gi"}
    assert quota(3, {"odd": {"cpu": 0.1, "memory": "1500M"}}) == {"cpu": 0.3, "memory": "4292Mi"}  # never too little


def lab(**keys: Any) -> dict[str, Any]:
    result: dict[str, Any] = plain(with_computed_sizes(tree({"hub": {"lab": keys}}), SCHEMA, DEFAULTS))["hub"]["lab"]
    return result


def test_a_ladder_takes_the_place_of_the_charts_sizes() -> None:
    gone = dict.fromkeys(("tiny", "medium"))
    assert lab(ladder={"names": ["small", "large"], "smallestCpu": 2}) == {
        "sizes": {**gone, "small": {"cpu": 2, "memory": "4Gi"}, "large": {"cpu": 4, "memory": "8Gi"}}
    }


def test_a_size_of_ones_own_wins_over_the_ladder() -> None:
    found = lab(
        ladder={"names": ["tiny", "giant", "titan"]},
        sizes={"tiny": None, "giant": {"memory": "5Gi"}, "titan": None, "small": {"cpu": 1, "memory": "9Gi"}},
    )
    assert found["sizes"] == {
        "tiny": None,
        "small": {"cpu": 1, "memory": "9Gi"},
        "medium": None,
        "large": None,
        "giant": {"cpu": 1, "memory": "5Gi"},
    }


def test_the_quota_counts_the_sizes_of_the_ladder() -> None:
    found = lab(ladder={"smallestCpu": 1, "memoryPerCpu": "4Gi"}, quota={"labs": 10})
    assert found["quota"] == {"cpu": 80, "memory": "320Gi"}


def test_a_size_with_placeholders_says_what_its_labs_are_guaranteed() -> None:
    """A template divides no quantities. It is what the hub works out where nothing is written."""
    found = lab(
        sizeRange=3,
        sizes={"own": {"cpu": 2, "memory": "1500M", "guaranteedCpu": 1}},
        placeholders={"counts": {"small": 2, "own": 0}},
    )
    assert found["sizes"] == {
        "small": {"guaranteedCpu": 0.333, "guaranteedMemory": "683Mi"},
        "own": {"cpu": 2, "memory": "1500M", "guaranteedCpu": 1, "guaranteedMemory": "477Mi"},
    }
    assert lab(sizeRange=3) == {"sizeRange": 3}


@given(st.floats(0.001, 64), st.floats(1, 1000), st.sampled_from(["32M", "32Mi", "1500M", "2Gi", "0.1Gi", "1Ti"]))
def test_every_guarantee_is_accepted_and_not_more_than_the_size(cpu: float, size_range: float, memory: str) -> None:
    size = {"cpu": round(cpu, 3), "memory": memory}
    made = guarantee(size, size_range)
    assert is_valid({"a": size | made}, key_rule(SCHEMA, SIZES), SCHEMA)
    assert made["guaranteedCpu"] <= size["cpu"]
    assert (amount(made["guaranteedMemory"]) or 0) <= (amount(memory) or 0)


def test_a_null_takes_back_what_another_file_said() -> None:
    assert lab(ladder={"names": None, "smallestCpu": 1})["sizes"]["large"] == {"cpu": 8, "memory": "16Gi"}
    assert lab(ladder=None) == {"ladder": None}
    assert lab(quota={"labs": None}) == {"quota": {"labs": None}}


@pytest.mark.parametrize(
    "wrong",
    [{"ladder": {"names": []}}, {"ladder": 1}, {"quota": {"labs": -1}}, {"quota": {"labs": 2, "cpu": 3}}, {"sizes": 1}],
)
def test_what_is_wrong_stays_for_the_schema_to_say(wrong: dict[str, Any]) -> None:
    assert lab(**wrong) == wrong


def test_what_was_worked_out_once_stays() -> None:
    once = with_computed_sizes(tree({"hub": {"lab": {"ladder": {}, "quota": {"labs": 3}}}}), SCHEMA, DEFAULTS)
    assert with_computed_sizes(once, SCHEMA, DEFAULTS) == once


@given(
    count=st.integers(1, 8),
    cpu=st.floats(0.5, 32),
    each=st.integers(64, 999999).map("{}Mi".format) | st.integers(1, 9999).map("{}Gi".format),
)
def test_every_ladder_that_is_accepted_has_sizes_that_are(count: int, cpu: float, each: str) -> None:
    sizes = ladder([f"s{step}" for step in range(count)], cpu, each)
    assert is_valid(sizes, key_rule(SCHEMA, SIZES), SCHEMA)


@given(size=st.floats(2**20, 2**63))
def test_memory_is_written_within_a_thousandth_of_what_it_is(size: float) -> None:
    down, up = amount(memory(size)) or 0, amount(memory(size, ceil)) or 0
    assert down <= size <= up
    assert up - down <= max(2**20, size / 900)
