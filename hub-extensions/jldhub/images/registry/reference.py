"""Names of images, as container runtimes read them: `python` is `docker.io/library/python`."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

from yarl import URL

from jldhub.images.tags.tag import is_tag

DOCKER_HUB = "docker.io"
_DOCKER_HUB_NAMES = (DOCKER_HUB, "index.docker.io", "registry-1.docker.io")
_DOCKER_HUB_API = "registry-1.docker.io"

_HOST = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST = 255  # characters of host and path


class InvalidReference(ValueError):
    """The name of no image. The message says why, and what to write instead."""


@dataclass(frozen=True)
class Repository:
    """`host` is the one of the image's name, with its port: `docker.io`, `registry.example.org:5000`."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"

    def url(self, *parts: str) -> URL:
        """An address of the registry's API, such as that of `tags`, `list`. There is none without TLS."""
        host = _DOCKER_HUB_API if self.host == DOCKER_HUB else self.host
        return URL(f"https://{host}").joinpath("v2", *self.path.split("/"), *parts)


@dataclass(frozen=True)
class Reference:
    """One image of a repository by `tag`, by `digest`, or both; without either it is a whole series."""

    repository: Repository
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.repository}{self.tag and f':{self.tag}'}{self.digest and f'@{self.digest}'}"

    @property
    def runnable(self) -> str:
        """What a pod runs. Not with both tag and digest: then the scheduler would not see that a node has the image already."""
        return str(Reference(self.repository, "" if self.digest else self.tag, self.digest))


def parse(text: str) -> Reference:
    """The image of this name. Raises InvalidReference."""
    name, at, digest = text.partition("@")
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    repository = _repository(f"{head}{slash}{last}", text)
    if (colon and not is_tag(tag)) or (at and not _DIGEST.fullmatch(digest)):
        raise InvalidReference(
            f"{text!r} has no valid {'digest' if at else 'tag'}; write host/path:tag or host/path@sha256:..."
        )
    return Reference(repository, tag, digest)


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def _repository(name: str, text: str) -> Repository:
    host, slash, path = name.partition("/")
    if not slash or not (
        set(".:") & set(host) or host == "localhost"
    ):  # a first part that is no host belongs to the path
        host, path = DOCKER_HUB, name
    if host in _DOCKER_HUB_NAMES:
        host, path = DOCKER_HUB, path if "/" in path else f"library/{path}"
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or len(host) + len(path) >= _LONGEST:
        raise InvalidReference(
            f"{text!r} is the name of no image; write host/path:tag, such as quay.io/jupyter/scipy-notebook:latest"
        )
    try:
        if host.startswith("["):
            IPv6Address(host[1:].partition("]")[0])
        URL(f"https://{host}")
    except AddressValueError:
        raise InvalidReference(f"{text!r} has no IPv6 address between its brackets; write one, or a name") from None
    except ValueError:
        raise InvalidReference(f"{text!r} has no valid port; write a number below 65536") from None
    return Repository(host.lower(), path)
