"""Nested data, as JSON and YAML hold it, and paths of keys into it."""

from __future__ import annotations

from typing import Any

JsonMap = dict[str, Any]
KeyPath = tuple[str | int, ...]


def value_at(data: Any, *path: str | int) -> Any:
    """The value below the keys of `path`, or None where there is none or where something else than a map is in the way."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def map_at(data: Any, *path: str | int) -> JsonMap:
    """The map below the keys of `path`. An empty one where there is none, or where something else stands."""
    value = value_at(data, *path)
    return value if isinstance(value, dict) else {}


def list_at(data: Any, *path: str | int) -> list[Any]:
    """The list below the keys of `path`. An empty one where there is none, or where something else stands."""
    value = value_at(data, *path)
    return value if isinstance(value, list) else []


def dotted(path: KeyPath) -> str:
    """The path as people write it: `hub.auth.admins[0]`, with quotes around a key that holds a dot."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if part.isprintable() else ascii(part)[1:-1]
            text += ("." if text else "") + (f'"{shown}"' if "." in shown else shown)
    return text
