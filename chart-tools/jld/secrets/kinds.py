"""What each secret must look like, and how one is made."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")


def variable(name: str) -> str:
    """The environment variable that gives a secret: JLD_GITHUB_CLIENT_SECRET for `githubClientSecret`."""
    return "JLD_" + re.sub(r"([A-Z])", r"_\1", name).upper()


@dataclass(frozen=True)
class Kind:
    """One key of `hub.secret`."""

    shape: Callable[[str], bool]
    accepted: str
    generate: Callable[[], str] | None = None
    remedy: str = ""  # how a person gives a secret that nobody can generate


def _hex_key() -> str:
    return secrets.token_hex(32)


def _is_hex_key(text: str) -> bool:
    return HEX_KEY.fullmatch(text) is not None


def _is_one_word(text: str) -> bool:
    return bool(text) and text.isprintable() and not any(character.isspace() for character in text)


def _is_one_line(text: str) -> bool:
    return bool(text) and text.isprintable() and text == text.strip()


HUB_SECRETS: dict[str, Kind] = {
    "cookieSecret": Kind(_is_hex_key, "64 hex digits", _hex_key),
    "cryptKeys": Kind(
        lambda text: all(_is_hex_key(key) for key in text.split(";")),
        "keys of 64 hex digits, joined by semicolons",
        lambda: f"{_hex_key()};{_hex_key()}",
    ),
    "proxyToken": Kind(_is_hex_key, "64 hex digits", _hex_key),
    "metricsToken": Kind(_is_hex_key, "64 hex digits", _hex_key),
    "dummyPassword": Kind(_is_one_line, "one line of text", lambda: secrets.token_urlsafe(15)),
    "githubClientSecret": Kind(
        _is_one_word,
        "the client secret of the OAuth app, without blanks or line breaks",
        remedy="make a client secret for your OAuth app at GitHub and give it as JLD_GITHUB_CLIENT_SECRET, "
        "or below hub.secret in secrets.yaml beside the site file",
    ),
    "cilogonClientSecret": Kind(
        _is_one_word,
        "the client secret that CILogon gave you, without blanks or line breaks",
        remedy="give what CILogon showed when you registered the hub as JLD_CILOGON_CLIENT_SECRET, "
        "or below hub.secret in secrets.yaml beside the site file",
    ),
    "otherClientSecret": Kind(
        _is_one_word,
        "the client secret that the provider gave you, without blanks or line breaks",
        remedy="give what the provider showed when you registered the hub as JLD_OTHER_CLIENT_SECRET, "
        "or below hub.secret in secrets.yaml beside the site file",
    ),
    "dbUrl": Kind(
        lambda text: _is_one_word(text) and "://" in text,
        "a SQLAlchemy address, like postgresql://jld:password@db.example.org/jld",
        remedy="give the database's address as JLD_DB_URL, or below hub.secret in secrets.yaml beside the site file",
    ),
}


def encode(text: str | bytes) -> str:
    """As the `data` of a Secret holds it."""
    return base64.b64encode(text.encode(errors="surrogateescape") if isinstance(text, str) else text).decode("ascii")


def decode(text: str) -> bytes | None:
    """What base64 holds, or None when it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def fault(name: str, encoded: str) -> str | None:
    """What is wrong with a key of `hub.secret`, without showing it. Whether it is base64 at all, the schema says."""
    content = decode(encoded)
    kind = HUB_SECRETS.get(name)
    if content is None or kind is None:
        return None
    try:
        good = kind.shape(content.decode())
    except UnicodeDecodeError:
        good = False
    return None if good else f"what it decodes to (not shown) is not {kind.accepted}; write that, or remove the key"
