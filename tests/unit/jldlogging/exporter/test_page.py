"""What Prometheus reads, of statistics as filebeat 8.1.3 has told them and of such as it never should."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldlogging.exporter.open_files import OpenFiles
from jldlogging.exporter.page import page
from prometheus_client.parser import text_string_to_metric_families

Json = dict[str, Any]
PREFIX = "jld_logging_filebeat_"
STATS = Path(__file__).parent / "stats"
PATHS = {
    "events_read_total": ("libbeat", "pipeline", "events", "total"),
    "events_filtered_total": ("libbeat", "pipeline", "events", "filtered"),
    "events_acknowledged_total": ("libbeat", "output", "events", "acked"),
    "events_waiting": ("libbeat", "pipeline", "events", "active"),
}
NUMBERS = st.integers(0, 2**64 - 1)
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.text(),
    st.floats(),
    st.integers(max_value=-1),
    st.integers(min_value=2**64),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["events", "total", "acked", "x"]), st.integers(), max_size=2),
)
OPEN = st.one_of(st.none(), st.builds(OpenFiles, NUMBERS, NUMBERS, NUMBERS))
PAGE = """\
# HELP jld_logging_filebeat_up Whether filebeat tells anything of itself: 1 or 0.
# TYPE jld_logging_filebeat_up gauge
jld_logging_filebeat_up 1
# HELP jld_logging_filebeat_events_read_total Lines that filebeat has read.
# TYPE jld_logging_filebeat_events_read_total counter
jld_logging_filebeat_events_read_total 4579
# HELP jld_logging_filebeat_events_filtered_total Lines that filebeat has read and its rules have left out.
# TYPE jld_logging_filebeat_events_filtered_total counter
jld_logging_filebeat_events_filtered_total 460
# HELP jld_logging_filebeat_events_acknowledged_total Lines that the relay or logstash has acknowledged to filebeat.
# TYPE jld_logging_filebeat_events_acknowledged_total counter
jld_logging_filebeat_events_acknowledged_total 0
# HELP jld_logging_filebeat_events_waiting Lines that filebeat has read and nobody has acknowledged: some thousands at most, the rest waits in the files.
# TYPE jld_logging_filebeat_events_waiting gauge
jld_logging_filebeat_events_waiting 4119
# HELP jld_logging_filebeat_open_files Log files that filebeat has open.
# TYPE jld_logging_filebeat_open_files gauge
jld_logging_filebeat_open_files 3
# HELP jld_logging_filebeat_open_deleted_files Log files that filebeat has open and that are deleted.
# TYPE jld_logging_filebeat_open_deleted_files gauge
jld_logging_filebeat_open_deleted_files 1
# HELP jld_logging_filebeat_open_deleted_bytes What those take on the node's disk, in bytes, until filebeat lets them go.
# TYPE jld_logging_filebeat_open_deleted_bytes gauge
jld_logging_filebeat_open_deleted_bytes 909312
"""


def told(sample: str) -> Json:
    return dict(json.loads((STATS / f"{sample}.json").read_text()))


def read(text: str) -> dict[str, float]:
    """The metrics of a page as Prometheus's own parser finds them, each without labels and with its meaning."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        (sample,) = family.samples
        assert not sample.labels
        assert family.type == ("counter" if sample.name.endswith("_total") else "gauge")
        found[sample.name.removeprefix(PREFIX)] = sample.value
    return found


def at(statistics: Json, path: tuple[str, ...]) -> Json:
    """The object that holds the last key of a path."""
    for key in path[:-1]:
        statistics = statistics[key]
    return statistics


def test_the_page_of_a_filebeat_whose_other_side_is_away() -> None:
    assert page(told("waiting"), OpenFiles(open=3, deleted=1, deleted_bytes=909312)) == PAGE


@pytest.mark.parametrize(
    ("sample", "read_lines", "filtered", "acknowledged", "waiting"),
    [("waiting", 4579, 460, 0, 4119), ("going", 17999, 1800, 16199, 0)],
)
def test_what_was_read_was_left_out_or_acknowledged_or_waits(
    sample: str, read_lines: int, filtered: int, acknowledged: int, waiting: int
) -> None:
    assert read(page(told(sample), None)) == {
        "up": 1,
        "events_read_total": read_lines,
        "events_filtered_total": filtered,
        "events_acknowledged_total": acknowledged,
        "events_waiting": waiting,
    }
    assert read_lines == filtered + acknowledged + waiting


@given(files=OPEN)
def test_a_filebeat_that_is_away_is_down_and_has_no_numbers(files: OpenFiles | None) -> None:
    found = read(page(None, files))

    assert found.pop("up") == 0
    assert set(found) == (set() if files is None else {"open_files", "open_deleted_files", "open_deleted_bytes"})


@given(numbers=st.fixed_dictionaries(dict.fromkeys(PATHS, NUMBERS)), files=OPEN)
def test_every_number_that_filebeat_may_tell_is_on_the_page_as_it_is(
    numbers: dict[str, int], files: OpenFiles | None
) -> None:
    statistics = told("going")
    for name, number in numbers.items():
        at(statistics, PATHS[name])[PATHS[name][-1]] = number

    lines = page(statistics, files).splitlines()

    assert {f"{PREFIX}{name} {number}" for name, number in numbers.items()} <= set(lines)


@given(name=st.sampled_from(sorted(PATHS)), depth=st.integers(1, 4), wrong=WRONG, is_missing=st.booleans())
def test_what_is_missing_or_no_number_is_left_out_and_nothing_else(
    name: str, depth: int, wrong: object, is_missing: bool
) -> None:
    statistics, path = told("going"), PATHS[name][:depth]
    holder = at(statistics, path)
    if is_missing:
        del holder[path[-1]]
    else:
        holder[path[-1]] = wrong

    found = read(page(statistics, None))

    assert name not in found or depth < 4  # a wrong object may by chance hold a number at the rest of the path
    untouched = {other for other, way in PATHS.items() if way[:depth] != path}
    assert untouched | {"up"} <= set(found) <= set(PATHS) | {"up"}
    assert found["up"] == 1


@given(
    statistics=st.recursive(
        WRONG | NUMBERS,
        lambda inner: st.dictionaries(
            st.sampled_from(sorted({key for path in PATHS.values() for key in path})) | st.text(), inner, max_size=4
        ),
        max_leaves=20,
    ).filter(lambda each: isinstance(each, dict))
)
def test_a_page_can_be_read_whatever_filebeat_tells(statistics: Json) -> None:
    found = read(page(statistics, None))

    assert found.pop("up") == 1
    assert all(0 <= value < 2**64 + 1 for value in found.values())
