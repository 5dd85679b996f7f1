"""`jld docs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jld.command_line.options import CHART
from jld.command_line.report import Report, outcome
from jld.explain.reference import reference
from jld.explain.z2jh import with_table
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
    """Write the reference of all values, docs/reference.md, from the schema, and the table in docs/from-z2jh.md.

    Examples:

      jld docs            after every change of a values.yaml or values.schema.yaml

      jld docs --check    exit code 1 when that was forgotten
    """
    with outcome() as report:
        source = find_chart(chart)
        folder = source.folder.parent / "docs"
        _write(output or folder / "reference.md", reference(source.schema()), check, report)
        page = folder / "from-z2jh.md"
        if not output and is_file(page):
            _write(page, with_table(page.read_text()), check, report)


def _write(file: Path, text: str, check: bool, report: Report) -> None:
    content = text.encode()
    try:
        current = is_file(file) and read_start(file, len(content) + 1) == content
    except OSError as error:
        raise EnvironmentUnfit(f"{file}: cannot be read ({error.strerror})") from None
    if check and not current:
        sentence = "does not fit the chart's schema; run `jld docs`"
        raise SiteError.of_file(file, sentence)
    changed = not check and replace_file(file, content, READABLE)
    report.line(f"Wrote {file}" if changed else f"{file} is up to date")
