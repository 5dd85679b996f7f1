"""Logins at registries from the documents of pull Secrets, for the images for which the kubelet uses them."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Self
from urllib.parse import urlsplit

from jldhub.images.registry.errors import RegistryConfigurationError
from jldhub.images.registry.reference import DOCKER_HUB, Repository

_DOCKER_HUB_KEY = "index.docker.io"  # as `docker login` writes it: https://index.docker.io/v1/


@dataclass(frozen=True)
class Login:
    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """As the value of the header Authorization."""
        return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"


@dataclass(frozen=True)
class Keyring:
    """Logins by what they are for: a host, with its port and a path where it has them. The host may have `*` in its parts."""

    entries: tuple[tuple[str, Login], ...] = ()

    @classmethod
    def read(cls, documents: Mapping[str, str | bytes]) -> Self:
        """From the contents of `.dockerconfigjson`, each by the name that a message calls it.

        Raises RegistryConfigurationError.
        """
        return cls(tuple(entry for name, text in documents.items() for entry in _entries(name, text)))

    def logins(self, repository: Repository) -> tuple[Login, ...]:
        """Those for the repository: of the longest path first, and of a host by name before one by `*`."""
        keys = sorted({key for key, _ in self.entries if _is_for(key, repository)}, reverse=True)
        if not keys and repository.host == DOCKER_HUB:
            keys = [_DOCKER_HUB_KEY]
        return tuple(login for key in keys for each, login in self.entries if each == key)


def _entries(name: str, text: str | bytes) -> list[tuple[str, Login]]:
    remedy = "Make the Secret again with kubectl create secret docker-registry"
    try:
        logins = json.loads(text)["auths"].items()
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise RegistryConfigurationError(name, "it is no .dockerconfigjson with `auths`", remedy) from None
    entries = []
    for host, entry in logins:
        try:
            entries.append((_key(host), _login(entry)))
        except (ValueError, TypeError, AttributeError):
            raise RegistryConfigurationError(name, f"the login for {host!r} cannot be read", remedy) from None
    return entries


def _login(entry: Mapping[str, str]) -> Login:
    """`auth` counts before `username` and `password`, as it does for the kubelet."""
    if encoded := entry.get("auth"):
        try:
            text = base64.b64decode(encoded.strip() + "=" * (-len(encoded.strip()) % 4), validate=True).decode()
        except binascii.Error as mistake:
            raise ValueError from mistake
        username, colon, password = text.partition(":")
        if not colon:
            raise ValueError
        return Login(username, password)
    return Login(str(entry.get("username") or ""), str(entry.get("password") or ""))


def _key(host: str) -> str:
    """Without scheme, and without the version of the API, which says nothing."""
    parts = urlsplit(host if host.startswith(("https://", "http://")) else f"https://{host}")
    path = parts.path[3:] if parts.path.startswith(("/v1/", "/v2/")) else parts.path
    return parts.netloc if path == "/" else parts.netloc + path


def _is_for(key: str, repository: Repository) -> bool:
    host, slash, path = key.partition("/")
    name, _, port = host.partition(":")
    its_name, _, its_port = repository.host.partition(":")
    labels, its_labels = name.split("."), its_name.split(".")
    return (
        port == its_port
        and len(labels) == len(its_labels)
        and f"/{repository.path}".startswith(slash + path)
        and all(map(fnmatchcase, its_labels, labels))
    )
