"""What the storage's keys must say together, what looks unintended in them, and what is worked out from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeGuard

from jld.support.key_paths import JsonMap, KeyPath

MODES = ("claim", "nfs", "external", "hostPath")
ADDRESS: KeyPath = ("storage", "nfs", "address", "clusterIP")
_ONLY_IN = {"server": "external", "path": "external", "directoryMode": "nfs"}
_OWN_CLAIMS = {"file-server": "the file server's disk", "hub-db": "the hub's database"}
_SYSTEM = [
    "bin",
    "boot",
    "dev",
    "etc",
    "lib",
    "lib64",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "tmp",
    "usr",
    "var",
]
_FINER = {
    "Pi": ((1024**2, "Gi"), (1024, "Ti")),
    "Ti": ((1024, "Gi"),),
    "P": ((1000**2, "G"), (1000, "T")),
    "T": ((1000, "G"),),
}
_MOST = 999_999  # six digits, as a site may write them
_SMALLER = {"Gi": "Mi", "G": "M"}


def volumes(effective: JsonMap) -> dict[str, JsonMap]:
    """The volumes by name, without those that a site took away. What is no mapping is the schema's matter."""
    storage = effective.get("storage")
    found = storage.get("volumes") if isinstance(storage, dict) else None
    return (
        {str(name): each for name, each in found.items() if isinstance(each, dict)} if isinstance(found, dict) else {}
    )


def ninety_five_percent(capacity: str) -> str:
    """What a volume may state of a disk: a file system and its journal take the rest. 20Gi gives 19Gi, 1Gi gives 950Mi."""
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]+)", capacity)
    if not match:
        raise ValueError(f"{capacity} is no amount with a unit")
    units = (*_FINER.get(match[2], ()), (1, match[2]))
    factor, unit = next((each for each in units if float(match[1]) * each[0] * 0.95 <= _MOST), units[-1])
    number = float(match[1]) * factor
    whole = int(round(number * 95, 6) // 100)
    if whole or unit not in _SMALLER:
        return f"{whole or 1}{unit}"
    return f"{int(round(number * 950, 6))}{_SMALLER[unit]}"


def capacities(effective: JsonMap, pattern: str) -> Iterator[tuple[KeyPath, str]]:
    """What the volumes of the chart's own file server state, where a site does not say it."""
    storage = effective.get("storage")
    disk = storage["nfs"].get("capacity") if _is_file_server(storage) else None
    if isinstance(disk, str) and re.fullmatch(pattern, disk):
        for name, volume in volumes(effective).items():
            if "capacity" not in volume and not volume.get("existingClaim"):
                yield ("storage", "volumes", name, "capacity"), ninety_five_percent(disk)


def wants_address(effective: JsonMap) -> bool:
    """Whether the file server needs a fixed address, and nobody wrote one."""
    storage = effective.get("storage")
    address = storage["nfs"].get("address") if _is_file_server(storage) else None
    return isinstance(address, dict) and address.get("mode") == "static" and address.get("clusterIP") == ""


def _is_file_server(storage: Any) -> TypeGuard[JsonMap]:
    return isinstance(storage, dict) and storage.get("mode") == "nfs" and isinstance(storage.get("nfs"), dict)


def names_are_free(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """No volume of `storage.volumes` is called as a claim of the chart's own, or lies over the lab image's folders."""
    for name, each in volumes(effective).items():
        if name in _OWN_CLAIMS:
            yield (
                ("storage", "volumes", name),
                f"{name} is what the chart calls {_OWN_CLAIMS[name]}; write another name",
            )
        top = str(each.get("mountPath", "")).split("/")[1:2]
        if top and top[0] in _SYSTEM:
            sentence = f"would hide what a lab's image has in /{top[0]}; write a folder of its own, like /{name}"
            yield ("storage", "volumes", name, "mountPath"), sentence


def mount_paths_are_apart(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """No volume of `storage.volumes` lies in another one."""
    paths = {name: str(each.get("mountPath", "")) for name, each in volumes(effective).items()}
    for name, path in paths.items():
        for other, above in paths.items():
            if name != other and above and (path == above or path.startswith(f"{above}/")):
                if path == above and name < other:
                    continue  # said of the second one
                what = "is" if path == above else "lies in"
                sentence = f"{path} {what} the folder of storage.volumes.{other}; write another one"
                yield ("storage", "volumes", name, "mountPath"), sentence


def doubtful(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """What is accepted, and does not do what it seems to."""
    storage = effective.get("storage")
    mode = storage.get("mode") if isinstance(storage, dict) else None
    if mode not in MODES:
        return
    for name, each in volumes(effective).items():
        for key, needs in _ONLY_IN.items():
            if each.get(key) and mode != needs:
                yield ("storage", "volumes", name, key), f"has no effect with storage.mode {mode}; remove it"
        for key in ("capacity", "directoryMode", "server", "path"):
            if each.get("existingClaim") and each.get(key):
                yield ("storage", "volumes", name, key), "has no effect on a claim that exists; remove it"
    options = [str(option) for option in _list(effective, str(mode), "mountOptions")]
    if any(re.fullmatch(r"(nfs)?vers=3", option) for option in options) and "local_lock=all" not in options:
        sentence = "with NFS 3 a notebook hangs as soon as it locks a file; write local_lock=all too"
        yield ("storage", str(mode), "mountOptions"), sentence


def _list(effective: JsonMap, *path: str) -> list[Any]:
    found: Any = effective.get("storage")
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []
