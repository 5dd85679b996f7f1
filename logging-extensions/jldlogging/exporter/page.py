"""The page that Prometheus reads, made of what filebeat tells and of the files that it has open. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from jldlogging.exporter.open_files import OpenFiles

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "jld_logging_filebeat"
_LARGEST = 2**64 - 1  # filebeat counts in 64 bits


class _Metric(NamedTuple):
    name: str
    kind: str
    meaning: str


_UP = _Metric("up", "gauge", "Whether filebeat tells anything of itself: 1 or 0.")
# Where each stands in filebeat's statistics. Read is the sum of the other three, but for a moment between two of its counters.
_EVENTS = {
    ("libbeat", "pipeline", "events", "total"): _Metric(
        "events_read_total", "counter", "Lines that filebeat has read."
    ),
    ("libbeat", "pipeline", "events", "filtered"): _Metric(
        "events_filtered_total", "counter", "Lines that filebeat has read and its rules have left out."
    ),
    ("libbeat", "output", "events", "acked"): _Metric(
        "events_acknowledged_total", "counter", "Lines that the relay or logstash has acknowledged to filebeat."
    ),
    ("libbeat", "pipeline", "events", "active"): _Metric(
        "events_waiting",
        "gauge",
        "Lines that filebeat has read and nobody has acknowledged: some thousands at most, the rest waits in the files.",
    ),
}
_OPEN = _Metric("open_files", "gauge", "Log files that filebeat has open.")
_DELETED = _Metric("open_deleted_files", "gauge", "Log files that filebeat has open and that are deleted.")
_DELETED_BYTES = _Metric(
    "open_deleted_bytes", "gauge", "What those take on the node's disk, in bytes, until filebeat lets them go."
)


def page(statistics: Mapping[str, object] | None, files: OpenFiles | None) -> str:
    """The metrics as text. None is what cannot be had; a number that is not told, or is none, is left out."""
    values = {_UP: int(statistics is not None)}
    for path, metric in _EVENTS.items():
        if (told := _number(statistics, path)) is not None:
            values[metric] = told
    if files is not None:
        values |= {_OPEN: files.open, _DELETED: files.deleted, _DELETED_BYTES: files.deleted_bytes}
    return "".join(line for metric, value in values.items() for line in _lines(metric, value))


def _number(statistics: object, path: tuple[str, ...]) -> int | None:
    for key in path:
        if not isinstance(statistics, Mapping):
            return None
        statistics = statistics.get(key)
    if isinstance(statistics, bool) or not isinstance(statistics, int):
        return None
    return statistics if 0 <= statistics <= _LARGEST else None


def _lines(metric: _Metric, value: int) -> Iterator[str]:
    name = f"{_PREFIX}_{metric.name}"
    yield f"# HELP {name} {metric.meaning}\n"
    yield f"# TYPE {name} {metric.kind}\n"
    yield f"{name} {value}\n"
