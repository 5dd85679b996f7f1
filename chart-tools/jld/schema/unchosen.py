"""Keys that have no effect as long as another key says so: those of a mode that is not chosen, of a part that is off.

Which those are, the schema says: a map that is called like a value of the `enum` beside it belongs to that value, whatever stands
beside `enabled` belongs to `enabled: true`, and `x-only-with` says the rest. It names keys with what each must be: a value, a list
of those, `"*"` for anything that is set, or `""` for nothing. An empty one says that the key's name belongs to no mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from jld.schema.validation import resolved
from jld.site.tree import Node, find, plain
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, KeyPath, dotted, value_at

SET, NOT_SET = "*", ""


class Need(NamedTuple):
    """What a key needs for having an effect: another key with one of these values."""

    path: KeyPath
    other: KeyPath
    wanted: tuple[Any, ...]

    def is_met(self, effective: JsonMap) -> bool:
        found = value_at(effective, *self.other)
        if self.wanted == (SET,):
            return bool(found)
        return not found if self.wanted == (NOT_SET,) else found in self.wanted

    def sentence(self, effective: JsonMap) -> str:
        """What to say where it is not met."""
        key, found = dotted(self.other), value_at(effective, *self.other)
        if self.wanted == (NOT_SET,):
            return f"has no effect beside {key}; remove one of the two"
        if self.wanted == (SET,):
            return f"has no effect without {key}; write that too, or remove it"
        wanted = " or ".join(map(_written, self.wanted))
        return f"has no effect with {key}: {_written(found)}; write {key}: {wanted}, or remove it"


def needs(schema: JsonMap, rule: JsonMap | None = None, path: KeyPath = ()) -> Iterator[Need]:
    """Every need that the schema tells of, from the top down."""
    described = resolved(rule or schema, schema).get("properties", {})
    keys = {key: resolved(child, schema) for key, child in described.items() if key != "global" or not path}
    switched = keys.get("enabled", {}).get("type") == "boolean"
    for key, child in keys.items():
        here = (*path, key)
        if switched and key != "enabled":
            yield Need(here, (*path, "enabled"), (True,))
        if "x-only-with" in child:
            for other, wanted in child["x-only-with"].items():
                yield Need(here, tuple(other.split(".")), tuple(wanted) if isinstance(wanted, list) else (wanted,))
        else:
            for beside, choice in keys.items():
                if key in choice.get("enum", ()) and "properties" in child:
                    yield Need(here, (*path, beside), (key,))
        yield from needs(schema, child, here) if "properties" in child else ()


def warnings(site: Node, effective: JsonMap, defaults: JsonMap, schema: JsonMap) -> Iterator[Problem]:
    """Of the keys that a site wrote itself, those without effect. What stands below one of them is not named too.

    Nothing is said of a key with its default: who writes all of them down expects nothing of it.
    """
    void: list[KeyPath] = []
    for need in needs(schema):
        written = find(site, need.path)
        if written is None or any(need.path[: len(above)] == above for above in void):
            continue
        if not need.is_met(effective) and not _says_nothing(plain(written), value_at(defaults, *need.path)):
            void.append(need.path)
            yield Problem(written.where, dotted(need.path), need.sentence(effective))


def _says_nothing(value: Any, default: Any) -> bool:
    if isinstance(value, dict) and isinstance(default, dict):
        return all(key in default and _says_nothing(child, default[key]) for key, child in value.items())
    return value is None or bool(value == default)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
