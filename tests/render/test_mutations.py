"""No single mistake in a site file survives: thousands of mutated ones are refused by a sentence, or render to what Kubernetes takes.

`--mutations-report FILE` writes the table of docs/limits.md: how much the tool refuses, how much Helm alone, and what only the tool can.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import re
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub_start import HubFault
from jld.schema.chart import Chart
from jld.schema.validator import is_valid
from jld.site.tree import Node, coalesce
from jld.support.errors import Place, SiteError
from jld.support.key_paths import JsonMap, dotted, value_at
from jld.values import assembly
from jld.values.assembly import Sources, assemble
from jld.values.values_file import render_values as document
from jldhub.settings.settings import Settings, SettingsError
from manifests import complaints
from mutating import Mutation, mutations
from rendering import CHART, KUBERNETES, SITES, Question, helm, render

pytestmark = pytest.mark.slow

LEAST = 2000
# There are some 19,000, half an hour of processor time. An eighth takes each kind at another key, and is the same in every run.
EVERY = 1 if os.environ.get("JLD_MUTATIONS") == "all" else 8
RENDERED = 2000 if EVERY == 1 else 150  # of the accepted ones at most; above that, a sample
ASKED_OF_HELM = 40
SECRET = {f"JLD_{way}_CLIENT_SECRET": "made-up" for way in ("GITHUB", "CILOGON", "OTHER")}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Verdict:
    """What the tool made of one mutated file, and what the schema alone says of it."""

    mutation: Mutation
    refusals: tuple[tuple[str, str], ...]  # key and sentence
    values: bytes  # what it wrote, when it accepted
    traceback: str
    schema_refuses: bool

    @property
    def named(self) -> bool:
        return any(names(path, key, sentence) for path in self.mutation.paths for key, sentence in self.refusals)


def names(path: tuple[str | int, ...], key: str, sentence: str) -> bool:
    """Whether a refusal tells the mutated key: itself, something in it, or the map that it was to stand in."""
    mutated, above = dotted(path), dotted(path[:-1])
    told = key == mutated or key.startswith((f"{mutated}.", f"{mutated}[")) or key == above != ""
    return told or mutated in sentence or (above != "" and above in sentence)


class ReadOnce(Chart):
    """The chart, read once for all files."""

    @cache  # noqa: B019 (lives as long as the process)
    def schema(self) -> JsonMap:
        return super().schema()

    @cache  # noqa: B019
    def defaults(self) -> JsonMap:
        return super().defaults()


def tree(data: Any) -> Node:
    """As if it had been read from a file."""
    place = Place("site.yaml", 1, 1)
    if isinstance(data, dict):
        return Node({key: tree(child) for key, child in data.items()}, place, place)
    if isinstance(data, list):
        return Node([tree(child) for child in data], place, place)
    return Node(data, place, place, json.dumps(data) if data is not None else "null", isinstance(data, str))


def judge(mutated: Sequence[Mutation]) -> list[Verdict]:
    """Runs in a process of its own. Reading YAML is tested elsewhere, and would take most of the time here."""
    chart = ReadOnce(CHART)
    verdicts = []
    for mutation in mutated:
        refusals: tuple[tuple[str, str], ...] = ()
        values, failure = b"", ""
        assembly.load = lambda _, data=mutation.data: tree(data)  # type: ignore[attr-defined,assignment]
        try:
            values = document(assemble(Sources([Path("site.yaml")]), chart, NOW).data)
        except SiteError as error:
            refusals = tuple((problem.key, problem.sentence) for problem in error.problems)
        except Exception:
            failure = traceback.format_exc()
        schema_refuses = not is_valid(coalesce(chart.defaults(), mutation.data), chart.schema(), chart.schema())
        verdicts.append(Verdict(mutation, refusals, values, failure, schema_refuses))
    return verdicts


@pytest.fixture(scope="module")
def verdicts(values: dict[str, Path]) -> list[Verdict]:
    """The mutated files are those that `jld values` wrote, so that secrets are mutated too."""
    mutated = [
        mutation for site, file in values.items() for mutation in mutations(site, yaml.safe_load(file.read_text()))
    ]
    chosen = [each for number, each in enumerate(mutated) if number % EVERY == 0 or is_null_for_a_part(each)]
    halves = [chosen[::2], chosen[1::2]]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        return [verdict for half in pool.map(judge, halves) for verdict in half]


@pytest.fixture(scope="module", autouse=True)
def report(request: pytest.FixtureRequest, verdicts: list[Verdict]) -> Iterator[None]:
    yield
    file = request.config.getoption("--mutations-report")
    if file:
        Path(file).write_text(table(verdicts))


def test_there_are_thousands(verdicts: list[Verdict]) -> None:
    assert len(verdicts) >= LEAST
    assert {verdict.mutation.source for verdict in verdicts} == {
        path.stem for path in Path(CHART.parent / "values").glob("*.yaml")
    }


def test_the_tool_never_breaks(verdicts: list[Verdict]) -> None:
    assert [f"{verdict.mutation}\n{verdict.traceback}" for verdict in verdicts if verdict.traceback] == []


def test_every_refusal_names_the_mutated_key(verdicts: list[Verdict]) -> None:
    assert [
        f"{verdict.mutation}: {verdict.refusals}" for verdict in verdicts if verdict.refusals and not verdict.named
    ] == []


def test_what_the_schema_refuses_the_tool_refuses_or_repairs(verdicts: list[Verdict]) -> None:
    # Made again where it is missing: Firefly's password too, in the place of a Secret that is no longer named.
    repaired = {
        ("hub", "secret"),
        ("nginx", "secret"),
        ("logging", "secret"),
        ("firefly", "secret"),
        ("firefly", "existingSecret"),
    }
    assert [
        str(verdict.mutation)
        for verdict in verdicts
        if verdict.schema_refuses and not verdict.refusals and verdict.mutation.paths[0][:2] not in repaired
    ] == []


def test_what_the_tool_accepts_is_what_kubernetes_and_the_hub_take(
    verdicts: list[Verdict], hub_fault: HubFault, tmp_path: Path
) -> None:
    different = list({verdict.values: verdict for verdict in verdicts if verdict.values}.values())
    chosen = random.Random(0).sample(different, min(RENDERED, len(different)))  # noqa: S311
    files = [tmp_path / f"{number}.yaml" for number in range(len(chosen))]
    with ThreadPoolExecutor(2) as pool:
        wrong = list(pool.map(lambda each, file: fault(each, file, hub_fault), chosen, files))
    assert len(chosen) > 100
    assert [f"{verdict.mutation}: {why}" for verdict, why in zip(chosen, wrong, strict=True) if why] == []


def test_the_schema_says_the_same_inside_helm(verdicts: list[Verdict], tmp_path: Path) -> None:
    def refuses(each: tuple[int, Verdict]) -> bool:
        file = tmp_path / f"{each[0]}.yaml"
        file.write_bytes(document(each[1].mutation.data))
        done = helm("helm4", "template", *Question(file).arguments())
        # What stands where a part's values belong, Helm refuses before it asks the schema.
        return "don't meet the specifications of the schema" in done.stderr or "type mismatch on" in done.stderr

    def takes_nothing_away(mutation: Mutation) -> bool:
        """A null where there is no default, also by another name. The tool leaves it out of what it writes; Helm hands it on to the schema."""
        *above, key = map(str, mutation.paths[0])
        holder = value_at(mutation.data, *above)
        is_null = mutation.kind == "null" or (isinstance(holder, dict) and holder.get(key, "") is None)
        return is_null and value_at(defaults, *above, key) is None

    defaults = Chart(CHART).defaults()
    compared = [
        verdict
        for verdict in verdicts
        if not takes_nothing_away(verdict.mutation) and not is_null_for_a_part(verdict.mutation)
    ]
    chosen = random.Random(1).sample(compared, ASKED_OF_HELM)  # noqa: S311
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(refuses, enumerate(chosen)))
    assert [
        str(verdict.mutation)
        for verdict, refused in zip(chosen, said, strict=True)
        if refused != verdict.schema_refuses
    ] == []


def is_null_for_a_part(mutation: Mutation) -> bool:
    """A null in the place of a whole part's values, where Helm puts back the defaults of the part."""
    return mutation.kind == "null" and mutation.paths[0] in {(part,) for part in Chart(CHART).parts}


