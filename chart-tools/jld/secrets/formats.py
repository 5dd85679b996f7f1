"""The secrets of the values: where each stands, what it must look like, and how one is generated."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from jld.support.key_paths import KeyPath

NOT_GIVEN = "missing://secret"  # stands where a person has still to give a secret, and is never one
HUB_SECRET: KeyPath = ("hub", "secret")
SERVICE_TOKENS: KeyPath = (*HUB_SECRET, "services")  # by the name of a service
NGINX_SECRET: KeyPath = ("nginx", "secret")
FIREFLY_PASSWORD: KeyPath = ("firefly", "secret", "adminPassword")
FIREFLY_PASSWORD_VARIABLE = "JLD_FIREFLY_ADMIN_PASSWORD"  # noqa: S105
LOGGING_SECRET: KeyPath = ("logging", "secret")
BROKER_PASSWORD: KeyPath = (*LOGGING_SECRET, "brokerPassword")
HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")


def environment_variable(name: str) -> str:
    """The environment variable that gives a secret: JLD_GITHUB_CLIENT_SECRET for `githubClientSecret`."""
    return "JLD_" + re.sub(r"([A-Z])", r"_\1", name).upper()


@dataclass(frozen=True)
class SecretFormat:
    """One key of `hub.secret`."""

    matches: Callable[[str], bool]
    accepted: str
    generate: Callable[[], str] | None = None
    remedy: str = ""  # how a person gives a secret that cannot be generated


def _hex_key() -> str:
    return secrets.token_hex(32)


def new_service_token() -> str:
    """An API token for a service."""
    return _hex_key()


def new_firefly_password() -> str:
    """A password for Firefly's administrator."""
    return secrets.token_urlsafe(24)


def _is_hex_key(text: str) -> bool:
    return HEX_KEY.fullmatch(text) is not None


def _is_one_word(text: str) -> bool:
    return bool(text) and text.isprintable() and not any(character.isspace() for character in text)


def _is_one_line(text: str) -> bool:
    return bool(text) and text.isprintable() and text == text.strip()


def _is_database_address(text: str) -> bool:
    """Whether it is an address, and every parser finds the same password in it."""
    _, found, rest = text.partition("://")
    authority = re.split("[/?#]", rest)[0]
    return bool(found) and text.count("@") == authority.count("@") < 2


HUB_SECRETS: dict[str, SecretFormat] = {
    "cookieSecret": SecretFormat(_is_hex_key, "64 hex digits", _hex_key),
    "cryptKeys": SecretFormat(
        lambda text: all(_is_hex_key(key) for key in text.split(";")),
        "keys of 64 hex digits, joined by semicolons",
        lambda: f"{_hex_key()};{_hex_key()}",
    ),
    "proxyToken": SecretFormat(_is_hex_key, "64 hex digits", _hex_key),
    "metricsToken": SecretFormat(_is_hex_key, "64 hex digits", _hex_key),
    "dummyPassword": SecretFormat(_is_one_line, "one line of text", lambda: secrets.token_urlsafe(15)),
    "githubClientSecret": SecretFormat(
        _is_one_word,
        "the client secret of the OAuth app, without blanks or line breaks",
        remedy="make a client secret for your OAuth app at GitHub and give it as JLD_GITHUB_CLIENT_SECRET, "
        "or below hub.secret in secrets.yaml beside the site file",
    ),
    "cilogonClientSecret": SecretFormat(
        _is_one_word,
        "the client secret that CILogon gave you, without blanks or line breaks",
        remedy="give what CILogon showed when you registered the hub as JLD_CILOGON_CLIENT_SECRET, "
        "or below hub.secret in secrets.yaml beside the site file",
    ),
    "otherClientSecret": SecretFormat(
        _is_one_word,
        "the client secret that the provider gave you, without blanks or line breaks",
        remedy="give what the provider showed when you registered the hub as JLD_OTHER_CLIENT_SECRET, "
        "or below hub.secret in secrets.yaml beside the site file",
    ),
    "dbUrl": SecretFormat(
        lambda text: _is_one_word(text) and _is_database_address(text),
        "a SQLAlchemy address, like postgresql://jld:password@db.example.org/jld, with %40, %2F, %3F and %23 in the place of @, "
        "/, ? and # in the password",
        remedy="give the database's address as JLD_DB_URL, or below hub.secret in secrets.yaml beside the site file",
    ),
}

SERVICE_TOKEN = SecretFormat(
    lambda text: re.fullmatch(r"[!-~]{32,512}", text) is not None,
    "a token of 32 to 512 letters, digits and signs without blanks",
    _hex_key,
)

BROKER_PASSWORD_FORMAT = SecretFormat(
    _is_one_line,
    "the password as one line of text",
    remedy="give the password of logging.broker.user as JLD_BROKER_PASSWORD, "
    "or as logging.secret.brokerPassword in secrets.yaml beside the site file",
)


def given_by_a_person(name: str) -> tuple[KeyPath, SecretFormat]:
    """Where a secret that cannot be generated stands in the values, and what it must look like, by the key's last part."""
    if name == BROKER_PASSWORD[-1]:
        return BROKER_PASSWORD, BROKER_PASSWORD_FORMAT
    return (*HUB_SECRET, name), HUB_SECRETS[name]


def encode(text: str | bytes) -> str:
    """As the `data` of a Secret holds it."""
    return base64.b64encode(text.encode(errors="surrogateescape") if isinstance(text, str) else text).decode("ascii")


def decode(text: str) -> bytes | None:
    """What base64 holds, or None when it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def hub_secret(path: KeyPath) -> SecretFormat | None:
    """What the secret at a path of the values must look like; None where the hub has none."""
    if path[:-1] == SERVICE_TOKENS:
        return SERVICE_TOKEN
    return HUB_SECRETS.get(str(path[-1])) if path[:-1] == HUB_SECRET else None


def fault(path: KeyPath, encoded: str) -> str | None:
    """What is wrong with one of the hub's secrets, without showing it. Whether it is base64 at all, the schema says."""
    content = decode(encoded)
    secret = hub_secret(path)
    if content is None or secret is None:
        return None
    try:
        good = secret.matches(content.decode())
    except UnicodeDecodeError:
        good = False
    return None if good else f"what it decodes to (not shown) is not {secret.accepted}; write that, or remove the key"
