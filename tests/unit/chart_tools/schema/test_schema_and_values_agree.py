"""values.yaml, the schema, and the examples in values/ say the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.rules.networks import NETWORKS, OF_PEOPLE, OF_THE_CHART
from jld.rules.traits.owned import CLASSES
from jld.schema.chart import Chart, descriptions
from jld.schema.validation import key_paths, key_rule, resolved
from jld.support.key_paths import JsonMap
from jsonschema import Draft202012Validator

CHECKOUT = Path(__file__).resolve().parents[4]
CHART = Chart(CHECKOUT / "chart")
SCHEMA = CHART.schema()
VALUES_FILES = [
    CHART.values_file,
    CHART.folder / "values.global.yaml",
    *sorted(CHART.folder.glob("charts/*/values.yaml")),
]
LEFT_OUT_OF_EVERYTHING = (
    *(("hub", "auth", way) for way in ("cilogon", "dummy", "other")),
    *((part, "secret") for part in ("hub", "nginx", "firefly", "logging")),
    *(("storage", name) for name in ("claim", "external", "hostPath", "perPerson")),
    *(("logging", "logstash"), ("hub", "db", "capacity"), ("hub", "db", "storageClass")),
    *(("hub", "traits", name) for name in CLASSES),  # reading JupyterHub's classes takes seconds
)
# What JSON Schema says by itself, two sentences of our own, and the chart's version that brought a key. Another word is a slip of the pen.
KEYWORDS = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "default", "description"),
    *(
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "minItems",
        "maxItems",
        "uniqueItems",
    ),
    *(
        "minProperties",
        "maxProperties",
        "propertyNames",
        "oneOf",
        "anyOf",
        "allOf",
        "if",
        "then",
        "not",
        "title",
        "examples",
    ),
    *("$schema", "$defs", "$ref", "x-message", "x-accepted", "x-since", "x-only-with", "x-for-helm"),
}


def leaves(data: Any, rule: JsonMap, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, JsonMap]]:
    """Every default, with the part of the schema that describes it."""
    if isinstance(data, dict) and "properties" in rule and "default" not in rule:
        for key, value in data.items():
            yield from leaves(value, resolved(rule["properties"].get(key, {}), SCHEMA), (*path, key))
    else:
        yield path, data, rule


def rules(rule: JsonMap) -> Iterator[JsonMap]:
    """Every schema inside `rule`."""
    yield rule
    for word in ("properties", "$defs"):
        for child in rule.get(word, {}).values():
            yield from rules(child)
    for word in ("items", "additionalProperties", "propertyNames", "if", "then"):
        if isinstance(rule.get(word), dict):
            yield from rules(rule[word])
    for word in ("oneOf", "anyOf", "allOf"):
        for child in rule.get(word, []):
            yield from rules(child)


def test_the_committed_values_and_schema_are_composed_from_the_parts_as_they_are() -> None:
    assert CHART.stale() == [], "run `jld schema`"


def test_the_composed_values_are_those_of_the_parts_with_what_is_said_about_them() -> None:
    shared, *parts = VALUES_FILES[1:]
    texts = {file.parent.name: file.read_text() for file in parts}
    below = {(part, *path): said for part, text in texts.items() for path, said in descriptions(text).items()}

    assert CHART.defaults() == yaml.safe_load(shared.read_text()) | {
        part: yaml.safe_load(text) for part, text in texts.items()
    }
    assert descriptions(CHART.values_file.read_text()) == descriptions(shared.read_text()) | below


def test_the_schema_is_a_schema_without_words_that_nobody_understands() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert {word for rule in rules(SCHEMA) for word in rule} <= KEYWORDS


def test_every_default_is_in_the_schema_with_the_same_value_and_an_accepted_type() -> None:
    found = list(leaves(CHART.defaults(), SCHEMA))
    assert len(found) > 50
    for path, value, rule in found:
        assert rule.get("default", "none") == value, path
        wrong = [
            error.validator for error in Draft202012Validator(rule | {"$defs": SCHEMA["$defs"]}).iter_errors(value)
        ]
        assert set(wrong) == ({"pattern"} if path == ("global", "hostname") else set()), path


def test_every_key_of_the_schema_is_described() -> None:
    undescribed = [path for path in key_paths(SCHEMA) if not key_rule(SCHEMA, path).get("description")]
    assert undescribed == []


def test_every_map_is_closed_or_says_what_its_entries_are() -> None:
    maps = [path for path in key_paths(SCHEMA) if key_rule(SCHEMA, path).get("type") == "object"]
    assert len(maps) > 20
    assert [path for path in maps if key_rule(SCHEMA, path).get("additionalProperties", True) is True] == []


def test_every_key_for_a_network_is_held_to_be_one() -> None:
    rules = {path: str(key_rule(SCHEMA, path).get("items")) for path in key_paths(SCHEMA)}
    holding = {path for path, items in rules.items() if "'#/$defs/network'" in items}
    further = {path[:-1] for path, items in rules.items() if "'#/$defs/networkPeers'" in items}
    assert holding == set(NETWORKS)
    assert further == {*OF_PEOPLE, *OF_THE_CHART}


def test_every_text_has_a_form_or_is_free_on_purpose() -> None:
    free = {
        *(
            ("nginx", "tls", "certificate"),
            ("nginx", "tls", "key"),
            ("hub", "lab", "defaultSize"),
        ),  # held to what exists
        *(("nginx", name, "annotations") for name in ("service", "ingress")),  # their entries
        ("hub", "extraConfig"),
        *(("hub", "traits", name) for name in CLASSES),
        ("hub", "auth", "other", "options"),
        *(("logging", part, name) for part in ("broker", "tls") for name in ("caCertificate", "certificate", "key")),
    }

    def is_formless(rule: JsonMap) -> bool:
        inner = [rule[word] for word in ("items", "additionalProperties") if isinstance(rule.get(word), dict)]
        text = "string" in rule.get("type", ()) and not {"pattern", "enum"} & set(rule)
        return text or any(is_formless(resolved(each, SCHEMA)) for each in inner)

    leaves = [path for path in key_paths(SCHEMA) if "properties" not in key_rule(SCHEMA, path)]
    assert {path for path in leaves if is_formless(key_rule(SCHEMA, path))} == free


def test_every_number_has_bounds() -> None:
    numbers = [path for path in key_paths(SCHEMA) if {"number", "integer"} & set(_kinds(key_rule(SCHEMA, path)))]
    assert len(numbers) > 10
    assert [path for path in numbers if not {"minimum", "maximum"} <= set(key_rule(SCHEMA, path))] == []


def _kinds(rule: JsonMap) -> list[str]:
    kinds: list[str] | str = rule.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def test_every_key_that_a_site_may_set_has_a_default_or_excludes_another() -> None:
    with_default = {path for path, _, _ in leaves(CHART.defaults(), SCHEMA)}
    optional = {
        path
        for path in key_paths(SCHEMA)
        if "properties" not in key_rule(SCHEMA, path) and path not in with_default and path[1:2] != ("secret",)
        # What no `pod` says is as Kubernetes has it.
        if "pod" not in path
    }
    chosen_by_the_site = {
        *(("hub", "auth", way) for way in ("github", "cilogon", "other", "dummy")),
        ("hub", "lab", "ladder"),
        ("hub", "db", "ports"),  # those of the secret address
        ("hub", "culling", "namedServers"),  # limits that are left out are those of all labs
        *(("hub", "traits", name) for name in CLASSES),
    }
    assert {path[:3] for path in optional} == chosen_by_the_site


@pytest.mark.parametrize("file", VALUES_FILES, ids=lambda file: "-".join(file.parts[-2:]))
def test_every_default_is_explained_in_one_line(file: Path) -> None:
    text = file.read_text()
    explained = descriptions(text)

    def unexplained(data: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if path in explained:
            return
        if isinstance(data, dict) and data:
            for key, value in data.items():
                yield from unexplained(value, (*path, key))
        else:
            yield path

    assert list(unexplained(yaml.safe_load(text), ())) == []
    assert all(sentence.endswith(".") for sentence in explained.values())


def test_a_stale_schema_is_noticed_and_repaired(desk: Any) -> None:
    part = desk.folder / "chart" / "charts" / "hub"
    part.mkdir(parents=True)
    desk.write("chart/values.schema.yaml", "properties: {global: {properties: {}}}\n$defs: {}\n")
    desk.write("chart/values.global.yaml", "global: {}\n")
    desk.write("chart/charts/hub/values.schema.yaml", "properties: {a: {type: integer}}\n")
    desk.write("chart/charts/hub/values.yaml", "# -- How many.\na: 1\n")
    assert desk.run("schema", "--check", "--chart", "chart").exit_code == 1
    assert desk.run("schema", "--chart", "chart").exit_code == 0
    assert desk.run("schema", "--check", "--chart", "chart").exit_code == 0
    composed = json.loads((desk.folder / "chart" / "values.schema.json").read_text())
    assert composed["properties"]["hub"]["properties"]["a"] == {
        "type": "integer",
        "description": "How many.",
        "default": 1,
    }
    composed_values = desk.read("chart/values.yaml")
    assert composed_values == {"global": {}, "hub": {"a": 1}}
    desk.write("chart/charts/hub/values.yaml", "# -- How many.\na: 2\n")
    assert desk.run("schema", "--check", "--chart", "chart").exit_code == 1


@pytest.mark.parametrize("name", ["values.yaml", "values.schema.json"])
@pytest.mark.parametrize("edited", [True, False], ids=["edited", "missing"])
def test_a_composed_file_that_was_changed_by_hand_is_named_and_written_anew(name: str, edited: bool, desk: Any) -> None:
    shutil.copytree(CHART.folder, desk.folder / "chart", symlinks=True)
    file = desk.folder / "chart" / name
    right = file.read_text()
    if edited:
        file.write_text(f"{right} ")
    else:
        file.unlink()
    refused = desk.run("schema", "--check", "--chart", "chart")
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"chart/{name}: error: does not fit the chart's parts, or is not there; run")
    written = desk.run("schema", "--chart", "chart").stdout
    assert f"Wrote chart/{name}\n" in written
    assert written.count("up to date") == 1
    assert file.read_text() == right


def test_a_comment_of_a_part_alone_makes_the_composed_values_stale(desk: Any) -> None:
    shutil.copytree(CHART.folder, desk.folder / "chart", symlinks=True)
    part = desk.folder / "chart" / "charts" / "hub" / "values.yaml"
    part.write_text(f"{part.read_text()}\n# Nothing else.\n")

    assert [file.name for file in Chart(desk.folder / "chart").stale()] == ["values.yaml"]


@pytest.mark.parametrize("text", ["a: [1\n", "# nothing\n", "- a\n"])
def test_a_part_whose_values_are_no_map_stops_the_composition_with_its_name(text: str, desk: Any) -> None:
    shutil.copytree(CHART.folder, desk.folder / "chart", symlinks=True)
    before = desk.read("chart/values.yaml")
    desk.write("chart/charts/hub/values.yaml", text)
    result = desk.run("schema", "--chart", "chart")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "chart/charts/hub/values.yaml: not a YAML map" in result.stderr
    assert desk.read("chart/values.yaml") == before


def test_a_default_without_a_schema_stops_the_composition(desk: Any) -> None:
    (desk.folder / "chart" / "charts").mkdir(parents=True)
    desk.write("chart/values.schema.yaml", "properties: {global: {properties: {}}}\n$defs: {}\n")
    desk.write("chart/values.global.yaml", "global: {surprise: 1}\n")
    result = desk.run("schema", "--chart", "chart")
    assert result.exit_code == 2
    assert "global.surprise: has a default, but no schema; add it to values.schema.yaml" in result.stderr


@pytest.mark.parametrize("name", [file.stem for file in sorted((CHECKOUT / "values").glob("*.yaml"))])
def test_the_examples_are_right_and_raise_no_warning(name: str, desk: Any) -> None:
    desk.write("secrets.yaml", "hub: {secret: {dbUrl: 'postgresql://jld:password@db.example.org/jld'}}\n")
    example = str(CHECKOUT / "values" / f"{name}.yaml")
    variables = {f"JLD_{way}_CLIENT_SECRET": "abc123" for way in ("GITHUB", "CILOGON", "OTHER")}
    result = desk.run("check", example, "--secrets", "secrets.yaml", JLD_BROKER_PASSWORD="abc123", **variables)
    assert (result.exit_code, result.stderr) == (0, "")


def test_the_example_with_everything_sets_every_key_that_excludes_no_other() -> None:
    example = yaml.safe_load((CHECKOUT / "values" / "everything.yaml").read_text())

    def unset(path: tuple[str | int, ...]) -> bool:
        data: Any = example
        for part in path:
            if not isinstance(data, dict) or part not in data:
                return True
            data = data[part]
        return False

    # Each part's own `pod` has the words of `global.pod`.
    missing = {path for path in key_paths(SCHEMA) if unset(path) and not is_of_a_parts_pod(path)}
    assert {path for path in missing if not any(path[: len(out)] == out for out in LEFT_OUT_OF_EVERYTHING)} == set()


def is_of_a_parts_pod(path: tuple[str | int, ...]) -> bool:
    return "pod" in path[:-1] and path[:2] != ("global", "pod") and path[:3] != ("hub", "lab", "pod")


def test_the_minimal_example_stays_short() -> None:
    text = (CHECKOUT / "values" / "minimal.yaml").read_text()
    assert len([line for line in text.splitlines() if line.strip() and not line.startswith("#")]) <= 11