def test_a_part_is_not_taken_away_by_null(verdicts: list[Verdict]) -> None:
    """The tool refuses what would look as if a part were gone and is not: Helm installs it with its defaults."""
    nulls = [verdict for verdict in verdicts if is_null_for_a_part(verdict.mutation)]
    assert {verdict.mutation.paths[0][0] for verdict in nulls} == set(Chart(CHART).parts)
    assert [str(verdict.mutation) for verdict in nulls if not verdict.refusals] == []


@pytest.mark.parametrize("site", SITES)
def test_a_lost_or_doubled_character_is_answered_with_a_place(site: str, tmp_path: Path) -> None:
    text = (CHART.parent / "values" / f"{site}.yaml").read_text()
    chance = random.Random(site)  # noqa: S311
    file = tmp_path / "site.yaml"
    said = []
    for _ in range(30):
        at = chance.randrange(len(text))
        file.write_text(text[:at] + chance.choice(["", text[at] * 2, "\t"]) + text[at + 1 :])
        try:
            assemble(Sources([file], environment=SECRET), ReadOnce(CHART), NOW)
        except SiteError as error:
            said += error.problems
    assert said
    assert [problem for problem in said if not problem.place or len(problem.sentence) < 10] == []


def test_sites_of_different_kinds_on_top_of_each_other_are_refused_or_work(hub_fault: HubFault, tmp_path: Path) -> None:
    folder = CHART.parent / "values"
    accepted, blamed = [], set()
    for one, other in itertools.permutations(SITES, 2):
        sources = Sources([folder / f"{one}.yaml", folder / f"{other}.yaml"], environment=SECRET)
        try:
            data = assemble(sources, ReadOnce(CHART), NOW).data
        except SiteError as error:
            blamed |= {Path(problem.place.file).stem for problem in error.problems if problem.place}
        else:
            mutation = Mutation(f"{one} and {other}", "files merged", (), {})
            accepted.append(Verdict(mutation, (), document(data), "", False))
    files = [tmp_path / f"{number}.yaml" for number in range(len(accepted))]  # a file of one name is rendered once
    wrong = [fault(*each, hub_fault) for each in zip(accepted, files, strict=True)]
    assert wrong == [""] * len(accepted)
    assert [each.mutation.source for each in accepted if "local" in each.mutation.source] == []
    assert blamed == set(SITES)


