"""`jld schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from jld.command_line.options import CHART
from jld.command_line.report import outcome
from jld.schema.chart import find_chart
from jld.support.errors import Place, Problem, SiteError


def schema(
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is up to date.")] = False,
    chart: CHART = None,
) -> None:
    """Compose chart/values.yaml and chart/values.schema.json from the values and schemas of the chart's parts.

    Examples:

      jld schema            after every change of a part's values or schema

      jld schema --check    exit code 1 when that was forgotten
    """
    with outcome() as report:
        found = find_chart(chart)
        if check:
            sentence = "does not fit the chart's parts, or is not there; run `jld schema`"
            stale = [Problem(Place(str(file)), "", sentence) for file in found.stale()]
            if stale:
                raise SiteError(stale)
        changed = [] if check else found.compose()
        for file in (found.values_file, found.schema_file):
            report.line(f"Wrote {file}" if file in changed else f"{file} is up to date")
