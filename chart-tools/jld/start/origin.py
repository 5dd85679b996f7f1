"""Whose file an old one is, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jld.schema import legacy_keys
from jld.schema.z2jh import table as z2jh
from jld.site.tree import Node, find
from jld.start.migration import Migration
from jld.start.z2jh.migration import Z2jhMigration
from jld.support.errors import Place, Problem, SiteError
from jld.support.key_paths import JsonMap

_MOST_ROUNDS = 10


def migrated(old: Node, schema: JsonMap, source: Path, target: Path) -> Migration | Z2jhMigration:
    """The migration that fits the file. Raises `SiteError` where none does."""
    before = z2jh.inner(old)
    values = find(old, before)
    if values and z2jh.is_file_of_z2jh(values):
        return Z2jhMigration(old, schema, source, target, before)
    keys = list(old.value) if isinstance(old.value, dict) else []
    if any(legacy_keys.current_key(key) or legacy_keys.why_no_counterpart(key) for key in keys):
        return Migration(old, schema, source, target)
    if keys and set(keys) <= set(schema["properties"]):
        sentence = "this is no old file, but a site file by its keys; `jld check` says whether it is right"
    else:
        sentence = "neither values of Zero to JupyterHub, such as singleuser, nor keys of the original deploy tool are here; name another file"
    raise SiteError([Problem(old.place or Place(str(source)), "", sentence)])


def fitted(migration: Z2jhMigration, complete: Callable[[JsonMap], JsonMap]) -> JsonMap:
    """The complete site, without what a rule between keys refuses of it."""
    for _ in range(_MOST_ROUNDS):
        try:
            return complete(migration.site)
        except SiteError as error:
            if not migration.without(error.problems):
                raise
    return complete(migration.site)
