"""The name of a release, which the chart's templates/release-name.yaml checks too: Helm takes names that make no objects."""

from __future__ import annotations

import json
import re

from jld.support.errors import Place, Problem, SiteError

LONGEST = 47  # with `-storage-address` it makes the 63 characters that the name of a Service or Job has at most
ACCEPTED = f"at most {LONGEST} lower case letters, digits and -, a letter first, like jld"
_FORM = re.compile(rf"[a-z]([a-z0-9-]{{0,{LONGEST - 2}}}[a-z0-9])?", re.ASCII)


def refusal(name: str) -> str:
    """Why no release can be called `name`, and what to write; nothing where one can."""
    if _FORM.fullmatch(name):
        return ""
    return f"found {json.dumps(name)}; names of Services and Jobs begin with it, so write {ACCEPTED}"


def check(name: str, place: str) -> None:
    """Raise `SiteError` where no release can be called `name`, which a person wrote at `place`."""
    if why := refusal(name):
        raise SiteError([Problem(Place(place), "", why, written=name, accepted=ACCEPTED)])
