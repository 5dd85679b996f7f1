"""The values on their way from the site files to the values file: what each step completes and what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jld.schema import validation
from jld.secrets import formats
from jld.site.tree import Node, coalesce, find, nearest, plain, put
from jld.support.errors import Place, Problem
from jld.support.key_paths import JsonMap, KeyPath, dotted


@dataclass
class Draft:
    """A site that is being completed."""

    schema: JsonMap
    defaults: JsonMap
    site: Node
    previous: Node = field(default_factory=lambda: Node({}))  # the values file of an earlier run
    secrets_file: Node = field(default_factory=lambda: Node({}))
    environment: Mapping[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    generated: list[str] = field(default_factory=list)  # key paths
    _seen: tuple[Node, JsonMap] | None = field(default=None, init=False, repr=False)
    _missing: tuple[Node, list[KeyPath]] | None = field(default=None, init=False, repr=False)

    def effective(self) -> JsonMap:
        """What the templates see: the site over the chart's defaults. Kept until a step changes the site, for most change nothing."""
        if self._seen is None or self._seen[0] is not self.site:
            self._seen = self.site, coalesce(self.defaults, plain(self.site))
        return self._seen[1]

    def missing_secrets(self) -> list[KeyPath]:
        """Those that the schema requires and the site lacks, kept in the same way."""
        if self._missing is None or self._missing[0] is not self.site:
            self._missing = self.site, validation.missing_secrets(self.effective(), self.schema)
        return self._missing[1]

    def put(self, path: KeyPath, node: Node) -> None:
        """Set what stands at `path`."""
        self.site = put(self.site, path, node)

    def generate(self, path: KeyPath, value: str) -> None:
        """Set a value that did not exist before this run."""
        self.put(path, Node(value))
        self.generated.append(dotted(path))

    def problem(self, path: KeyPath, sentence: str) -> None:
        """Report a mistake at a key of the site."""
        self.problems.append(Problem(nearest(self.site, path), dotted(path), sentence))

    def take_secret(self, path: KeyPath, variable: str) -> None:
        """Set the secret of the secrets file, else that of the environment, where one of them holds it."""
        node = find(self.secrets_file, path)
        text = self.environment.get(variable, "").strip() if variable else ""
        if node is None and text:
            self.put(path, Node(formats.encode(text), Place(f"${variable}")))
        elif node is not None and isinstance(node.value, str) and node.value:
            self.put(path, replace(node, value=formats.encode(node.value.rstrip("\r\n"))))
        elif node is not None:
            plain_text, empty = "write the secret as plain text in quotes", "empty; write the secret, or remove the key"
            self.problems.append(Problem(node.where, dotted(path), plain_text if node.value else empty))
