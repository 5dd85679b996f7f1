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
    """Compose chart/values.schema.json from the schemas and values of the chart's parts.

    Examples:

      jld schema            after every change of a values.yaml or values.schema.yaml

      jld schema --check    exit code 1 when that was forgotten
    """
    with outcome() as report:
        found = find_chart(chart)
        if check and not found.schema_is_current():
            sentence = "does not fit the values.yaml and values.schema.yaml files; run `jld schema`"
            raise SiteError([Problem(Place(str(found.schema_file)), "", sentence)])
        changed = not check and found.write_schema()
        report.line(f"Wrote {found.schema_file}" if changed else f"{found.schema_file} is up to date")
