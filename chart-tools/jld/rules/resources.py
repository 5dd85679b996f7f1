"""Requests and limits of pods, of every part that has them, sizes of labs and of volumes that are too small for anything."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.site.effective import shared_volumes
from jld.support.key_paths import JsonMap, KeyPath, dotted, map_at, value_at
from jld.support.quantities import amount

OWNERS = (
    ("hub",),
    ("nginx",),
    ("storage", "nfs"),
    ("storage", "keepalive"),
    ("storage", "backup"),
    ("firefly",),
    ("prepuller",),
    ("logging", "filebeat"),
    ("logging", "relay"),
    ("logging", "logstash"),
    ("logging", "logstash", "rabbitmq"),
)
_MI = 1024.0**2
# A lab's server takes 90Mi, one kernel 50Mi more, and its start 2 seconds of a core (docs/limits.md).
_USUAL_CPU, _USUAL_MEMORY = 0.1, 256 * _MI
_START = 2  # seconds
_SMALLEST_LIMIT = 32 * _MI  # no program of the chart's starts with less
_SMALLEST_VOLUME = 100 * _MI


def requests_are_within_limits(effective: JsonMap) -> Violations:
    """No `requests` below a `resources` is more than the same of `limits`."""
    for owner in OWNERS:
        for resource in ("cpu", "memory"):
            path = (*owner, "resources", "requests", resource)
            limit_path = (*owner, "resources", "limits", resource)
            request, limit = value_at(effective, *path), value_at(effective, *limit_path)
            if (amount(request) or 0) > (amount(limit) or float("inf")):
                yield path, f"{request} is more than the limit {limit}; lower it, or raise {dotted(limit_path)}"


def labs_have_room(effective: JsonMap) -> Violations:
    for name, size in map_at(effective, "hub", "lab", "sizes").items():
        cpu, memory = (amount(value_at(size, resource)) or 0 for resource in ("cpu", "memory"))
        if 0 < cpu < _USUAL_CPU:
            sentence = (
                f"a lab's server alone takes {_START / cpu:.0f} seconds to start with {size['cpu']}; write 0.5 or more"
            )
            yield ("hub", "lab", "sizes", name, "cpu"), sentence
        if 0 < memory < _USUAL_MEMORY:
            sentence = "a lab's server takes 90Mi, and each notebook 50Mi at least, so Kubernetes would soon end it"
            yield ("hub", "lab", "sizes", name, "memory"), f"{sentence}; write 512Mi or more"


def limits_have_room(effective: JsonMap) -> Violations:
    for owner in OWNERS:
        path = (*owner, "resources", "limits", "memory")
        limit = value_at(effective, *path)
        if 0 < (amount(limit) or 0) < _SMALLEST_LIMIT:
            yield path, f"nothing starts with {limit}; remove it, for the default was measured, or write more"


def volumes_have_room(effective: JsonMap) -> Violations:
    mode = value_at(effective, "storage", "mode")
    paths: list[KeyPath] = [("hub", "db", "capacity"), ("storage", "perPerson", "capacity"), ("firefly", "diskSize")]
    if mode in ("claim", "nfs"):  # the others only state it
        paths.append(("storage", mode, "capacity"))
    if mode == "claim":
        paths += [("storage", "volumes", name, "capacity") for name in shared_volumes(effective)]
    for path in paths:
        capacity = value_at(effective, *path)
        if 0 < (amount(capacity) or 0) < _SMALLEST_VOLUME:
            yield path, f"{capacity} is full after a few files; write an amount like 10Gi"


RULES: tuple[Rule, ...] = (requests_are_within_limits,)
WARNINGS: tuple[Rule, ...] = (labs_have_room, limits_have_room, volumes_have_room)
