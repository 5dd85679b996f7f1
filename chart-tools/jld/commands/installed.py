"""`jld installed`."""

from __future__ import annotations

from typing import Annotated

import typer

from jld.command_line.options import CHART
from jld.command_line.report import outcome
from jld.rules.traits.hub_image import FILE
from jld.schema.chart import find_chart
from jld.support.errors import EnvironmentUnfit, SiteError
from jld.support.files import is_file, replace_file

READABLE = 0o644


def installed(
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is up to date.")] = False,
    chart: CHART = None,
) -> None:
    """Write the table of classes, traits and drivers in the hub's image, from the packages beside this program.

    `jld check` reads the table instead of importing JupyterHub, which takes seconds.

    Examples:

      jld installed            after every change of what images/hub installs

      jld installed --check    exit code 1 when that was forgotten
    """
    with outcome() as report:
        requirements = find_chart(chart).folder.parent / "images" / "hub" / "requirements.txt"
        if not is_file(requirements):
            raise EnvironmentUnfit(f"{requirements}: is not there; run this in a checkout")
        try:
            from jld.installed.table import table
        except ImportError as error:
            raise EnvironmentUnfit(f"{error.name} is not installed; install jld[traits], or run `make tools`") from None
        text = table(requirements)
        current = is_file(FILE) and FILE.read_text(encoding="utf-8") == text
        if check and not current:
            raise SiteError.of_file(FILE, "does not fit the packages that are installed; run `jld installed`")
        changed = not check and replace_file(FILE, text.encode(), READABLE)
        report.line(f"Wrote {FILE}" if changed else f"{FILE} is up to date")
