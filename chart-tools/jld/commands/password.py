"""`jld password`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jld.command_line.report import outcome
from jld.secrets import formats
from jld.site.reader import load
from jld.site.tree import plain
from jld.support.errors import SiteError
from jld.support.key_paths import value_at


def password(
    file: Annotated[Path, typer.Argument(metavar="[VALUES]", help="The values file.")] = Path("values.yaml"),
) -> None:
    """Print the password of a local trial (`hub.auth.dummy`).

    Examples:

      jld password

      jld password my-values.yaml
    """
    with outcome():
        encoded = value_at(plain(load(file)), "hub", "secret", "dummyPassword")
        decoded = formats.decode(encoded) if isinstance(encoded, str) else None
        if not decoded:
            sentence = "it holds no password; write hub.auth.dummy in the site file and run `jld values`"
            raise SiteError.of_file(file, sentence, "hub.secret.dummyPassword")
        sys.stdout.write(decoded.decode(errors="replace") + "\n")
