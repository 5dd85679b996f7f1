"""User names in the hub: from the name at the provider, reserved ones, and alternatives for a name that another person has.

Pure functions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from anyascii import anyascii

from jldhub.identity import IdentityError
from jldhub.settings.reserved_names import RESERVED

# Characters: the user name is the value of a Kubernetes label, which has this limit, and part of paths.
LONGEST = 63

# What names consist of as they are, and what separates their parts, for which the hub has dots.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@:+-]{0,254}")
_SEPARATORS = re.compile(r"[@:+]")
# Left out: O'Brien is obrien.
_APOSTROPHES = re.compile("['`\u00b4\u2018\u2019\u02bc]")


@dataclass(frozen=True)
class LoginName:
    """A name for the hub. `exact` says whether no other name at the provider, except for case, is written like it.

    One that is not exact is never one that the settings list: whoever chose that name at the provider would be somebody else.
    """

    name: str
    exact: bool


def login_name(value: object) -> LoginName:
    """The name for the one at the provider: `Jane@uni.edu` is jane.uni.edu, `Jos\u00e9 O'Neill` is jose-oneill.

    Letters of other scripts are transliterated, and other characters become dashes. Raises IdentityError for what has no
    letter or digit, and for paths and characters that cannot be printed.
    """
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return LoginName(_SEPARATORS.sub(".", value).lower(), exact=True)
    text = value.strip() if isinstance(value, str) and len(value) <= 255 and value.isprintable() else ""
    name = _SEPARATORS.sub(".", anyascii(_APOSTROPHES.sub("", text))).lower()
    name = re.sub(r"[^a-z0-9._]+", "-", name).strip("-.")
    if not name or re.search(r"[/\\]", text) or ".." in text:
        raise IdentityError(
            f"Your login gives you the name {str(value)[:80]!r}, which cannot be a user name. Tell an administrator."
        )
    return LoginName(name, exact=False)


class ReservedUsername(Exception):
    """Nobody may have this name. The message is shown to the person who logs in."""


def require_unreserved(name: str) -> None:
    """Raises ReservedUsername for the name of a system account."""
    if name in RESERVED:
        raise ReservedUsername(
            f"Your name here would be {name}, which is the name of a system account. "
            "Ask an administrator, or change your name where you log in."
        )


def candidates(name: str, uid: int) -> Iterator[str]:
    """User names for a person, in order of preference: the login name, then with the UID as a unique suffix."""
    yield name
    yield _with_suffix(name, f"-{uid}")
    for attempt in range(2, 100):
        yield _with_suffix(name, f"-{uid}-{attempt}")


def _with_suffix(name: str, suffix: str) -> str:
    return name[: LONGEST - len(suffix)] + suffix
