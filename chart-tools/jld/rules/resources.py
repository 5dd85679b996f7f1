"""Requests and limits of pods, of every part that has them."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, dotted, value_at
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


def requests_are_within_limits(effective: JsonMap) -> Violations:
    """No `requests` below a `resources` is more than the same of `limits`."""
    for owner in OWNERS:
        for resource in ("cpu", "memory"):
            path = (*owner, "resources", "requests", resource)
            limit_path = (*owner, "resources", "limits", resource)
            request, limit = value_at(effective, *path), value_at(effective, *limit_path)
            if (amount(request) or 0) > (amount(limit) or float("inf")):
                yield path, f"{request} is more than the limit {limit}; lower it, or raise {dotted(limit_path)}"


RULES: tuple[Rule, ...] = (requests_are_within_limits,)
WARNINGS: tuple[Rule, ...] = ()
