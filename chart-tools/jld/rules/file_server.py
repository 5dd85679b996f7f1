"""What the chart's own file server takes: images/nfs-server refuses the rest, but only after the old server has ended."""

from __future__ import annotations

import zlib

from jld.rules.rule import Rule, Violations
from jld.site.effective import storage_volumes
from jld.support.key_paths import JsonMap, value_at

MOST_EXPORTS = 32  # as images/nfs-server/nfs_settings.py; a test compares them


def served_volumes(effective: JsonMap) -> list[str]:
    """The volumes that the chart's own file server exports."""
    if value_at(effective, "storage", "mode") != "nfs":
        return []
    return [name for name, volume in storage_volumes(effective).items() if not volume.get("existingClaim")]


def export_number(name: str) -> int:
    """The number that the file server gives to a volume. File handles contain it."""
    return zlib.crc32(name.encode()) % 65_534 + 1


def the_file_server_takes_its_volumes(effective: JsonMap) -> Violations:
    """With `storage.mode: nfs`, 1 to 32 of `storage.volumes` have no `existingClaim`, and the names of no two of them give the same export number."""
    served = served_volumes(effective)
    if value_at(effective, "storage", "mode") == "nfs" and storage_volumes(effective) and not served:
        sentence = (
            "every volume has an existingClaim, and a file server without volumes does not start; write storage.mode "
            "claim, or remove the existingClaim of a volume that the file server shall hold"
        )
        yield ("storage", "mode"), sentence
    if len(served) > MOST_EXPORTS:
        sentence = f"{len(served)} are on the file server, which takes {MOST_EXPORTS}; put folders into fewer volumes"
        yield ("storage", "volumes"), sentence
    by_number: dict[int, str] = {}
    for name in sorted(served):
        other = by_number.setdefault(export_number(name), name)
        if other != name:
            sentence = f"the file server would give {name} and {other} the same number; write another name"
            yield ("storage", "volumes", name), sentence


RULES: tuple[Rule, ...] = (the_file_server_takes_its_volumes,)
WARNINGS: tuple[Rule, ...] = ()
