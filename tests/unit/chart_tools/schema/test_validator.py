"""What judges a site by the schema: that it says what jsonschema says, and knows no expression that Go reads otherwise."""

import copy
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.schema.chart import Chart
from jld.schema.validator import is_valid, mistakes
from jld.site.tree import coalesce
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

CHECKOUT = Path(__file__).resolve().parents[4]
CHART = Chart(CHECKOUT / "chart")
SCHEMA, DEFAULTS = CHART.schema(), CHART.defaults()
SITES = sorted((CHECKOUT / "values").glob("*.yaml"))
CHANGED = 15  # of a site
ODD = (None, True, -1, 0.5, 10**12, 10**30, 5.0, "", "x\n", "é", "\u00a0", "x" * 300, [], ["a", "a"], {}, {"x y": 1})


def as_go_matches(_: Any, pattern: str, instance: object, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance, re.ASCII):
        yield ValidationError("does not match")


PEER = extend(Draft202012Validator, {"pattern": as_go_matches})(SCHEMA)


def expressions(rule: Any) -> Iterator[str]:
    if isinstance(rule, dict):
        if isinstance(rule.get("pattern"), str):
            yield rule["pattern"]
        rule = list(rule.values())
    if isinstance(rule, list):
        for each in rule:
            yield from expressions(each)


def leaves(data: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in entries:
        yield (*above, key)
        yield from leaves(child, (*above, key))


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.stem)
def test_it_finds_the_mistakes_that_jsonschema_finds(site: Path) -> None:
    chance = random.Random(site.stem)  # noqa: S311
    whole = coalesce(DEFAULTS, yaml.safe_load(site.read_text()))
    places = list(leaves(whole))
    wrong = 0
    for _ in range(CHANGED):
        changed = copy.deepcopy(whole)
        *above, last = chance.choice(places)
        holder: Any = changed
        for key in above:
            holder = holder[key]
        holder[last] = chance.choice(ODD)
        found = {(each.path, each.keyword, repr(each.instance)) for each in mistakes(changed, SCHEMA)}
        assert found == {
            (tuple(each.absolute_path), each.validator, repr(each.instance)) for each in PEER.iter_errors(changed)
        }
        assert is_valid(changed, SCHEMA, SCHEMA) is not bool(found)
        wrong += bool(found)
    assert wrong > CHANGED / 4


def test_expressions_have_nothing_that_libraries_read_differently() -> None:
    """Blanks, digits and letters of all of Unicode or of ASCII alone; lookaheads, which Go does not have."""
    found = list(expressions(SCHEMA))
    assert len(found) > 100
    assert [each for each in found if re.search(r"\\[swdbSWDB]|\(\?", each)] == []


@pytest.mark.parametrize(
    ("rule", "path", "keyword", "instance", "about_key"),
    [
        ({"propertyNames": {"maxLength": 2}}, (), "maxLength", "long", True),
        ({"properties": {"long": {"$ref": "#/$defs/text"}}}, ("long",), "type", 1, False),
        ({"propertyNames": {"$ref": "#/$defs/text"}, "required": ["b"]}, (), "required", {"long": 1}, False),
        ({"if": {"required": ["long"]}, "then": {"maxProperties": 0}}, (), "maxProperties", {"long": 1}, False),
    ],
)
def test_a_mistake_says_what_is_wrong_and_where(
    rule: dict[str, Any], path: tuple[str, ...], keyword: str, instance: object, about_key: bool
) -> None:
    [found] = mistakes({"long": 1}, rule | {"$defs": {"text": {"type": "string"}}})

    assert (found.path, found.keyword, found.instance, found.about_key) == (path, keyword, instance, about_key)
    assert found.rule[keyword] == found.keyword_value
