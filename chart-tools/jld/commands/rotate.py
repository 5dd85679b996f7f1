"""`jld rotate`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from jld.command_line.options import FORMAT
from jld.command_line.report import Format, outcome
from jld.secrets import rotation
from jld.site.reader import load
from jld.site.tree import plain
from jld.support.errors import SiteError
from jld.support.files import replace_file
from jld.values import values_file

VALUES = Annotated[Path, typer.Argument(metavar="[VALUES]", help="What `jld values` wrote.")]
NAMES = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="NAME",
        help="cryptKeys (without this option), cookieSecret, proxyToken, metricsToken, dummyPassword, or services.NAME. May be repeated.",
    ),
]
FORCE = Annotated[bool, typer.Option("--force", help="Rotate the crypto keys again within a day.")]


def rotate(
    file: VALUES = Path("values.yaml"), names: NAMES = None, force: FORCE = False, form: FORMAT = Format.text
) -> None:
    """Put new secrets in the place of old ones: by default the crypto keys, which nobody notices.

    The crypto keys encrypt what the hub remembers of a log-in. There are two: the first one encrypts, both decrypt.
    A rotation puts a new key in front; the one that was first becomes second, and the one that was second is gone.

    After a rotation run `helm upgrade`: the hub restarts, and encrypts anew with the first key whatever it reads, which
    is within half an hour for everybody with a running lab or an open page. Whoever was not seen at all between
    two rotations logs in again; nothing else is lost. Two rotations without `helm upgrade` between them make everybody log in
    again, therefore a second one within a day needs --force. Rotate monthly, and twice at once when a key has leaked.

    What another secret does to people: cookieSecret logs everybody out; proxyToken and dummyPassword log nobody out, and
    new log-ins need the new password. Labs go on in every case.

    Examples:

      jld rotate && helm upgrade jld ./chart -f values.yaml

      jld rotate production-values.yaml

      jld rotate --secret cookieSecret        log everybody out

      jld rotate --secret services.grader     give the service a new token
    """
    with outcome(form) as report:
        chosen = list(dict.fromkeys(names or [rotation.CRYPT_KEYS]))
        _refuse_other_files(file)
        now = datetime.now(UTC)
        values = load(file)
        data = rotation.rotated(values, plain(values), chosen)
        note = values_file.read_note(file)
        if rotation.CRYPT_KEYS in chosen:
            last = rotation.too_early(note, now)
            if last and not force:
                sentence = (
                    f"the keys were rotated on {last} already; after another rotation whoever the hub did not see since "
                    "then logs in again. Wait a day, or add --force"
                )
                raise SiteError.of_file(file, sentence, "hub.secret.cryptKeys")
            note = rotation.rotation_note(now)
        replace_file(file, values_file.render_values(data, note))
        for name in chosen:
            report.line(f"Rotated hub.secret.{name}. {rotation.consequence(name)}")
        report.fact(output=str(file), rotated=chosen)
        report.line(f"Wrote {file}. It takes effect with: helm upgrade jld ./chart -f {file}")


def _refuse_other_files(file: Path) -> None:
    """Only a file that the tool wrote can be written again without loss."""
    if values_file.is_by_hand(file):
        sentence = "`jld values` did not write this file, and its comments would be lost; name the values file"
        raise SiteError.of_file(file, sentence)
