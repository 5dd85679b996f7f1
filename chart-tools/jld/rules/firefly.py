"""Firefly: its route, its memory, and the volumes and folders that it shows."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.site.effective import storage_volumes
from jld.support.key_paths import JsonMap, KeyPath, list_at, value_at
from jld.support.quantities import amount

UID = 91  # of the image's user
_HUB_ROUTES = ("hub", "user", "services")
_JAVA_SHARE = 0.8  # of the memory limit: threads, code and buffers take the rest


def route_is_free(effective: JsonMap) -> Violations:
    """`firefly.route` does not begin with `/hub`, `/user` or `/services`, nor with one of these below `global.hubRoute`, and is not that itself."""
    route, hub_route = value_at(effective, "firefly", "route"), value_at(effective, "global", "hubRoute")
    tops = dict.fromkeys(("/", hub_route if isinstance(hub_route, str) else "/"))
    for taken in [f"{top}{name}" for top in tops for name in _HUB_ROUTES]:
        if isinstance(route, str) and route.startswith(f"{taken}/"):
            yield ("firefly", "route"), f"{taken} belongs to the hub; write another path, like /portal/firefly"
    if value_at(effective, "firefly", "enabled") is True and isinstance(route, str) and hub_route == f"{route}/":
        yield (
            ("global", "hubRoute"),
            f"{route} is firefly.route, below which nobody would reach the hub; write another one",
        )


def java_memory_is_within_limit(effective: JsonMap) -> Violations:
    """`firefly.javaMemory` is at most four fifths of `firefly.resources.limits.memory`."""
    java_memory = value_at(effective, "firefly", "javaMemory")
    memory_limit = value_at(effective, "firefly", "resources", "limits", "memory")
    java, limit = amount(java_memory), amount(memory_limit)
    if java and limit and java > limit * _JAVA_SHARE:
        sentence = (
            f"{java_memory} of {memory_limit} leave Java too little for itself, so Kubernetes would end it; "
            "lower it to four fifths, or raise firefly.resources.limits.memory"
        )
        yield ("firefly", "javaMemory"), sentence


def volumes_exist(effective: JsonMap) -> Violations:
    """Each of `firefly.volumes` is one of `storage.volumes`."""
    known = storage_volumes(effective)
    for index, name in enumerate(_texts(effective, "volumes")):
        if name not in known:
            yield ("firefly", "volumes", index), f"there is no storage.volumes.{name}; write one of {', '.join(known)}"


def folders_are_on_volumes(effective: JsonMap) -> Violations:
    """Each of `firefly.searchPath`, and `firefly.workArea`, lies on one of `firefly.volumes`; the last on one that can be written."""
    folders: list[tuple[KeyPath, str]] = [
        (("firefly", "searchPath", index), folder) for index, folder in enumerate(_texts(effective, "searchPath"))
    ]
    work_area = value_at(effective, "firefly", "workArea")
    if isinstance(work_area, str) and work_area:
        folders.append((("firefly", "workArea"), work_area))
    for path, folder in folders:
        volume = _volume_of(folder, effective)
        if volume is None:
            sentence = f"{folder} is on none of firefly.volumes, so Firefly would not see it; {_remedy(effective)}"
            yield path, sentence
        elif path[1] == "workArea" and volume.get("readOnly"):
            yield path, f"{folder} is on a volume that can only be read; choose another one"


def search_path_is_readable(effective: JsonMap) -> Violations:
    home = value_at(effective, "storage", "volumes", "home", "mountPath")
    for index, folder in enumerate(_texts(effective, "searchPath")):
        if isinstance(home, str) and _is_in(folder, home):
            sentence = (
                f"people's homes are closed to others, and Firefly is user {UID}; name a folder that all may read"
            )
            yield ("firefly", "searchPath", index), sentence


def _remedy(effective: JsonMap) -> str:
    """What to write instead, with the keys that say where the volumes are."""
    known = storage_volumes(effective)
    keys = [f"storage.volumes.{name}.mountPath" for name in _texts(effective, "volumes") if name in known]
    return f"choose a folder below {' or '.join(keys)}, or add its volume" if keys else "add its volume there"


def _volume_of(folder: str, effective: JsonMap) -> JsonMap | None:
    chosen = set(_texts(effective, "volumes"))
    for name, volume in storage_volumes(effective).items():
        top = str(volume.get("mountPath", ""))
        if name in chosen and top and _is_in(folder, top):
            return volume
    return None


def _is_in(folder: str, top: str) -> bool:
    return folder == top or folder.startswith(f"{top}/")


def _texts(effective: JsonMap, key: str) -> list[str]:
    return [text for text in list_at(effective, "firefly", key) if isinstance(text, str)]


RULES: tuple[Rule, ...] = (route_is_free, java_memory_is_within_limit, volumes_exist, folders_are_on_volumes)
WARNINGS: tuple[Rule, ...] = (search_path_is_readable,)
