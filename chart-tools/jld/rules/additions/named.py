"""The Secrets and ConfigMaps that additions name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jld.rules.additions.parts import PARTS, Part
from jld.support.key_paths import JsonMap, KeyPath, list_at, value_at

# Where a container names an object of its namespace, below `env` and `envFrom`.
_REFERENCES = (
    ("Secret", "env", ("valueFrom", "secretKeyRef")),
    ("Secret", "envFrom", ("secretRef",)),
    ("ConfigMap", "env", ("valueFrom", "configMapKeyRef")),
    ("ConfigMap", "envFrom", ("configMapRef",)),
)


@dataclass(frozen=True)
class Named:
    """An object that a pod needs, or one key of it."""

    kind: str  # Secret or ConfigMap
    name: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.name} with the key {self.key}" if self.key else self.name


def named(effective: JsonMap) -> list[Named]:
    """What the pods of the hub and of labs do not start without, each once."""
    found = [each for part in PARTS for each in (*by_additions(part, effective), *_by_containers(part, effective))]
    return list(dict.fromkeys(found))


def by_additions(part: Part, effective: JsonMap) -> Iterator[Named]:
    """What `environment`, `files` and `volumes` name."""
    for kind in ("environment", "files"):
        for _, value in part.added(effective, kind):
            if isinstance(value, dict) and value.get("secret"):
                yield Named("Secret", str(value["secret"]), str(value.get("key") or ""))
    for _, volume in part.added(effective, "volumes"):
        sources = (
            ("Secret", value_at(volume, "secret"), "secretName"),
            ("ConfigMap", value_at(volume, "configMap"), "name"),
        )
        for kind, source, name in sources:
            if value_at(source, name) and not value_at(source, "optional"):
                keys = [str(value_at(item, "key")) for item in list_at(source, "items")]
                yield from (Named(kind, str(source[name]), key) for key in keys or [""])
        if login := value_at(volume, "csi", "nodePublishSecretRef", "name"):
            yield Named("Secret", str(login))


def containers(part: Part, effective: JsonMap) -> Iterator[tuple[KeyPath, JsonMap]]:
    """The further containers of a pod, and where they stand."""
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(list_at(effective, *part.path, "pod", kind)):
            if isinstance(container, dict):
                yield (*part.path, "pod", kind, index), container


def references(container: JsonMap) -> Iterator[tuple[KeyPath, Named]]:
    """What a container's variables name, and where below it."""
    for kind, above, below in _REFERENCES:
        for index, entry in enumerate(list_at(container, above)):
            found = value_at(entry, *below)
            if value_at(found, "name") and not value_at(found, "optional"):
                key = value_at(found, "key")
                yield (above, index, *below, "name"), Named(kind, str(found["name"]), str(key or ""))


def _by_containers(part: Part, effective: JsonMap) -> Iterator[Named]:
    for _, container in containers(part, effective):
        yield from (each for _, each in references(container))
