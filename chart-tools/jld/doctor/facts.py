"""Facts about a cluster and a network, as plain data, and findings, which say what they mean for a site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from jld.support.key_paths import JsonMap
from jld.support.masking import mask_fields

Object = JsonMap  # as the Kubernetes API returns it


class Level(StrEnum):
    """How bad it is."""

    ok = "ok"
    warning = "warning"
    failure = "failure"
    unknown = "unknown"


@dataclass(frozen=True)
class Finding:
    """One line of the table: what was looked at, what was observed, and what to do about it."""

    subject: str
    level: Level
    observed: str
    remedy: str = ""
    command: str = ""  # what to type, when there is something to type

    def __post_init__(self) -> None:
        """A site or an object may hold a secret anywhere; it is not shown."""
        mask_fields(self, "subject", "observed", "remedy", "command")

    @classmethod
    def unknown(cls, subject: str, response: NoResponse) -> Finding:
        """Nothing could be observed."""
        return cls(subject, Level.unknown, response.reason)


@dataclass(frozen=True)
class NoResponse:
    """A question that got no response, and why."""

    reason: str


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
class Release:
    """Where the release is, or will be."""

    namespace: str
    name: str

    def object_name(self, part: str) -> str:
        """The name of an object, as the chart makes it."""
        return f"{self.name}-{part}"


@dataclass(frozen=True)
class ClusterFacts:
    """What the Kubernetes API returned. `NoResponse` where it returned nothing, for example because it is forbidden to ask."""

    version: str | NoResponse
    nodes: Sequence[Object] | NoResponse = ()
    storage_classes: Sequence[Object] | NoResponse = ()
    namespace: Object | NoResponse | None = None  # None: there is none of that name
    daemon_sets: Sequence[Object] | NoResponse = ()
    volumes: Sequence[Object] | NoResponse = ()
    claims: Sequence[Object] | NoResponse = ()
    services: Sequence[Object] | NoResponse = ()
    pods: Sequence[Object] | NoResponse = ()
    drain_report: Object | NoResponse | None = None  # what the last uninstall could not stop
    refused: Sequence[Access] | NoResponse = ()  # of what an installation needs
    # The Secrets and ConfigMaps that a site names, with the keys that pods need of them: are they there?
    secrets: Mapping[str, bool] | NoResponse = field(default_factory=dict)
    config_maps: Mapping[str, bool] | NoResponse = field(default_factory=dict)
    certificate: bytes | NoResponse | None = None  # PEM, of the Secret that others fill


@dataclass(frozen=True)
class NetworkFacts:
    """What was reached from this machine."""

    addresses: Sequence[str] | NoResponse = ()  # of the host name
    statuses: Mapping[str, int | NoResponse] = field(default_factory=dict)  # HTTP status of each URL that was requested
