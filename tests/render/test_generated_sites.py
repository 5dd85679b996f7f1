"""Whatever the tool accepts, Helm lints and renders, Kubernetes takes, and the hub starts with; a site that the schema accepts, the tool does.

`JLD_EXAMPLES=2000` looks at so many sites, and at every version of Kubernetes. A part is the same in every run; `-k 'part7-'` asks for one.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from generating import sites
from generating_traits import logins, traits
from hub_start import HubFault
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture import providers
from jld.support.errors import Problem, SiteError
from jld.values.assembly import Sources, assemble
from jld.values.values_file import render_values as document
from jldhub.settings.settings import Settings, SettingsError
from manifests import complaints
from mutating import mutation
from rendering import CHART, HELMS, KUBERNETES, Question, helm, lean_chart, render
from test_mutations import NOW, SECRET, ReadOnce, odd_names

pytestmark = pytest.mark.slow

PART = 20
PARTS = int(os.environ.get("JLD_EXAMPLES", "200")) // PART
VERSIONS = KUBERNETES if "JLD_EXAMPLES" in os.environ else (KUBERNETES[0], KUBERNETES[-1])
SECRETS = "hub: {secret: {dbUrl: 'postgresql://hub:made-up@db.example.org/hub'}}\n"
SITES = ReadOnce(CHART)
DRAWN = ("hub.traits.", "hub.auth.other.")
# Kept by name, for hypothesis makes the strategies below it once a process.
SITE, TRAITS, LOGIN = sites(SITES.schema()), traits(), logins()


@pytest.fixture(autouse=True)
def same_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis draws constants of the modules that are loaded, too, and which those are hangs on what ran before."""
    monkeypatch.setattr(providers, "_get_local_constants", providers.Constants)
    monkeypatch.setattr(providers, "CONSTANTS_CACHE", type(providers.CONSTANTS_CACHE)(1024))


@pytest.mark.usefixtures("values")  # which skips where Helm is missing
@pytest.mark.parametrize("part", range(PARTS), ids=lambda part: f"part{part}-")
def test_what_the_tool_accepts_works(part: int, hub_fault: HubFault, tmp_path: Path) -> None:
    accepted, changes = [], []
    file, given_secrets, output = (tmp_path / name for name in ("site.yaml", "secrets.yaml", "values.yaml"))
    sources = Sources([file], given_secrets, environment=SECRET)

    @seed(part)
    @settings(
        max_examples=PART + 1,  # the first is the smallest in every part
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # making the example smaller takes longer than reading it
    )
    @given(site=SITE, drawn=TRAITS, login=LOGIN)
    def holds(site: dict[str, Any], drawn: dict[str, Any], login: dict[str, Any]) -> None:
        external = site["hub"].get("db", {}).get("external") and not site["hub"].get("existingSecret")
        given_secrets.write_text(SECRETS if external else "")
        whole = with_drawn(site, drawn, login)
        refusals = written(whole, sources, output)
        assert [str(each) for each in refusals if not each.key.startswith(DRAWN) or each.place is None] == []
        accepted.append(not refusals)
        if refusals:
            whole = site
            assert written(site, sources, output) == []
        for program in HELMS:
            linted = helm(program, "lint", lean_chart(), "--values", output, "--quiet")
            assert linted.returncode == 0, linted.stdout + linted.stderr
        assert faults(output, HELMS, hub_fault) == ""

        chance = random.Random(len(accepted))  # noqa: S311
        for _ in range(2):  # most changes are refused
            change = mutation(f"part {part}", whole, chance)
            refusals = written(change.data, sources, output)
            assert [f"{change}: {each}" for each in refusals if each.place is None or not each.key] == []
            changes.append(not refusals)
            if not refusals:  # by turns, for Helm takes most of the time
                program = HELMS[len(changes) % len(HELMS)]
                assert (str(change), faults(output, (program,), hub_fault)) == (str(change), "")
                break

    holds()
    # Neither is the test one of refusals alone, nor is everything right.
    assert sum(accepted) / len(accepted) > 0.2
    # Of a hundred parts, part 84 draws nothing that is refused, and its changes alone are.
    assert sum(accepted) < len(accepted) or part == 84
    assert 0 < sum(changes) < len(changes)


def written(site: dict[str, Any], sources: Sources, output: Path) -> list[Problem]:
    """What the tool says against a site; where it says nothing, it has written its values file."""
    sources.sites[0].write_bytes(document(site))
    try:
        output.write_bytes(document(assemble(sources, SITES, NOW).data))
    except SiteError as refused:
        return list(refused.problems)
    return []


def faults(values: Path, programs: tuple[str, ...], hub_fault: HubFault) -> str:
    """Why Helm, Kubernetes or the hub would not take a file that the tool wrote."""
    render.cache_clear()
    wrong = []
    for program in programs:
        try:
            rendered = render(Question(values, program=program))
            Settings.parse(rendered.settings())
        except (AssertionError, SettingsError) as error:
            return f"{program}: {error}"
        for version in VERSIONS:
            wrong += complaints(rendered.objects, version)
        wrong += odd_names(rendered.objects)
    return "; ".join(filter(None, [*wrong, hub_fault(rendered)]))


def with_drawn(site: dict[str, Any], drawn: dict[str, Any], login: dict[str, Any]) -> dict[str, Any]:
    auth = dict(site["hub"]["auth"])
    if "other" in auth:
        auth["other"] = auth["other"] | login
    return site | {"hub": site["hub"] | {"auth": auth, "traits": drawn}}
