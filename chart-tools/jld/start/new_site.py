"""The site and the secrets that grow out of an old file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jld.schema.validation import accepted, key_rule
from jld.schema.validator import is_valid
from jld.site.tree import Node, describe, find, plain, put, tree
from jld.start.legacy_values import NotMigrated, text_of
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, KeyPath, dotted


class NewSite:
    """A site that is filled key by key, each value held against the schema."""

    def __init__(self, schema: JsonMap, source: Path, target: Path) -> None:
        self._schema = schema
        self._folders = source.absolute().parent, target.absolute().parent
        self._site = Node({})
        self.secrets: dict[KeyPath, str] = {}  # in plain text
        self.warnings: list[Problem] = []

    @property
    def site(self) -> JsonMap:
        data: JsonMap = plain(self._site)
        return data

    def _has(self, path: KeyPath) -> bool:
        return path in self.secrets or find(self._site, path) is not None

    def _set(self, path: KeyPath, value: Any) -> list[KeyPath]:
        """Put a value into the site. Raises `NotMigrated` where the schema does not accept it."""
        rule = key_rule(self._schema, path)
        if not is_valid(value, rule, self._schema):
            raise NotMigrated(f"found {describe(tree(value))}, but {dotted(path)} is {accepted(rule)}")
        self._site = put(self._site, path, tree(value))
        return [path]

    def _set_secret(self, path: KeyPath, text: str) -> tuple[list[KeyPath], str]:
        self.secrets[path] = text
        return [path], "in secrets.yaml"

    def _file(self, node: Node) -> str:
        """The path of a file, as the new site file names it."""
        text = text_of(node)
        if "-----BEGIN" in text or "\n" in text:
            raise NotMigrated("it holds the text of the file; save that as a file and name it")
        source, target = self._folders
        file = Path(text).expanduser() if text.startswith("~/") else Path(text)
        if file.is_absolute():
            return str(file)
        return os.path.relpath(source / file, target)
