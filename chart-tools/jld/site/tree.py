"""Values that remember where they stand, and the merging that Helm does with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jld.support.errors import Place
from jld.support.key_paths import KeyPath
from jld.support.masking import masked

Scalar = None | bool | int | float | str


@dataclass(frozen=True)
class Node:
    """A value, where it stands, and how it was written."""

    value: Scalar | list[Node] | dict[str, Node]
    place: Place | None = None
    key_place: Place | None = None
    written: str = ""
    quoted: bool = False

    @property
    def where(self) -> Place | None:
        """The best place to name in a message: a scalar itself, but the key above a map or a list."""
        if isinstance(self.value, dict | list) and self.key_place:
            return self.key_place
        return self.place or self.key_place


def merge(base: Node, over: Node) -> Node:
    """`over` on top of `base`: maps merge, everything else replaces, as with `helm -f base -f over`."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        merged[key] = merge(merged[key], node) if key in merged else node
    return Node(merged, over.place, over.key_place)


def plain(node: Node) -> Any:
    """The bare data of a tree."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def tree(data: Any) -> Node:
    """A tree without places, for data that no person wrote."""
    if isinstance(data, Mapping):
        return Node({key: tree(child) for key, child in data.items()})
    if isinstance(data, list):
        return Node([tree(child) for child in data])
    return Node(data)


def find(node: Node, path: Iterable[str | int]) -> Node | None:
    """The node at `path`, or None where nobody wrote one."""
    for part in path:
        if isinstance(node.value, dict) and isinstance(part, str):
            child = node.value.get(part)
        elif isinstance(node.value, list) and isinstance(part, int):
            child = node.value[part] if part < len(node.value) else None
        else:
            child = None
        if child is None:
            return None
        node = child
    return node


def put(node: Node, path: KeyPath, child: Node) -> Node:
    """The tree with `child` at `path`. Where something else than a map is in the way, the tree stays as it is."""
    if not path:
        return child
    inner = {} if node.value is None else node.value
    key = path[0]
    if not isinstance(inner, dict) or not isinstance(key, str):
        return node
    return replace(node, value={**inner, key: put(inner.get(key, Node(None)), path[1:], child)})


def drop(node: Node, path: KeyPath) -> Node:
    """The tree without what stands at `path`."""
    if not path or not isinstance(node.value, dict) or path[0] not in node.value:
        return node
    rest = {key: child for key, child in node.value.items() if key != path[0] or len(path) > 1}
    return replace(node, value={key: drop(child, path[1:]) if key == path[0] else child for key, child in rest.items()})


def nearest(node: Node, path: KeyPath) -> Place | None:
    """The place of `path`, or of the deepest thing above it that somebody wrote."""
    for end in range(len(path), 0, -1):
        written = find(node, path[:end])
        if written and written.where:
            return written.where
    return node.place


def coalesce(defaults: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What a template sees: the defaults under the site's data, and a null takes a key away."""
    result = dict(defaults)
    for key, value in data.items():
        default = defaults.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            result[key] = coalesce(default if isinstance(default, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def describe(node: Node) -> str:
    """A value as the person wrote it, short enough for one line, and without what looks like a secret."""
    if isinstance(node.value, dict):
        return "keys and values"
    if isinstance(node.value, list):
        return "a list"
    if node.value is None:
        return "nothing" if node.written == "" else "null"
    text = masked(node.written if not isinstance(node.value, str) else node.value)
    text = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    text = text if len(text) <= 60 else f"{text[:57]}..."
    if isinstance(node.value, str):
        return f'"{text}"'
    if isinstance(node.value, bool):
        return text if text in ("true", "false") else f"{text} ({str(node.value).lower()})"
    return f"the number {text}"
