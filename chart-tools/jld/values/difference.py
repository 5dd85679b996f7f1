"""What changes between two sets of values, key by key, without showing a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jld.schema.validation import is_secret
from jld.site.tree import coalesce
from jld.support.key_paths import JsonMap, KeyPath


class ChangeKind(StrEnum):
    """What happened to a key."""

    added = "added"
    removed = "removed"
    changed = "changed"
    same = "same"  # of secrets only, which are not shown


@dataclass(frozen=True)
class Change:
    """One key whose value differs, or a secret."""

    path: KeyPath
    kind: ChangeKind
    old: Any = None
    new: Any = None

    @property
    def secret(self) -> bool:
        return is_secret(self.path)


def changes(old: JsonMap, new: JsonMap, defaults: JsonMap) -> list[Change]:
    """What `new` sets otherwise than `old`, both over the chart's defaults: what is as the default is not set."""
    before, after = dict(_leaves(coalesce(defaults, old), ())), dict(_leaves(coalesce(defaults, new), ()))
    return [change for path in dict.fromkeys([*before, *after]) if (change := _change(path, before, after))]


def differ(listed: list[Change]) -> bool:
    """Whether there is any difference at all."""
    return any(change.kind is not ChangeKind.same for change in listed)


def _change(path: KeyPath, before: Mapping[KeyPath, Any], after: Mapping[KeyPath, Any]) -> Change | None:
    if path not in before:
        kind = ChangeKind.added
    elif path not in after:
        kind = ChangeKind.removed
    elif _same(before[path], after[path]):
        kind = ChangeKind.same
    else:
        kind = ChangeKind.changed
    if is_secret(path):
        return Change(path, kind)
    return None if kind is ChangeKind.same else Change(path, kind, before.get(path), after.get(path))


def _same(one: Any, other: Any) -> bool:
    """Equal, and of one type: `1` and `true` are not the same, but 1 and 1.0 are."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _leaves(data: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """Everything that is no map. An empty map sets nothing."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    elif path:
        yield path, data
