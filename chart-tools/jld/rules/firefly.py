"""What Firefly's keys must say together, what looks unintended in them, and its password."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from jld.rules import storage
from jld.secrets.kinds import encode
from jld.support.key_paths import JsonMap, KeyPath
from jld.support.quantities import amount

PASSWORD: KeyPath = ("firefly", "secret", "adminPassword")
VARIABLE = "JLD_FIREFLY_ADMIN_PASSWORD"
USER = 91  # whom the image runs as
_HUBS_OWN = ("hub", "user", "services")
_JAVA_SHARE = 0.8  # of the memory limit: threads, code and buffers take the rest


def new_password() -> str:
    """A password as the Secret holds it."""
    return encode(secrets.token_urlsafe(24))


def runs(effective: JsonMap) -> bool:
    return _settings(effective).get("enabled") is True


def wants_password(effective: JsonMap) -> bool:
    """Whether it runs, and no Secret of somebody else's holds its password."""
    return runs(effective) and not _settings(effective).get("existingSecret")


def _settings(effective: JsonMap) -> JsonMap:
    found = effective.get("firefly")
    return found if isinstance(found, dict) else {}


def route_is_free(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """`firefly.route` does not begin with `/hub`, `/user` or `/services`, nor with one of these below `global.hubRoute`."""
    route, below = _settings(effective).get("route"), _below(effective, "global").get("hubRoute")
    tops = dict.fromkeys(("/", below if isinstance(below, str) else "/"))
    for taken in [f"{top}{name}" for top in tops for name in _HUBS_OWN]:
        if isinstance(route, str) and route.startswith(f"{taken}/"):
            yield ("firefly", "route"), f"{taken} belongs to the hub; write another path, like /portal/firefly"


def java_fits(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """`firefly.javaMemory` is at most four fifths of `firefly.resources.limits.memory`."""
    settings = _settings(effective)
    limits = _below(settings, "resources", "limits")
    java, limit = amount(settings.get("javaMemory")), amount(limits.get("memory"))
    if java and limit and java > limit * _JAVA_SHARE:
        sentence = (
            f"{settings['javaMemory']} of {limits['memory']} leave Java too little for itself, so Kubernetes would end it; "
            "lower it to four fifths, or raise firefly.resources.limits.memory"
        )
        yield ("firefly", "javaMemory"), sentence


def volumes_are_there(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Each of `firefly.volumes` is one of `storage.volumes`."""
    known = storage.volumes(effective)
    for index, name in enumerate(_texts(effective, "volumes")):
        if name not in known:
            yield ("firefly", "volumes", index), f"there is no storage.volumes.{name}; write one of {', '.join(known)}"


def folders_are_on_volumes(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Each of `firefly.searchPath`, and `firefly.workArea`, lies on one of `firefly.volumes`; the last on one that can be written."""
    folders: list[tuple[KeyPath, str]] = [
        (("firefly", "searchPath", index), folder) for index, folder in enumerate(_texts(effective, "searchPath"))
    ]
    work_area = _settings(effective).get("workArea")
    if isinstance(work_area, str) and work_area:
        folders.append((("firefly", "workArea"), work_area))
    for path, folder in folders:
        below = _volume_of(folder, effective)
        if below is None:
            sentence = f"{folder} is on none of firefly.volumes, so Firefly would not see it; {_where(effective)}"
            yield path, sentence
        elif path[1] == "workArea" and below.get("readOnly"):
            yield path, f"{folder} is on a volume that can only be read; choose another one"


def doubtful(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """What is accepted, and does not do what it seems to."""
    home = _below(effective, "storage", "volumes", "home")
    top = home.get("mountPath")
    for index, folder in enumerate(_texts(effective, "searchPath")):
        if isinstance(top, str) and (folder == top or folder.startswith(f"{top}/")):
            sentence = (
                f"people's homes are closed to others, and Firefly is user {USER}; name a folder that all may read"
            )
            yield ("firefly", "searchPath", index), sentence


def _where(effective: JsonMap) -> str:
    """What to write instead, with the keys that say where the volumes are."""
    known = storage.volumes(effective)
    places = [f"storage.volumes.{name}.mountPath" for name in _texts(effective, "volumes") if name in known]
    return f"choose a folder below {' or '.join(places)}, or add its volume" if places else "add its volume there"


def _volume_of(folder: str, effective: JsonMap) -> JsonMap | None:
    chosen = set(_texts(effective, "volumes"))
    for name, each in storage.volumes(effective).items():
        top = str(each.get("mountPath", ""))
        if name in chosen and top and (folder == top or folder.startswith(f"{top}/")):
            return each
    return None


def _texts(effective: JsonMap, key: str) -> list[str]:
    found = _settings(effective).get(key)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _below(data: Any, *path: str) -> JsonMap:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