def fault(verdict: Verdict, file: Path, hub_fault: HubFault) -> str:
    """Why a file that the tool wrote would not work."""
    file.write_bytes(verdict.values)
    try:
        rendered = render(Question(file, program="helm4"))
        Settings.parse(rendered.settings())
    except (AssertionError, SettingsError) as error:
        return str(error)
    wrong = [*complaints(rendered.objects, KUBERNETES[-1]), *odd_names(rendered.objects), hub_fault(rendered)]
    return "; ".join(filter(None, wrong))


_OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_NAMING = {"secretName", "claimName", "storageClassName", "volumeName", "serviceAccountName"}
_IMAGE = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def odd_names(data: Any) -> Iterator[str]:
    """What the API server refuses, and its schemas do not tell: they have types without patterns."""
    if isinstance(data, list):
        for each in data:
            yield from odd_names(each)
    elif isinstance(data, dict):
        for key, value in data.items():
            if key in _NAMING and value != "" and not _OBJECT_NAME.fullmatch(str(value)):
                yield f"{key} {value!r} is no name of an object"
            if key == "image" and not _IMAGE.fullmatch(str(value)):
                yield f"{value!r} is no image reference"
            yield from odd_names(value)


def table(verdicts: list[Verdict]) -> str:
    """How much is refused, by kind of mistake."""
    made, by_tool, by_helm = (Counter[str]() for _ in range(3))
    only_tool: Counter[str] = Counter()
    for verdict in verdicts:
        kind = verdict.mutation.kind
        made[kind] += 1
        by_tool[kind] += bool(verdict.refusals)
        by_helm[kind] += verdict.schema_refuses
        if verdict.refusals and not verdict.schema_refuses:
            only_tool[re.sub(r'"[^"]*"|\d\S*', "…", verdict.refusals[0][1])] += 1
    share = ", ".join(
        f"{100 * refused.total() / made.total():.1f} % are refused by {whom}"
        for refused, whom in ((by_tool, "`jld`"), (by_helm, "`helm install` alone"))
    )
    rows = [f"| {kind} | {made[kind]} | {by_tool[kind]} | {by_helm[kind]} |" for kind in made]
    total = f"| all | {made.total()} | {by_tool.total()} | {by_helm.total()} |"
    only = [f"* {count} times: {sentence}" for sentence, count in only_tool.most_common()]
    head = ["| mistake | made | refused by `jld` | refused by `helm install` alone |", "|---|---|---|---|"]
    first = (
        f"Of {made.total()} mutated files {share}. The others are right, or `jld values` makes again what is missing."
    )
    return "\n".join([first, "", *head, *rows, total, "", "Refused by the tool alone:", "", *only, ""])
