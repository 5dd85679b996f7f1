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
from jld.command_line.report import ExitCode, Format, Report, outcome
from jld.schema import release_name
from jld.schema.chart import Chart, find_chart
from jld.secrets.formats import NOT_GIVEN, environment_variable
from jld.support.errors import SiteError
from jld.support.files import is_file
from jld.support.key_paths import JsonMap, value_at
from jld.values.assembly import Assembled, Sources, assemble
from jld.values.site_secrets import MissingSecret

if TYPE_CHECKING:
    # The other commands do not wait for what asks clusters and the web.
    from jld.doctor.facts import Finding, Release
    from jld.doctor.kubectl import Kubectl

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
    secrets_file: SECRETS = None,
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
    from jld.doctor import cluster, hanging, leftovers, network
    from jld.doctor.facts import Level, Release
    from jld.doctor.kubectl import Kubectl
    from jld.doctor.probes import gather

    with outcome(form) as report:
        release_name.check(release, "--release")
        now = datetime.now(UTC)
        site: JsonMap | None = None
        if sites:
            previous = output if is_file(output) and output not in sites else None
            values = _values(
                Sources(sites, secrets_file, previous, os.environ, identity=identity), find_chart(chart), now, report
            )
            site = values.effective
            report.warn(*values.warnings)
        kubectl = Kubectl(kubeconfig, namespace)
        where = Release(kubectl.namespace, release)
        cluster_facts, network_facts = gather(kubectl, site, where)
        findings = [*cluster.findings(cluster_facts, site, where), *leftovers.findings(cluster_facts, where)]
        findings += hanging.findings(cluster_facts, where, now)
        if site:
            findings += network.findings(cluster_facts, network_facts, site, where, now)
            findings += _about_logs(kubectl if isinstance(cluster_facts.version, str) else None, site, where, now)
        report.fact(findings=[_as_data(finding) for finding in findings])
        if form is Format.text:
            _show(report, findings)
        if any(finding.level is Level.failure for finding in findings):
            report.code = ExitCode.environment_wrong


def _values(sources: Sources, chart: Chart, now: datetime, report: Report) -> Assembled:
    """A secret that is missing is a warning here: the rest is looked at all the same."""
    try:
        return assemble(sources, chart, now)
    except SiteError as error:
        missing = [problem for problem in error.problems if isinstance(problem, MissingSecret)]
        if len(missing) < len(error.problems):
            raise
    report.warn(*missing)
    names = [problem.key.rpartition(".")[2] for problem in missing]
    placeholders = {environment_variable(name): NOT_GIVEN for name in names}
    return assemble(replace(sources, environment={**sources.environment, **placeholders}), chart, now)


def _about_logs(kubectl: Kubectl | None, site: JsonMap, release: Release, now: datetime) -> list[Finding]:
    if not value_at(site, "logging", "enabled"):
        return []
    # They load what speaks to brokers and what reads certificates, and most sites need none of it.
    from jld.doctor.log_shipping import asking, findings

    return list(findings.findings(site, asking.gather(kubectl, site, release), release, now))


def _as_data(finding: Finding) -> dict[str, str | None]:
    return {
        "subject": finding.subject,
        "level": str(finding.level),
        "found": finding.observed,
        "remedy": finding.remedy or None,
        "command": finding.command or None,
    }


def _show(report: Report, findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A log has no width: lines that are cut there could not be copied.
    width = None if shutil.get_terminal_size(fallback=(0, 0)).columns else 160
    table = Table("", "what", "found", "remedy", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    commands = [finding.command for finding in findings if finding.command]
    for finding in findings:
        level = Text(str(finding.level), style=_COLOURS[finding.level])
        mark = f" [{commands.index(finding.command) + 1}]" if finding.command else ""
        table.add_row(level, finding.subject, Text(finding.observed), Text(finding.remedy + mark))
    Console(width=width, highlight=False).print(table)
    for number, command in enumerate(commands, 1):
        report.line(f"[{number}] {command}")  # in one piece, to be copied
    counts = {level: sum(finding.level == level for finding in findings) for level in _COLOURS}
    report.line(", ".join(f"{count} {level}" for level, count in counts.items() if count))
