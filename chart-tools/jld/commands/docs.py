"""`jld docs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jld.command_line.options import CHART
from jld.command_line.report import outcome
from jld.explain.reference import reference
from jld.schema.chart import find_chart
from jld.support.errors import EnvironmentUnfit, SiteError
from jld.support.files import is_file, read_start, replace_file

READABLE = 0o644


def docs(
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is up to date.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Instead of docs/reference.md.")
    ] = None,
    chart: CHART = None,
) -> None:
    """Write the reference of all values, docs/reference.md, from the schema.

    Examples:

      jld docs            after every change of a values.yaml or values.schema.yaml

      jld docs --check    exit code 1 when that was forgotten
    """
    with outcome() as report:
        source = find_chart(chart)
        file = output or source.folder.parent / "docs" / "reference.md"
        text = reference(source.schema()).encode()
        try:
            current = is_file(file) and read_start(file, len(text) + 1) == text
        except OSError as error:
            raise EnvironmentUnfit(f"{file}: cannot be read ({error.strerror})") from None
        if check and not current:
            sentence = "does not fit the chart's schema; run `jld docs`"
            raise SiteError.of_file(file, sentence)
        changed = not check and replace_file(file, text, READABLE)
        report.line(f"Wrote {file}" if changed else f"{file} is up to date")
