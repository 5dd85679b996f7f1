"""What is worked out of the storage's keys."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jld.schema.chart import Chart
from jld.support.quantities import amount
from jld.values.storage import capacities, needs_cluster_ip, ninety_five_percent

MEMORY: str = Chart(Path(__file__).parents[4] / "chart").schema()["$defs"]["memory"]["pattern"]


# The first three are what the original deploy tool computed.
@pytest.mark.parametrize(
    ("disk", "volume"),
    [
        ("20Gi", "19Gi"),
        ("1Gi", "950Mi"),
        ("1392Gi", "1322Gi"),
        ("100Gi", "95Gi"),
        ("2Ti", "1945Gi"),
        ("1T", "950G"),
        ("0.5Gi", "475Mi"),
        ("1Mi", "1Mi"),
        ("442062Ti", "419958Ti"),
    ],
)
def test_a_volume_states_95_percent_of_the_disk(disk: str, volume: str) -> None:
    assert ninety_five_percent(disk) == volume


@given(st.from_regex(re.compile(MEMORY.removesuffix("$") + r"\Z", re.ASCII)))
def test_what_it_states_may_be_written_and_is_on_the_disk(disk: str) -> None:
    volume = ninety_five_percent(disk)

    assert re.fullmatch(MEMORY, volume)
    assert (amount(volume) or 0) <= (amount(disk) or 0)


def test_only_volumes_that_say_nothing_get_a_capacity() -> None:
    volumes = {"home": {}, "scratch": {"capacity": "1Gi"}, "datasets": {"existingClaim": "datasets"}}
    effective = {"storage": {"mode": "nfs", "volumes": volumes, "nfs": {"capacity": "20Gi"}}}

    assert list(capacities(effective, ".+")) == [(("storage", "volumes", "home", "capacity"), "19Gi")]
    assert list(capacities({"storage": {**effective["storage"], "mode": "claim"}}, ".+")) == []


@pytest.mark.parametrize(
    ("mode", "address", "wants"),
    [
        ("nfs", {"mode": "static", "clusterIP": ""}, True),
        ("nfs", {"mode": "static", "clusterIP": "10.96.0.9"}, False),
        ("nfs", {"mode": "hook", "clusterIP": ""}, False),
        ("external", {"mode": "static", "clusterIP": ""}, False),
    ],
)
def test_an_address_is_wanted_where_no_hook_asks_for_it(mode: str, address: dict[str, str], wants: bool) -> None:
    assert needs_cluster_ip({"storage": {"mode": mode, "nfs": {"address": address}}}) is wants


@pytest.mark.parametrize("storage", [None, [], "nfs", {"mode": "nfs"}, {"mode": "nfs", "nfs": 3}])
def test_what_is_no_storage_is_passed_over(storage: object) -> None:
    assert list(capacities({"storage": storage}, ".+")) == []
    assert needs_cluster_ip({"storage": storage}) is False
