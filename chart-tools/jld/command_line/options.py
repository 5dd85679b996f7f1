"""Arguments and options that several commands take, spelled and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jld.command_line.report import Format

SITES = Annotated[
    list[Path], typer.Argument(metavar="SITE...", help="Site files. A later one wins, as with `helm -f`.")
]
OUTPUT = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The values file. Its secrets are kept.")]
SECRETS = Annotated[
    Path | None,
    typer.Option(
        "--secrets",
        metavar="FILE",
        help="Secrets in plain text, or encrypted with age: `hub: {secret: {githubClientSecret: ...}}`. "
        "Without it, secrets.yaml or secrets.yaml.age beside the site file when it is there.",
    ),
]
IDENTITY = Annotated[
    Path | None,
    typer.Option(
        "--identity",
        metavar="FILE",
        envvar="JLD_AGE_IDENTITY",
        help="Opens secrets that are encrypted with age: what age-keygen wrote, or an SSH key.",
    ),
]
CHART = Annotated[
    Path | None, typer.Option("--chart", metavar="DIR", help="The chart's folder. Found by itself in a checkout.")
]
FORMAT = Annotated[Format, typer.Option("--format", help="Lines for a person, or one JSON object for a program.")]
