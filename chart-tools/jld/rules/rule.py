"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jld.support.key_paths import JsonMap, KeyPath

Violations = Iterator[tuple[KeyPath, str]]
"""The key that breaks the rule, and a sentence with cause and remedy."""

Rule = Callable[[JsonMap], Violations]
"""Is given a site's effective values, where a value of a wrong type is the schema's matter and is passed over.

The first line of its docstring stands in the reference of the values."""
