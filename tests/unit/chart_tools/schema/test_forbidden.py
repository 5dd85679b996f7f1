"""Whatever the schema forbids, the tool refuses with a place and a remedy: Helm, which has neither, never comes first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jld.rules import between_keys
from jld.schema import validation, validator
from jld.schema.chart import Chart
from jld.site.tree import Node, coalesce
from jld.support.errors import Place
from jld.support.key_paths import JsonMap, KeyPath, dotted

CHART = Chart(Path(__file__).resolve().parents[4] / "chart")
SCHEMA, DEFAULTS = CHART.schema(), CHART.defaults()
OTHER = ("hub", "auth", "other", "options")
# A value that is forbidden, by where the schema says so.
FORBIDDEN: dict[KeyPath, list[Any]] = {
    ("firefly", "route"): ["/hub/firefly"],
    ("storage", "volumes", "home", "mountPath"): ["/etc", "/usr/share"],
    ("logging", "logstash", "exchange"): ["amq.topic"],
    ("hub", "auth", "admins", 0): ["ada@example.org", "a:b", "a+b"],
    ("hub", "auth", "blocked", 0): ["ada@example.org"],
    ("hub", "auth", "github", "users", "allow", 0): ["ada@example.org"],
}
NAMES: dict[KeyPath, list[str]] = {
    ("storage", "volumes"): ["file-server", "hub-db"],
    ("hub", "culling", "people"): ["ada@example.org"],
    ("hub", "environment"): ["PYTHONPATH", "JLD_A"],
    ("hub", "lab", "environment"): ["HOME", "MEM_LIMIT", "JUPYTERHUB_A"],
}


def rules(rule: Any) -> Iterator[JsonMap]:
    """Where the schema forbids names without a sentence."""
    if isinstance(rule, dict):
        if "not" in rule and "x-message" not in rule:
            yield rule
        for key, child in rule.items():
            if key not in ("if", "not"):
                yield from rules(child)
    elif isinstance(rule, list):
        for child in rule:
            yield from rules(child)


def below(path: KeyPath, value: Any) -> Any:
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def written(data: Any, path: KeyPath = ()) -> Node:
    """As if it had been read from a file, where each key stands in a line of its own."""
    place = Place(dotted(path), 1, 1)
    if isinstance(data, dict):
        return Node({key: written(child, (*path, key)) for key, child in data.items()}, place, place)
    if isinstance(data, list):
        return Node([written(child, (*path, index)) for index, child in enumerate(data)], place, place)
    return Node(data, place, place, str(data), isinstance(data, str))


def listed() -> Iterator[tuple[KeyPath, Any]]:
    """Each name and value that is forbidden, and where."""
    hub = SCHEMA["properties"]["hub"]["properties"]
    for class_name, rule in hub["traits"]["properties"].items():
        for name in rule["propertyNames"]["not"]["enum"]:
            yield ("hub", "traits", class_name, name), "x"
    for name in hub["auth"]["properties"]["other"]["properties"]["options"]["propertyNames"]["not"]["enum"]:
        yield (*OTHER, name), "x"
    for path, names in NAMES.items():
        for name in names:
            yield (*path, name), {"mountPath": "/a"} if path[0] == "storage" else {} if "people" in path else "x"
    for path, values in FORBIDDEN.items():
        for value in values:
            yield path, value


def refusals(path: KeyPath, value: Any, with_rules: bool) -> list[str]:
    """What is said of the key, each with the place of it."""
    data = below(path, value)
    site, effective = written(data), coalesce(DEFAULTS, data)
    of_rules = between_keys.violations(site, effective) if with_rules else []
    found = validation.problems(site, effective, SCHEMA, of_rules) + of_rules
    return [
        problem.sentence
        for problem in found
        if problem.key == dotted(path) and problem.place is not None and str(problem.place).startswith(dotted(path))
    ]


@pytest.mark.parametrize(("path", "value"), listed(), ids=str)
def test_what_is_forbidden_is_refused_once_where_it_stands(path: KeyPath, value: Any) -> None:
    """By the schema alone as by the rules, which say it in better words."""
    for with_rules in (False, True):
        (sentence,) = refusals(path, value, with_rules)
        assert ";" in sentence or ":" in sentence
        assert "(not " not in sentence


def test_every_place_that_forbids_something_is_among_them() -> None:
    """A rule of the schema that is written anew gets its row here."""
    tried = list(listed())
    for rule in rules(SCHEMA):
        bare = rule["not"]
        texts = [path[-1] for path, _ in tried] + [value for _, value in tried if isinstance(value, str)]
        assert any(not validator.is_valid(text, {"not": bare}, SCHEMA) for text in texts), bare
    assert len(list(rules(SCHEMA))) == 13
