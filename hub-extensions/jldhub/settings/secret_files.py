"""The hub's secrets: one file for each key of the mounted Secret."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import unquote, urlsplit

from jldhub.settings.settings import Settings

_T = TypeVar("_T")


class SecretError(Exception):
    """Secrets are missing or invalid. The sentences name the keys and never show a value."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True)
class HubSecrets:
    """The secrets that the hub's settings require. All others are empty."""

    cookie_secret: bytes = field(repr=False)
    # The first key encrypts and all keys decrypt, so that keys can be rotated.
    crypt_keys: list[bytes] = field(repr=False)
    proxy_token: str = field(repr=False)
    database_url: str = field(default="", repr=False)
    # The OAuth client secret of the login provider.
    client_secret: str = field(default="", repr=False)
    dummy_password: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    # By the name of a service.
    service_tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def values(self) -> list[str | bytes]:
        """Every secret value, the database password on its own too, for masking them in logs."""
        password = urlsplit(self.database_url).password or ""
        address = [self.database_url, password, unquote(password)]
        texts = [
            self.proxy_token,
            self.client_secret,
            self.dummy_password,
            self.metrics_token,
            *self.service_tokens.values(),
        ]
        return [self.cookie_secret, *self.crypt_keys, *address, *texts]

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """Read the secrets from the directory that `settings` name. Raises SecretError with every mistake."""
        hub, reader = settings.hub, _Reader(settings.secret_directory)
        auth = hub.auth
        ways = {"github": auth.github, "cilogon": auth.cilogon, "other": auth.other}
        client_key = next((f"{name}ClientSecret" for name, way in ways.items() if way), None)
        secrets = cls(
            cookie_secret=reader.read("cookieSecret", key_bytes) or b"",
            crypt_keys=reader.read("cryptKeys", keys_bytes) or [],
            proxy_token=reader.read("proxyToken", str) or "",
            database_url=(reader.read("dbUrl", database_address) or "") if hub.db.external else "",
            client_secret=(reader.read(client_key, str) or "") if client_key else "",
            dummy_password=(reader.read("dummyPassword", str) or "") if hub.auth.dummy else "",
            metrics_token=(reader.read("metricsToken", str) or "") if settings.names.scraped else "",
            service_tokens={name: reader.read(f"service.{name}", api_token) or "" for name in hub.services},
        )
        if reader.mistakes:
            raise SecretError(*reader.mistakes)
        return secrets


def key_bytes(text: str) -> bytes:
    """32 bytes from 64 hexadecimal digits. Raises ValueError."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise ValueError(
            f"holds {len(text)} characters and not the 64 hexadecimal digits of 32 bytes; "
            "make them with: openssl rand -hex 32"
        )
    return bytes.fromhex(text)


def keys_bytes(text: str) -> list[bytes]:
    """Keys in the form of `key_bytes`, separated by `;`. Raises ValueError."""
    return [key_bytes(part) for part in text.split(";")]


def api_token(text: str) -> str:
    """A token that nobody guesses and that a header can hold. Raises ValueError."""
    if not re.fullmatch(r"[!-~]{32,512}", text):
        raise ValueError(
            f"holds {len(text)} characters and is no token of 32 to 512 letters, digits and signs without blanks; "
            "make one with: openssl rand -hex 32"
        )
    return text


def database_address(text: str) -> str:
    """An address whose user and password hold no character that ends them, so that every parser finds the same password in it.

    Raises ValueError.
    """
    authority = re.split("[/?#]", text.partition("://")[2])[0]
    if text.count("@") > authority.count("@") or text.count("@") > 1:
        raise ValueError(
            "has an @, a /, a ? or a # in the user or the password (not shown); write %40, %2F, %3F or %23 in its place"
        )
    return text


class _Reader:
    """Reads one key after the other and collects the mistakes, so that all are reported at once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.mistakes: list[str] = []

    def read(self, key: str, parse: Callable[[str], _T]) -> _T | None:
        path = self._directory / key
        try:
            text = path.read_text(encoding="utf-8").strip("\r\n")
            if not text:
                raise ValueError("is empty; write a value")
            return parse(text)
        except FileNotFoundError:
            remedy = "run `jld values`, or add it" if key.startswith("service.") else f"add {key} to hub.secret, or"
            self.mistakes.append(
                f"secret {key}: {path} does not exist; {remedy} to the Secret that hub.existingSecret names"
            )
        except UnicodeDecodeError:
            self.mistakes.append(f"secret {key}: is not text; encode it once with base64, not the bytes themselves")
        except OSError as error:
            self.mistakes.append(f"secret {key}: {path} cannot be read ({error.strerror})")
        except ValueError as error:
            self.mistakes.append(f"secret {key}: {error}")
        return None
