"""Slips of writing that are good YAML of another meaning: a key that is not indented, and a colon without a blank.

Each is told, and taken for what was meant, so that nothing is said of what only follows from it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from jld.schema.validation import key_rule
from jld.site.reader import resolve
from jld.site.tree import Node
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, KeyPath, dotted

_WITHOUT_BLANK = re.compile(r"([A-Za-z][A-Za-z0-9]*):(\S.*)", re.DOTALL)


def corrected(site: Node, schema: JsonMap) -> tuple[Node, list[Problem]]:
    """The tree as it was meant, and what is wrong with its writing."""
    walk = _Walk(schema)
    return walk.node(site, ()), walk.problems


class _Walk:
    def __init__(self, schema: JsonMap) -> None:
        self.schema = schema
        self.problems: list[Problem] = []

    def node(self, node: Node, path: KeyPath) -> Node:
        if isinstance(node.value, dict):
            return replace(node, value=self._map(node.value, path))
        if isinstance(node.value, str) and not node.quoted and (pair := self._pair(node.value, self._keys(path))):
            key, value = pair
            self._say(replace(node, key_place=None), (*path, key), _no_blank(key))
            return replace(node, value={key: replace(node, value=resolve(value), written=value)})
        return node

    def _map(self, children: dict[str, Node], path: KeyPath) -> dict[str, Node]:
        known = self._keys(path)
        result: dict[str, Node] = {}
        empty = ""  # the last key with nothing below it: what follows may belong there
        for key, child in children.items():
            if known and key not in known:
                if child.value is None and (pair := self._pair(key, known)):
                    name, value = pair
                    at = child.key_place
                    node = Node(resolve(value), at, at, value)
                    self._say(node, (*path, name), _no_blank(name))
                    result[name] = node
                    continue
                if empty and key in self._keys((*path, empty)):
                    sentence = f"stands beside {empty}, which has nothing below it; indent it, to be a key of {empty}"
                    self._say(child, (*path, key), sentence)
                    inner = result[empty].value
                    below = {**(inner if isinstance(inner, dict) else {}), key: self.node(child, (*path, empty, key))}
                    result[empty] = replace(result[empty], value=below)
                    continue
            result[key] = self.node(child, (*path, key))
            empty = key if child.value is None and not child.written and not child.quoted else ""
        return result

    def _keys(self, path: KeyPath) -> list[str]:
        return list(key_rule(self.schema, path).get("properties", {}))

    def _pair(self, text: str, keys: list[str]) -> tuple[str, str] | None:
        match = _WITHOUT_BLANK.fullmatch(text)
        return (match[1], match[2]) if match and match[1] in keys else None

    def _say(self, node: Node, path: KeyPath, sentence: str) -> None:
        self.problems.append(Problem(node.key_place or node.place, dotted(path), sentence))


def _no_blank(key: str) -> str:
    return f"no blank after the colon; write `{key}: ` and then the value"
