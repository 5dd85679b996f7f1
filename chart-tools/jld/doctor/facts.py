"""What was found out, as plain data, and what it means, as findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Object = Mapping[str, Any]  # as the Kubernetes API gives it


class Level(StrEnum):
    """How bad it is."""

    ok = "ok"
    warning = "warning"
    failure = "failure"
    unknown = "unknown"


@dataclass(frozen=True)
class Finding:
    """One line of the table: what was looked at, what was found, and what to do about it."""

    subject: str
    level: Level
    found: str
    remedy: str = ""
    command: str = ""  # what to type, when there is something to type


@dataclass(frozen=True)
class Silence:
    """No answer, and why."""

    reason: str


@dataclass(frozen=True)
class NotConfigured(Silence):
    """Nobody said where a cluster is: that is no mistake, there may be none yet."""


@dataclass(frozen=True)
class Access:
    """Something that an installation does in the cluster."""

    verb: str
    resource: str
    group: str = ""
    namespaced: bool = True

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


@dataclass(frozen=True)
class Place:
    """Where the release is, or will be."""

    namespace: str
    release: str

    def name(self, of: str) -> str:
        """The name of an object, as the chart makes it."""
        return f"{self.release}-{of}"


@dataclass(frozen=True)
class Cluster:
    """What the Kubernetes API said. `Silence` where it said nothing, for example because it is forbidden to ask."""

    version: str | Silence
    nodes: Sequence[Object] | Silence = ()
    storage_classes: Sequence[Object] | Silence = ()
    namespace: Object | Silence | None = None  # None: there is none of that name
    daemon_sets: Sequence[Object] | Silence = ()
    volumes: Sequence[Object] | Silence = ()
    claims: Sequence[Object] | Silence = ()
    services: Sequence[Object] | Silence = ()
    refused: Sequence[Access] | Silence = ()  # of what an installation needs
    secrets: Mapping[str, bool] | Silence = field(
        default_factory=dict
    )  # the Secrets that a site names: are they there?
    certificate: bytes | Silence | None = None  # PEM, of the Secret that nginx.tls.existingSecret names


@dataclass(frozen=True)
class Network:
    """What was reached from this machine."""

    addresses: Sequence[str] | Silence = ()  # of the host name
    answers: Mapping[str, int | Silence] = field(default_factory=dict)  # the status of each web address that was asked
