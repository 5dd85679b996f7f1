"""`jld doctor`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jld.command_line.options import CHART, FORMAT, IDENTITY, SECRETS
from jld.command_line.outcome import Code, Format, Report, outcome
from jld.schema.chart import Chart, find_chart
from jld.secrets.formats import environment_variable
from jld.support.errors import SiteError
from jld.support.key_paths import JsonMap
from jld.values.assembly import Assembled, Sources, assemble
from jld.values.hub_secrets import MissingSecret

if TYPE_CHECKING:
    from jld.doctor.facts import Finding  # the other commands do not wait for what asks clusters and the web

_COLOURS = {"ok": "green", "warning": "yellow", "failure": "red", "unknown": "cyan"}


def doctor(
    sites: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SITE...]", help="Site files, or the values file. Without, only the cluster is looked at."
        ),
    ] = None,
    kubeconfig: Annotated[
        Path | None, typer.Option("--kubeconfig", metavar="FILE", help="How to reach the cluster, as kubectl is told.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Where the release is or will be.")
    ] = None,
    release: Annotated[str, typer.Option("--release", metavar="NAME", help="The name of the release.")] = "jld",
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FILE", help="The values file of an earlier `jld values`, for its secrets."
        ),
    ] = Path("values.yaml"),
    given: SECRETS = None,
    identity: IDENTITY = None,
    form: FORMAT = Format.text,
    chart: CHART = None,
) -> None:
    """Look at a cluster and a site together, change nothing, and say what would go wrong.

    Exit code 0 when nothing failed, 1 when the site is wrong, 2 when the environment is.

    Examples:

      jld doctor                                    is this cluster fit for JLD?

      jld doctor values.yaml --namespace science    and for this platform?

      jld doctor site.yaml --format json
    """
    from jld.doctor import cluster, leftovers, network
    from jld.doctor.facts import Level, Place
    from jld.doctor.gather import Kubectl, look_at

    with outcome(form) as report:
        now = datetime.now(UTC)
        site: JsonMap | None = None
        if sites:
            previous = output if output.exists() and output not in sites else None
            values = _values(
                Sources(sites, given, previous, os.environ, identity=identity), find_chart(chart), now, report
            )
            site = values.effective
            report.warn(*values.warnings)
        kubectl = Kubectl(kubeconfig, namespace)
        place = Place(kubectl.namespace, release)
        facts, reached = look_at(kubectl, site, place)
        found = [*cluster.findings(facts, site, place), *leftovers.findings(facts, place)]
        if site:
            found += network.findings(facts, reached, site, place, now)
        report.fact(findings=[_as_data(finding) for finding in found])
        if form is Format.text:
            _show(report, found)
        if any(finding.level is Level.failure for finding in found):
            report.code = Code.environment_wrong


def _values(sources: Sources, chart: Chart, now: datetime, report: Report) -> Assembled:
    """A secret that is not there yet is worth a word, and no reason not to look at the rest."""
    try:
        return assemble(sources, chart, now)
    except SiteError as error:
        missing = [problem for problem in error.problems if isinstance(problem, MissingSecret)]
        if len(missing) < len(error.problems):
            raise
    report.warn(*missing)
    names = [problem.key.rpartition(".")[2] for problem in missing]
    made_up = {environment_variable(name): "missing://secret" for name in names}
    return assemble(replace(sources, environment={**sources.environment, **made_up}), chart, now)


def _as_data(finding: Finding) -> dict[str, str | None]:
    return {
        "subject": finding.subject,
        "level": str(finding.level),
        "found": finding.found,
        "remedy": finding.remedy or None,
        "command": finding.command or None,
    }


def _show(report: Report, found: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A log has no width: lines that are cut there could not be copied.
    width = None if shutil.get_terminal_size(fallback=(0, 0)).columns else 160
    table = Table("", "what", "found", "remedy", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    commands = [finding.command for finding in found if finding.command]
    for finding in found:
        level = Text(str(finding.level), style=_COLOURS[finding.level])
        mark = f" [{commands.index(finding.command) + 1}]" if finding.command else ""
        table.add_row(level, finding.subject, Text(finding.found), Text(finding.remedy + mark))
    Console(width=width, highlight=False).print(table)
    for number, command in enumerate(commands, 1):
        report.line(f"[{number}] {command}")  # in one piece, to be copied
    counts = {level: sum(finding.level == level for finding in found) for level in _COLOURS}
    report.line(", ".join(f"{count} {level}" for level, count in counts.items() if count))
