"""The table of docs/from-z2jh.md: what became of Zero to JupyterHub's keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jld.schema.z2jh.answer import Answer, Verdict
from jld.schema.z2jh.table import TABLE

_KEY = re.compile(r"(?<![`\w./])(?:global|hub(?!\.config|\.jupyter)|storage|nginx|prepuller)(?:\.(?:\w+|<\w+>))+")
BEGIN, END = "<!-- Written by `jld docs`, from here -->", "<!-- to here. -->"
# Classes of a kind have the same keys: one of them stands for all.
_LIKE_OTHERS = tuple(
    f"hub.config.{name}OAuthenticator"
    for name in ("AzureAd", "Google", "GitLab", "Globus", "Auth0", "Bitbucket", "OpenShift")
)


def with_table(page: str) -> str:
    """The page with the table of today between its two marks. A page without them stays as it is."""
    before, begins, rest = page.partition(BEGIN)
    _, ends, after = rest.partition(END)
    return f"{before}{BEGIN}\n{''.join(_parts())}\n{END}{after}" if begins and ends else page


def _parts() -> Iterator[str]:
    """A heading for each key at the top, in the order of the table."""
    for top in dict.fromkeys(key.partition(".")[0] for key in TABLE):
        yield f"\n### `{top}`\n| key | in JLD |\n|---|---|\n"
        yield from (f"| {_code(key)} | {_cell(each)} |\n" for key, each in TABLE.items() if _is_shown(key, top))


def _is_shown(key: str, top: str) -> bool:
    """Not what says the same as the key above it."""
    above = key.rpartition(".")[0]
    is_part = key.partition(".")[0] == top and not any(key.startswith(f"{name}.") for name in _LIKE_OTHERS)
    return is_part and (not above or TABLE.get(above) != TABLE[key])


def _code(key: str) -> str:
    """A key that is not JLD's: spans in backticks are."""
    return f"<code>{key.replace('*', '&#42;')}</code>"


def _cell(answer: Answer) -> str:
    why = _with_spans(answer.why.replace("|", "\\|"))
    match answer.verdict:
        case Verdict.carried:
            return _with_spans(answer.today) + (f": {why}" if why else "")
        case Verdict.by_hand:
            return f"{_with_spans(answer.today)}, **by hand**: {why}"
    return f"**{answer.verdict}**: {why}"


def _with_spans(text: str) -> str:
    """The text with each key as code; in Markdown `<name>` would else be a tag."""
    return _KEY.sub(r"`\g<0>`", text)
