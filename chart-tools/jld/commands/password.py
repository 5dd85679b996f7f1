"""`jld password`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jld import secrets
from jld.errors import Place, Problem, SiteError
from jld.outcome import outcome
from jld.rules import look
from jld.site import load
from jld.tree import plain


def password(
    file: Annotated[Path, typer.Argument(metavar="[VALUES]", help="The values file.")] = Path("values.yaml"),
) -> None:
    """Print the password of a local trial (`hub.auth.dummy`).

    Examples:

      jld password

      jld password my-values.yaml
    """
    with outcome():
        encoded = look(plain(load(file)), "hub", "secret", "dummyPassword")
        held = secrets.decode(encoded) if isinstance(encoded, str) else None
        if not held:
            sentence = "it holds no password; write hub.auth.dummy in the site file and run `jld values`"
            raise SiteError([Problem(Place(str(file)), "hub.secret.dummyPassword", sentence)])
        sys.stdout.write(held.decode(errors="replace") + "\n")
