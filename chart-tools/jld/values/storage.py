"""What follows from the keys of the storage: capacities of volumes, and the file server's fixed address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from jld.site.effective import shared_volumes
from jld.site.tree import Node, nearest, plain
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, KeyPath, dotted, map_at, value_at
from jld.values.draft import Draft

CLUSTER_IP: KeyPath = ("storage", "nfs", "address", "clusterIP")
HOMES: KeyPath = ("storage", "homes")
USER_NAMESPACES: KeyPath = ("global", "userNamespaces")
_SMALLER_UNITS = {
    "Pi": ((1024**2, "Gi"), (1024, "Ti")),
    "Ti": ((1024, "Gi"),),
    "P": ((1000**2, "G"), (1000, "T")),
    "T": ((1000, "G"),),
}
_MOST = 999_999  # six digits, as a site may write them
_NEXT_SMALLER_UNIT = {"Gi": "Mi", "G": "M"}


def complete_storage(draft: Draft, free_cluster_ip: Callable[[], str] | None) -> None:
    """Put what follows into the draft. `free_cluster_ip` asks the cluster; None where nothing may be asked."""
    for path, value in capacities(draft.effective(), draft.schema["$defs"]["memory"]["pattern"]):
        draft.put(path, Node(value))
    for path, sentence in other_homes(plain(draft.previous), draft.effective()):
        draft.warnings.append(Problem(nearest(draft.site, path), dotted(path), sentence))
    if needs_cluster_ip(draft.effective()):
        previous = value_at(plain(draft.previous), *CLUSTER_IP)
        if isinstance(previous, str) and previous:
            draft.put(CLUSTER_IP, Node(previous))
        elif free_cluster_ip:
            draft.generate(CLUSTER_IP, free_cluster_ip())


def capacities(effective: JsonMap, pattern: str) -> Iterator[tuple[KeyPath, str]]:
    """What the volumes of the chart's own file server state, where a site does not say it."""
    disk = _file_server(effective).get("capacity")
    if isinstance(disk, str) and re.fullmatch(pattern, disk):
        for name, volume in shared_volumes(effective).items():
            if "capacity" not in volume and not volume.get("existingClaim"):
                yield ("storage", "volumes", name, "capacity"), ninety_five_percent(disk)


def ninety_five_percent(capacity: str) -> str:
    """What a volume may state of a disk: a file system and its journal take the rest. 20Gi gives 19Gi, 1Gi gives 950Mi."""
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]+)", capacity)
    if not match:
        raise ValueError(f"{capacity} is no amount with a unit")
    units = (*_SMALLER_UNITS.get(match[2], ()), (1, match[2]))
    factor, unit = next((each for each in units if float(match[1]) * each[0] * 0.95 <= _MOST), units[-1])
    size = float(match[1]) * factor
    whole = int(round(size * 95, 6) // 100)
    if whole or unit not in _NEXT_SMALLER_UNIT:
        return f"{whole or 1}{unit}"
    return f"{int(round(size * 950, 6))}{_NEXT_SMALLER_UNIT[unit]}"


def other_homes(previous: JsonMap, effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Which key makes that people find other homes than with the values of before, and what becomes of those."""
    now, before = (value_at(effective, *HOMES), value_at(previous, *HOMES) or "shared")
    if not previous or (now, before) == ("shared", "shared"):
        return
    moves = 'docs/storage.md says under "From shared homes to volumes of their own" how they move'
    if now != before:
        remain = "their claim" if before == "shared" else "the claims of people"
        yield (
            HOMES,
            f"it was {before}, so people find an empty home: their files remain in {remain}, which nothing deletes; {moves}",
        )
    elif bool(value_at(previous, *USER_NAMESPACES)) != value_at(effective, *USER_NAMESPACES):
        remain = "the claims of the other namespaces, which nothing deletes"
        yield (
            USER_NAMESPACES,
            f"it was another one, so people find an empty home: their files remain in {remain}; {moves}",
        )


def needs_cluster_ip(effective: JsonMap) -> bool:
    """Whether the file server needs a fixed address, and nobody wrote one."""
    address = map_at(_file_server(effective), "address")
    return address.get("mode") == "static" and address.get("clusterIP") == ""


def _file_server(effective: JsonMap) -> JsonMap:
    """`storage.nfs` where the chart runs the file server, else an empty map."""
    return map_at(effective, "storage", "nfs") if value_at(effective, "storage", "mode") == "nfs" else {}
