"""What several parts of the tool read from a site's effective values, which are its own over the chart's defaults."""

from __future__ import annotations

from jld.support.key_paths import JsonMap, map_at


def storage_volumes(effective: JsonMap) -> dict[str, JsonMap]:
    """`storage.volumes` by name, without those that a site took away. What is no map is the schema's matter."""
    volumes = map_at(effective, "storage", "volumes")
    return {str(name): volume for name, volume in volumes.items() if isinstance(volume, dict)}
