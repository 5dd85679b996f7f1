"""What the tool says about images of labs, and about what hangs together with them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from jld.rules.images import listed, series
from jld.schema.chart import Chart
from jld.schema.validator import is_valid
from jld.support.key_paths import JsonMap
from jldhub.images.registry.reference import InvalidReference, parse
from jldhub.images.tags import expressions, grammar
from jldhub.images.tags.expressions import ExpressionError, compile_expression
from jldhub.settings.lab import Lab

CHART = Chart(Path(__file__).resolve().parents[4] / "chart")
SCHEMA = CHART.schema()
HEAD = """\
global: {hostname: jupyter.example.org, imageRegistry: ghcr.io/my-org}
nginx: {tls: {existingSecret: jupyter-tls}}
hub:
  auth: {github: {clientId: Iv1.8a61f9b3a7aba766, organizations: {allow: [my-org]}}}
  lab:
"""
SCIENCE = "science: {reference: 'quay.io/jupyter/scipy-notebook:1'}"
LSST = "docker.io/lsstsqre/sciplat-lab"


def lab(*keys: str) -> str:
    """A site that is right but for these keys of labs, from line 6 on."""
    return HEAD + "".join(f"    {key}\n" for key in keys)


def image(keys: str) -> str:
    """The same with one image more than the default, in line 7."""
    return lab("defaultImage: science", f"images: {{{SCIENCE}, x: {{{keys}}}}}")


def typed(keys: str) -> str:
    return lab(f"typedImages: {{{keys}}}")


MISTAKES = {
    "a series of one image": (
        image(f"reference: '{LSST}:w_2026_21', tags: lsst, pins: [w_2026_21]"),
        "hub.lab.images.x.tags: hub.lab.images.x.reference is one image already; remove its tag or digest, or remove tags",
    ),
    "a title that YAML cannot hold": (
        image("reference: 'quay.io/x/y:1', title: \"a\\x1eb\""),
        'hub.lab.images.x.title: found "a\\x1eb"; write text of one line, without control characters',
    ),
    "a notice that YAML cannot hold": (
        lab('notices: {all: "\\x1b[31mStop"}'),
        'hub.lab.notices.all: found "\\x1b[31mStop"; write text without control characters',
    ),
    "an image without a tag": (
        image("reference: registry.example.org:5000/lab"),
        "hub.lab.images.x.reference: neither a tag nor a digest; write one, like registry.example.org:5000/lab:1.0, or "
        "hub.lab.images.x.tags (lsst, semver, calendar) to follow its tags",
    ),
    "an image without a registry": (
        image("reference: 'jupyter/scipy-notebook:1'"),
        'hub.lab.images.x.reference: found "jupyter/scipy-notebook:1"; write a registry, a repository, and a tag, like '
        "quay.io/jupyter/scipy-notebook:2026-11-02",
    ),
    "newest ones of one image": (
        image(f"reference: '{LSST}:w_2026_21', newest: {{weekly: 1}}"),
        "hub.lab.images.x.newest: only a series has it; write hub.lab.images.x.tags too, like tags: lsst, or remove it",
    ),
    "pins of what has no tags": (
        image(f"reference: '{LSST}', pins: [w_2026_21]"),
        "hub.lab.images.x.pins: only a series has it; write hub.lab.images.x.tags too, like tags: lsst, or remove it",
    ),
    "a series that shows nothing": (
        image(f"reference: '{LSST}', tags: lsst, newest: {{weekly: 0}}"),
        "hub.lab.images.x: no tag of it would stand in the menu; write hub.lab.images.x.newest, like newest: {release: 1}, or "
        "pins, or recommended",
    ),
    "a series of own classes that shows nothing": (
        image(f"reference: '{LSST}', tags: {{nightly: 'n(?P<v1>[0-9]+)'}}"),
        "hub.lab.images.x: no tag of it would stand in the menu; write hub.lab.images.x.newest, like newest: {nightly: 1}, or "
        "pins, or recommended",
    ),
    "a class in the plural": (
        image(f"reference: '{LSST}', tags: lsst, newest: {{weeklies: 1}}"),
        "hub.lab.images.x.newest.weeklies: hub.lab.images.x.tags has no such class; did you mean weekly?",
    ),
    "a class of another grammar": (
        image(f"reference: '{LSST}', tags: calendar, newest: {{nightly: 1}}"),
        "hub.lab.images.x.newest.nightly: hub.lab.images.x.tags has no such class; write one of release",
    ),
    "a class without an expression": (
        image(f"reference: '{LSST}', tags: {{nightly: 'n(?P<v1>[0-9]+)'}}, newest: {{weekly: 1}}"),
        "hub.lab.images.x.newest.weekly: hub.lab.images.x.tags has no such class; write one of nightly",
    ),
    "a class that is taken": (
        image(f"reference: '{LSST}', tags: lsst, newest: {{alias: 1, weekly: 1}}"),
        "hub.lab.images.x.newest: the names alias and other are taken; write another one",
    ),
    "a grammar that is none": (
        image(f"reference: '{LSST}', tags: lsts, newest: {{weekly: 1}}"),
        'hub.lab.images.x.tags: found "lsts"; write lsst, semver, calendar, or expressions by class',
    ),
    "what is no expression": (
        image(f"reference: '{LSST}', tags: {{nightly: 'n(?P<v1>[0-9]+'}}, pins: [a]"),
        "hub.lab.images.x.tags.nightly: no regular expression: missing ), unterminated subpattern at position 1; correct it",
    ),
    "a group that means nothing": (
        image(f"reference: '{LSST}', tags: {{nightly: 'n(?P<years>[0-9]+)'}}, pins: [a]"),
        "hub.lab.images.x.tags.nightly: the group years means nothing; did you mean year?",
    ),
    "an expression without a number": (
        image(f"reference: '{LSST}', tags: {{nightly: 'n(?P<label>.*)'}}, pins: [a]"),
        "hub.lab.images.x.tags.nightly: no group is a number, so that no tag would be newer than another; name one, like "
        r"(?P<v1>\d+)\.(?P<v2>\d+), of v1, v2, v3, v4, v5, v6, year, month, day, week",
    ),
    "an expression that may take for ever": (
        image(rf"reference: '{LSST}', tags: {{nightly: '(a+)+\1(?P<v1>\d+)'}}, pins: [a]"),
        "hub.lab.images.x.tags.nightly: it may take for ever on some tags; write it without backreferences, without looking ahead "
        "or behind, without possessive and atomic groups, and with fewer than 1000 repetitions",
    ),
    "no default": (
        lab(f"images: {{{SCIENCE}}}"),
        "hub.lab.defaultImage: which of hub.lab.images is chosen when nobody chose? Write one of science",
    ),
    "a misspelt default": (
        lab(f"images: {{{SCIENCE}}}", "defaultImage: scence"),
        'hub.lab.defaultImage: there is no image "scence" in hub.lab.images; did you mean science?',
    ),
    "a default without images": (
        lab("defaultImage: science"),
        "hub.lab.defaultImage: there are no images to choose from; remove it, or write hub.lab.images",
    ),
    "a default that not everybody may have": (
        lab("images: {a: {reference: 'quay.io/x/y:1', groups: [my-org]}}", "defaultImage: a"),
        "hub.lab.defaultImage: hub.lab.images.a.groups says that it is for these only; name one that everybody may have",
    ),
    "a default that does not start with the default size": (
        lab(f"images: {{{SCIENCE}, a: {{reference: 'quay.io/x/y:1', sizes: [large]}}}}", "defaultImage: a"),
        "hub.lab.defaultImage: it does not start with hub.lab.defaultSize (small); add that to hub.lab.images.a.sizes, or name "
        "another one",
    ),
    "a size that is none": (
        image("reference: 'quay.io/x/y:1', sizes: [larg]"),
        'hub.lab.images.x.sizes[0]: there is no size "larg" in hub.lab.sizes; did you mean large?',
    ),
    "a port that is none": (
        image("reference: 'localhost:99999/x:1'"),
        "hub.lab.images.x.reference: there is no port 99999; write a number below 65536",
    ),
    "an address that is none": (
        image("reference: '[0c9.C]:5000/x:1'"),
        "hub.lab.images.x.reference: [0c9.C] is no IPv6 address; write one, or the registry's name",
    ),
    "a name that is too long": (
        image(f"reference: 'quay.io/{'x' * 250}:1'"),
        "hub.lab.images.x.reference: registry and repository have more than 255 characters, and no runtime pulls that; write a "
        "shorter one",
    ),
    "an image for what is no organization": (
        image("reference: 'quay.io/x/y:1', groups: [/science]"),
        'hub.lab.images.x.groups[0]: GitHub has no organization or team "/science"; write my-org, or my-org:my-team',
    ),
    "typing for what is no organization": (
        typed("groups: [/science], allow: [quay.io/x/*]"),
        'hub.lab.typedImages.groups[0]: GitHub has no organization or team "/science"; write my-org, or my-org:my-team',
    ),
    "typing nothing": (
        typed("groups: [my-org]"),
        "hub.lab.typedImages.groups: these could type nothing; write hub.lab.typedImages.allow too, like "
        'allow: ["quay.io/jupyter/*"]',
    ),
    "another name of Docker Hub": (
        typed("groups: [my-org], allow: [index.docker.io/jupyter/*]"),
        "hub.lab.typedImages.allow[0]: images of index.docker.io are known by the name docker.io; write docker.io/jupyter/*",
    ),
    "an image of Docker Hub without an owner": (
        typed("groups: [my-org], allow: ['docker.io/python:*']"),
        "hub.lab.typedImages.allow[0]: an image without an owner belongs to library; write docker.io/library/python:*",
    ),
    "a size that guarantees more than there is": (
        lab("sizes: {x: {cpu: 1, memory: 1Gi, guaranteedCpu: 1500m}}"),
        "hub.lab.sizes.x.guaranteedCpu: a lab of this size may use 1; write less, or raise hub.lab.sizes.x.cpu",
    ),
    "shared memory beyond the size": (
        lab("sizes: {x: {cpu: 1, memory: 1Gi, shmSize: 2Gi}}"),
        "hub.lab.sizes.x.shmSize: a lab of this size may use 1Gi; write less, or raise hub.lab.sizes.x.memory",
    ),
}
# Registries that are not named completely would let people run anything.
MISTAKES |= {
    f"the pattern {pattern}": (
        typed(f"groups: [my-org], allow: ['{pattern}']"),
        f'hub.lab.typedImages.allow[0]: found "{pattern}"; write a registry\'s name and a pattern, like quay.io/jupyter/*',
    )
    for pattern in (
        "*",
        "*/*",
        "quay.io",
        "quay.io*",
        "quay.io*/x",
        "*.quay.io/x",
        "localhost",
        "python:*",
        "quay.io:*/x",
    )
}
WARNINGS = {
    "patterns for nobody": (
        typed("allow: [quay.io/x/*]"),
        "hub.lab.typedImages.allow: has no effect, because nobody may type an image; write hub.lab.typedImages.groups too, or "
        "remove it",
    ),
    "one image twice": (
        image("reference: 'quay.io/jupyter/scipy-notebook:1'"),
        "hub.lab.images.x.reference: hub.lab.images.science has the same reference; remove one of the two",
    ),
    "a size that no image starts with": (
        lab("defaultImage: a", "images: {a: {reference: 'quay.io/x/y:1', sizes: [small, medium, large]}}"),
        "hub.lab.images: none of them starts with hub.lab.sizes.tiny; add it to the sizes of one, or write "
        "hub: {lab: {sizes: {tiny: null}}}",
    ),
    "a resource without GPUs": (
        lab("sizes: {x: {cpu: 1, memory: 1Gi, gpuResource: amd.com/gpu}}"),
        "hub.lab.sizes.x.gpuResource: has no effect without gpus; write gpus: 1, or remove it",
    ),
}
RIGHT = {
    "a moving tag": image("reference: 'quay.io/x/y:latest'"),
    "a digest": image(f"reference: 'quay.io/x/y@sha256:{'0' * 64}'"),
    "a tag and a digest": image(f"reference: '[::1]:5000/x/y:1@sha256:{'0' * 64}'"),
    "pins alone": image(f"reference: '{LSST}', tags: lsst, pins: [w_2026_21]"),
    "a recommended one alone": image(f"reference: '{LSST}', tags: calendar, recommended: latest"),
    "own classes": image(rf"reference: '{LSST}', tags: {{nightly: 'n(?P<v1>\d+)'}}, newest: {{nightly: 1}}"),
    "an image taken away": lab(f"images: {{{SCIENCE}, old: null}}", "defaultImage: science"),
    "typing": typed("groups: ['my-org:team'], allow: [quay.io/*, localhost/*, 'localhost:5000/x', 'Ghcr.io/x/*']"),
    "typing at Docker Hub": typed("groups: [my-org], allow: ['docker.io/*', 'docker.io/library/python:3*', 'docker.io/py*:1']"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_with_place_cause_and_remedy(
    text: str, sentence: str, complaints: Callable[[str], list[str]]
) -> None:
    (found,) = complaints(text)
    assert re.sub(r"^site.yaml:[5-7]:\d+: error: ", "", found) == sentence


@pytest.mark.parametrize(("text", "sentence"), WARNINGS.values(), ids=WARNINGS)
def test_what_has_no_effect_is_a_warning(text: str, sentence: str, desk: Any) -> None:
    desk.write("site.yaml", text)
    result = desk.run("check", "site.yaml", JLD_GITHUB_CLIENT_SECRET="abc123")
    assert (result.exit_code, re.sub(r"^site.yaml:[5-7]:\d+: warning: ", "", result.stderr)) == (0, f"{sentence}\n")


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_accepted(text: str, desk: Any) -> None:
    desk.write("site.yaml", text)
    result = desk.run("check", "site.yaml", JLD_GITHUB_CLIENT_SECRET="abc123")
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_null_in_a_later_file_takes_an_image_away(desk: Any) -> None:
    desk.write("site.yaml", image("reference: 'quay.io/x/y:1'"))
    desk.write("less.yaml", "hub: {lab: {images: {x: null}}}\n")
    assert desk.run("values", "site.yaml", "less.yaml", JLD_GITHUB_CLIENT_SECRET="abc123").exit_code == 0
    assert set(desk.read()["hub"]["lab"]["images"]) == {"science"}


@pytest.mark.parametrize("choice", ["images: {a: {reference: 'quay.io/x/y:1', groups: [science]}}", "typedImages: {groups: [science], allow: [quay.io/x/*]}"])  # fmt: skip
def test_a_trial_has_no_groups(choice: str, complaints: Callable[[str], list[str]]) -> None:
    default = ["defaultImage: b", "images: {b: {reference: 'quay.io/x/z:1'}, " + choice.removeprefix("images: {")]
    text = lab(*(default if choice.startswith("images") else [choice]))
    found = complaints(re.sub(r"github: \{.*\}\}\}", "dummy: {users: [alice]}}", text))
    assert [line.split(": ", 3)[2:] for line in found] == [
        [
            f"hub.lab.{'images.a' if choice.startswith('images') else 'typedImages'}.groups[0]",
            "nobody is in a group with hub.auth.dummy, so nobody would be offered this; leave groups out",
        ]
    ]


# The tool and the hub share no package: what both know has to be the same.


def test_the_hub_knows_the_same_classes_and_groups() -> None:
    assert {name: each.classes for name, each in grammar.NAMED.items()} == series.CLASSES
    assert (expressions.NUMBERS, expressions.GROUPS) == (series.NUMBERS, series.GROUPS)
    rule = SCHEMA["properties"]["hub"]["properties"]["lab"]["properties"]["images"]["additionalProperties"]
    grammars, own = rule["properties"]["tags"]["anyOf"]
    assert set(grammars["enum"]) == set(grammar.NAMED)
    assert own["additionalProperties"]["maxLength"] == expressions.LONGEST


PIECES = ["(?P<v1>", r"\d+", ")", "(", "+", "*", "a", "|", "(?P<label>", "(?P<x>", "(?=", "(?<=", r"\1", "{2,3}", "{1001}", "[", "]", "^", "$", "(?i)", "(?#", "++", "(?>", ".", "\\"]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=9))
@example(pieces=[r"(?P<v1>\d+)", "(?=a)"])
@example(pieces=[r"(?P<v1>\d+)", "a"])
def test_the_tool_refuses_the_expressions_that_the_hub_refuses(pieces: list[str]) -> None:
    expression = "".join(pieces)
    tags = {"nightly": expression}
    effective = {"hub": {"lab": {"images": {"x": {"reference": LSST, "tags": tags, "pins": ["a"]}}}}}
    refused = bool(list(series.expressions_can_be_used(effective)))
    try:
        compile_expression("nightly", expression)
    except ExpressionError:
        assert refused
    else:
        assert not refused


HOSTS = ["quay.io", "localhost", "Registry.Example.org", "[::1]", "a-", "[:::]", "1.2"]
PATHS = ["/x", "/x/y", "/x__y", "/x--y.z", "/X", "/x..y", f"/{'x' * 250}"]


@settings(max_examples=300, deadline=None)
@given(
    host=st.sampled_from(HOSTS),
    port=st.sampled_from(["", ":5000", ":65535", ":65536", ":99999", ":0"]),
    path=st.sampled_from(PATHS),
    tag=st.sampled_from([":1", ":latest", f":{'x' * 128}", f"@sha256:{'a' * 64}", f":1@sha256:{'a' * 64}"]),
)
def test_the_hub_understands_each_reference_that_the_tool_accepts(host: str, port: str, path: str, tag: str) -> None:
    reference = f"{host}{port}{path}{tag}"
    effective: JsonMap = {"hub": {"lab": {"images": {"x": {"reference": reference}}}}}
    assume(is_valid(reference, SCHEMA["$defs"]["imageReference"], SCHEMA))
    broken = [sentence for rule in (*series.RULES, *listed.RULES[2:]) for _, sentence in rule(effective)]
    try:
        parse(reference)
    except InvalidReference:
        assert broken
    else:
        assert broken == []


def _hubs_refusal(keys: dict[str, Any]) -> str:
    sizes = {"small": {"cpu": 1, "memory": "2Gi"}, "large": {"cpu": 4, "memory": "8Gi"}}
    try:
        Lab.model_validate({"sizes": sizes, "defaultSize": "small", **keys})
    except ValueError as mistake:
        return str(mistake)
    return ""


@pytest.mark.parametrize(
    "keys",
    [
        {"images": {"a": {"reference": "quay.io/x/y:1"}}},
        {"images": {"a": {"reference": "quay.io/x/y:1"}}, "defaultImage": "b"},
        {"images": {"a": {"reference": "quay.io/x/y:1", "groups": ["g"]}}, "defaultImage": "a"},
        {"images": {"a": {"reference": "quay.io/x/y:1", "sizes": ["large"]}}, "defaultImage": "a"},
        {"images": {"a": {"reference": "quay.io/x/y:1", "sizes": ["small", "x"]}}, "defaultImage": "a"},
        {"images": {"a": {"reference": "quay.io/x/y:1", "pins": ["p"]}}, "defaultImage": "a"},
    ],
)
def test_what_stops_the_hub_the_tool_refuses_before(keys: dict[str, Any]) -> None:
    sizes = {"small": {"cpu": 1, "memory": "2Gi"}, "large": {"cpu": 4, "memory": "8Gi"}}
    effective = {"hub": {"lab": {"sizes": sizes, "defaultSize": "small", "defaultImage": "", **keys}}}
    assert _hubs_refusal(keys)
    assert [each for rule in (*listed.RULES, *series.RULES) for each in rule(effective)]


def test_a_site_without_expressions_does_not_wait_for_re2() -> None:
    program = (
        "import sys; from jld.rules.between_keys import violations; from jld.site.tree import Node;"
        "images = {'x': {'reference': 'quay.io/x/y', 'tags': 'lsst', 'pins': ['a']}};"
        "violations(Node({}), {'hub': {'lab': {'images': images}}}); sys.exit('re2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
