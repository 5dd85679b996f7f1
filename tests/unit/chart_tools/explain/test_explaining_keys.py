"""`jld explain` and `jld docs`: what the schema says, in words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jld.explain.keys import FIRST_VERSION, all_keys, describe_key, parse_key, suggestions
from jld.explain.reference import reference
from jld.schema.chart import Chart
from jld.schema.validation import key_paths, key_rule
from jld.schema.validator import is_valid
from jld.support.key_paths import JsonMap

CHECKOUT = Path(__file__).resolve().parents[4]
SCHEMA = Chart(CHECKOUT / "chart").schema()


def test_a_key_is_explained_with_type_default_accepted_form_and_an_example(desk: Any) -> None:
    result = desk.run("explain", "hub.culling.idleTimeout")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "hub.culling.idleTimeout",
        "How long a lab may sit idle before it is stopped. A kernel that computes counts as activity. At least `5m`; `0s` never stops it.",
        "",
        "  type      text",
        '  default   "12h"',
        "  accepted  5m or more as a whole number and one unit of s, m, h or d, like 90m, or 0s for never",
        "  rule      labs in use would be stopped before they have told the hub; write 5m or more, or 0s for never",
        "  since     0.1.0",
        "",
        "Example:",
        "",
        "hub:",
        "  culling:",
        '    idleTimeout: "90m"',
    ]


@pytest.mark.parametrize(
    ("key", "below"),
    [
        ("hub.db", ["external", "upgrade", "ports", "capacity", "storageClass"]),
        ("", ["global", "firefly", "hub", "logging", "nginx", "prepuller", "storage"]),
        (
            "hub.lab.sizes.huge",
            [
                *("cpu", "memory", "groups", "guaranteedCpu", "guaranteedMemory", "gpus", "gpuResource", "shmSize"),
                *("nodeSelector", "tolerations"),
            ],
        ),
    ],
    ids=["the top", "a section", "an entry of the site's own"],
)
def test_a_section_lists_its_keys(key: str, below: list[str], desk: Any) -> None:
    result = desk.run("explain", *([key] if key else []), "--format", "json")
    assert (result.exit_code, list(json.loads(result.stdout)["keys"])) == (0, below)


def test_a_key_of_two_types_names_both(desk: Any) -> None:
    result = desk.run("explain", "hub.lab.images.lsst.tags", "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)["type"]) == (
        0,
        "one of lsst, semver, calendar, or names, each with text",
    )


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("hub.culling.idleTimout", "there is no such key; did you mean hub.culling.idleTimeout?"),
        (
            "idleTimeout",
            "there is no such key; did you mean hub.culling.idleTimeout or hub.culling.namedServers.idleTimeout or nginx.idleTimeout?",
        ),
        ("hub.global", "there is no such key; did you mean global?"),
        (
            "lab_size_range",
            "there is no such key; the original deploy tool's lab_size_range is now hub.lab.sizeRange",
        ),
        ("qqqq", "there is no such key; `jld explain` lists what there is"),
        ("[[", "there is no such key; `jld explain` lists what there is"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_one(key: str, sentence: str, desk: Any) -> None:
    result = desk.run("explain", key)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"error: {key}: {sentence}\n")


@given(text=st.text(st.sampled_from('.[]"01hub ü') | st.characters(), max_size=12))
@example('""')
def test_whatever_is_asked_about_there_is_an_answer(text: str) -> None:
    found = describe_key(SCHEMA, parse_key(text))
    assert found or all(describe_key(SCHEMA, parse_key(other)) for other in suggestions(SCHEMA, text))


def test_every_key_has_an_example_that_is_accepted() -> None:
    leaves = [key for key in all_keys(SCHEMA) if not key.keys and not key.type.startswith("secret")]
    assert len(leaves) > 50
    without = [key.name for key in leaves if not is_valid(key.example, key_rule(SCHEMA, key.path), SCHEMA)]
    assert without == []
    assert [key.name for key in leaves if key.has_default and key.example == key.default] == []


def test_every_key_can_be_named_as_the_tool_writes_it() -> None:
    for path in key_paths(SCHEMA):
        found = describe_key(SCHEMA, path)
        assert found is not None, path
        assert parse_key(found.name) == path
    assert parse_key('hub.extraConfig."50-greeting.py"') == ("hub", "extraConfig", "50-greeting.py")
    assert parse_key("hub.auth.admins[0]") == ("hub", "auth", "admins", 0)


def test_a_key_is_as_old_as_it_says_or_as_its_section_or_as_the_chart() -> None:
    text = {"type": "string"}
    newer: JsonMap = {
        "type": "object",
        "x-since": "0.3.0",
        "properties": {"c": text, "d": {**text, "x-since": "0.4.0"}},
    }
    schema: JsonMap = {"$defs": {}, "properties": {"a": text, "b": newer}}
    since = {found.name: found.since for found in all_keys(schema)}
    assert since == {"a": FIRST_VERSION, "b": "0.3.0", "b.c": "0.3.0", "b.d": "0.4.0"}


def test_every_key_came_with_a_version_of_the_chart() -> None:
    changelog = (CHECKOUT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    present = yaml.safe_load((CHECKOUT / "chart/Chart.yaml").read_text())["version"]
    assert {key.since for key in all_keys(SCHEMA)} | {FIRST_VERSION} <= {*versions, present}
    assert versions[-1] == FIRST_VERSION


def test_the_committed_reference_fits_the_schema(desk: Any) -> None:
    result = desk.run("docs", "--check")
    assert (result.exit_code, result.stderr) == (0, ""), "run `jld docs`"


def test_the_reference_has_every_key_once_and_every_secret() -> None:
    text = reference(SCHEMA)
    for key in all_keys(SCHEMA):
        if not key.keys:
            assert text.count(f"| `{key.name}` |") == 1, key.name
    assert "JLD_DB_URL" in text
    assert all(line.count(" | ") >= 3 for line in text.splitlines() if line.startswith("| "))


def test_a_stale_reference_is_noticed_and_repaired(desk: Any) -> None:
    desk.write("reference.md", "old\n")
    stale = desk.run("docs", "--check", "-o", "reference.md")
    assert stale.exit_code == 1
    assert stale.stderr.startswith("reference.md: error: does not fit the chart's schema; run `jld docs`")
    assert desk.run("docs", "-o", "reference.md").exit_code == 0
    assert desk.run("docs", "--check", "-o", "reference.md").exit_code == 0
    assert desk.run("docs", "-o", "nowhere/reference.md").exit_code == 2
