"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jld.support.key_paths import JsonMap, KeyPath

# Each is the key that breaks the rule, and a sentence with cause and remedy.
Violations = Iterator[tuple[KeyPath, str]]
# A rule is given a site's effective values, where a value of a wrong type is the schema's matter and is passed over.
# Its docstring stands in the reference of the values.
Rule = Callable[[JsonMap], Violations]
