"""What several parts of the tool read from a site's effective values, which are its own over the chart's defaults."""

from __future__ import annotations

from jld.support.key_paths import JsonMap, map_at, value_at


def storage_volumes(effective: JsonMap) -> dict[str, JsonMap]:
    """`storage.volumes` by name, without those that a site took away. What is no map is the schema's matter."""
    volumes = map_at(effective, "storage", "volumes")
    return {str(name): volume for name, volume in volumes.items() if isinstance(volume, dict)}


def has_own_homes(effective: JsonMap) -> bool:
    """Whether each home is in a volume of its own."""
    return bool(value_at(effective, "storage", "homes") == "perPerson")


def shared_volumes(effective: JsonMap) -> dict[str, JsonMap]:
    """Those of `storage.volumes` that all labs share: not `home` where each home is in a volume of its own."""
    own = {"home"} if has_own_homes(effective) else set()
    return {name: volume for name, volume in storage_volumes(effective).items() if name not in own}
