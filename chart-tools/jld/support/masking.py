"""Text without what looks like a secret, for whatever the tool prints.

A person may write a secret anywhere: in a key that takes none, in an address, as a file's name. Nothing here decides what is
accepted; it only keeps such text out of messages. Every function takes time in proportion to the text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

NOT_SHOWN = "(not shown)"

_PEM = re.compile(r"-----BEGIN [^\n-]{1,60}-----.*?(?:-----END [^\n-]{1,60}-----|\Z)", re.DOTALL | re.IGNORECASE)
_WORD = re.compile(r"\S+")
_USER = re.compile(r"[^/:@?#]*")
_PORT = re.compile(r"\d{1,5}(?=[/?#]|$)")
_TOKENS = re.compile(
    r"gh[a-z]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|AGE-SECRET-KEY-1[A-Z0-9]+"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?"
    r"|(?<![0-9A-Fa-f])(?<!sha256:)[0-9A-Fa-f]{40,}"
)
_LONG_WORD = re.compile(r"(?<![A-Za-z0-9+_=-])[A-Za-z0-9+_=-]{32,}")
_MIXED = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9]"))


def masked(text: str) -> str:
    """`text` without PEM blocks, credentials in addresses, the tokens of GitHub, JWTs, age's keys, 40 or more hex digits, and
    words that are as long and as mixed as only what a machine makes up."""
    text = _PEM.sub(NOT_SHOWN, text)
    text = _WORD.sub(lambda match: _without_credentials(match[0]), text)
    text = _TOKENS.sub(NOT_SHOWN, text)
    return _LONG_WORD.sub(_unless_mixed, text)


def masked_name(file: Path) -> Path:
    """What a person named as a file, when there is none of that name: it may be a secret.

    Of the two slashes in an address a Path keeps one.
    """
    return Path(masked(str(file).replace(":/", "://")))


def masked_data(data: Any) -> Any:
    """Nested data with each of its texts, keys included, masked."""
    if isinstance(data, str):
        return masked(data)
    if isinstance(data, dict):
        return {masked_data(key): masked_data(value) for key, value in data.items()}
    if isinstance(data, list):
        return [masked_data(value) for value in data]
    return data


def mask_fields(instance: object, *names: str) -> None:
    """Mask texts of a frozen dataclass, which shows them later. For its `__post_init__`."""
    for name in names:
        object.__setattr__(instance, name, masked(getattr(instance, name)))


def holds_secret(data: Any) -> bool:
    """Whether some of a text, or of nested data, is not shown."""
    return bool(masked_data(data) != data)


def _without_credentials(word: str) -> str:
    """A word without what stands before the hosts of addresses in it."""
    before, at, after = word.rpartition("@")
    if not at:
        return word
    if "://" not in word:
        is_digest = after.startswith("sha256:")  # of an image, which may have a tag: name:tag@sha256:...
        hidden = ":" in before and "/" not in before and not is_digest
        return f"{NOT_SHOWN}@{after}" if hidden else word
    shown, *addresses = word.split("://")
    last = max((number for number, address in enumerate(addresses) if "@" in address), default=-1)
    for number, address in enumerate(addresses):
        user = address[: _USER.match(address).end()]  # type: ignore[union-attr]  # it matches the empty text, too
        rest = address[len(user) :]
        if rest.startswith("@"):  # a token alone
            shown += f"://{NOT_SHOWN}{rest}"
        elif rest.startswith(":") and not _PORT.match(rest, 1) and number <= last:
            return f"{shown}://{NOT_SHOWN}@{after}"  # a password may hold an @ or a / that should have been escaped
        else:
            shown += f"://{address}"
    return shown


def _unless_mixed(match: re.Match[str]) -> str:
    return NOT_SHOWN if all(kind.search(match[0]) for kind in _MIXED) else match[0]
