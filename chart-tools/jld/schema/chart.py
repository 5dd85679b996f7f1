"""The chart's folder: its defaults and its schema, both composed from the parts' own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from jld.support.errors import EnvironmentUnfit
from jld.support.files import is_file, read_start, replace_file
from jld.support.key_paths import JsonMap, map_at

COMPOSED_MODE = 0o644
_MAX_BYTES = 16 * 2**20  # far more than any of a chart's files
# What Helm, which knows no sentences of ours, says of a file without the secrets: "value must be '...'".
FOR_HELM = (
    "made by the tool; this is a site file, so run `jld values` first, and give Helm the values.yaml that it writes"
)
VALUES_HEAD = """\
# All values with their defaults. `jld schema` composes this file from values.global.yaml and charts/<part>/values.yaml: change a
# default there. docs/reference.md and `jld explain KEY` say what each key accepts.

"""


@dataclass(frozen=True)
class Chart:
    """A chart folder on this machine."""

    folder: Path

    @property
    def parts(self) -> list[str]:
        """The subcharts that bring values of their own, by name."""
        return sorted(file.parent.name for file in self.folder.glob("charts/*/values.schema.yaml"))

    @property
    def values_file(self) -> Path:
        return self.folder / "values.yaml"

    @property
    def schema_file(self) -> Path:
        return self.folder / "values.schema.json"

    def defaults(self) -> JsonMap:
        """The values that a site starts from, laid out as a site file, as they were committed: what Helm uses."""
        return self._yaml(self.values_file)

    def schema(self) -> JsonMap:
        """The composed schema as it was committed: what Helm uses."""
        try:
            return _schema(self._text(self.schema_file))
        except ValueError as error:
            raise EnvironmentUnfit(f"{self.schema_file}: not JSON ({error}); run `jld schema`") from None

    def composed_values(self) -> str:
        """The text of values.yaml, composed from the parts, comments included.

        Helm must see every default here too: `helm lint` and `helm show values` read no others.
        """
        shared, *parts = ((part, self._text(file)) for part, file in self._values_files().items())
        return VALUES_HEAD + shared[1] + "".join(f"\n{part}:\n{indent(text, '  ')}" for part, text in parts)

    def composed_schema(self) -> str:
        """The text of values.schema.json, composed from the parts."""
        schema = self._yaml(self.folder / "values.schema.yaml")
        properties = schema["properties"]
        for part in self.parts:
            properties[part] = self._yaml(self.folder / "charts" / part / "values.schema.yaml")
        for part, file in self._values_files().items():
            described = properties[part] if part else schema
            add_defaults_and_descriptions(described, self._yaml(file), descriptions(self._text(file)), schema["$defs"])
        for part in self.parts:
            for rule in properties[part].get("allOf", ()):
                add_words_for_helm(rule)
            properties[part]["properties"]["global"] = {
                "description": "Set by Helm from the `global` at the top.",
                "type": "object",
            }
        return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"

    def stale(self) -> list[Path]:
        """The composed files that do not fit the parts, or are not there."""
        return [file for file, text in self._composed().items() if not is_file(file) or self._text(file) != text]

    def compose(self) -> list[Path]:
        """Write the composed files. Returns those that changed."""
        composed = self._composed()  # whole, before anything is written
        return [file for file, text in composed.items() if replace_file(file, text.encode(), COMPOSED_MODE)]

    def _composed(self) -> dict[Path, str]:
        return {self.values_file: self.composed_values(), self.schema_file: self.composed_schema()}

    def _values_files(self) -> dict[str, Path]:
        """The file that holds each part's defaults, by the part's name; that of what all share has none, and comes first."""
        files = {part: self.folder / "charts" / part / "values.yaml" for part in self.parts}
        return {"": self.folder / "values.global.yaml", **files}

    def _text(self, file: Path) -> str:
        try:
            return read_start(file, _MAX_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise EnvironmentUnfit(f"{file}: cannot be read ({reason}); name the chart's folder with --chart") from None

    def _yaml(self, file: Path) -> JsonMap:
        try:
            return dict(_parsed(self._text(file)))
        except (yaml.YAMLError, TypeError, ValueError) as error:
            raise EnvironmentUnfit(f"{file}: not a YAML map ({error}); restore the file") from None


def find_chart(named: Path | None) -> Chart:
    """The chart that was named, else the one of the checkout that the shell or this program stands in."""
    if named is not None:
        candidates = [named]
    else:
        here = Path.cwd()
        candidates = [folder / "chart" for folder in (here, *here.parents, Path(__file__).resolve().parents[3])]
    for folder in candidates:
        if is_file(folder / "Chart.yaml") or is_file(folder / "values.schema.yaml"):
            return Chart(folder)
    raise EnvironmentUnfit(f"{candidates[0]}: no chart in this folder; name the chart's folder with --chart")


@lru_cache(maxsize=1)
def _schema(text: str) -> JsonMap:
    """One object for one text: what judges by it is compiled once for an object."""
    return dict(json.loads(text))


def _parsed(text: str) -> Any:
    """The chart's own YAML, read by the fast parser where it was built."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are the safe one)


def descriptions(text: str) -> dict[tuple[str, ...], str]:
    """The `# --` line above each key of a values.yaml."""
    lines = text.splitlines()
    comments: dict[tuple[str, ...], str] = {}

    def walk(node: yaml.Node | None, path: tuple[str, ...]) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            match = re.match(r"\s*# -- (.+)", lines[key.start_mark.line - 1]) if key.start_mark.line else None
            if match:
                comments[*path, key.value] = match[1].strip()
            walk(value, (*path, key.value))

    walk(yaml.compose(text, Loader=yaml.SafeLoader), ())
    return comments


def add_defaults_and_descriptions(
    schema: JsonMap,
    defaults: Mapping[str, Any],
    sentences: Mapping[tuple[str, ...], str],
    definitions: Mapping[str, JsonMap],
    path: tuple[str, ...] = (),
) -> None:
    """Put the defaults and descriptions of a values.yaml into its schema.

    A definition that is shared (`$ref`) and has keys of its own is written out where it is used, because its keys
    have other defaults there.
    """
    for key, value in defaults.items():
        child = schema["properties"].get(key)
        if child is None:
            raise EnvironmentUnfit(
                f"{'.'.join((*path, key))}: has a default, but no schema; add it to values.schema.yaml"
            )
        here = (*path, key)
        child = _written_out(child, definitions) if value != {} else dict(child)
        schema["properties"][key] = child
        if here in sentences:
            child["description"] = sentences[here]  # a shared definition says what the key is elsewhere
        if isinstance(value, Mapping) and "properties" in child and here not in sentences:
            add_defaults_and_descriptions(child, value, sentences, definitions, here)
        else:
            child["default"] = value


def add_words_for_helm(rule: JsonMap) -> None:
    """To a rule that requires secrets: what Helm shall say where they are missing, beside their names. The tool makes or asks for them."""
    secret = map_at(rule, "then", "properties", "secret")
    if "required" in secret:
        missing = {"not": {"required": secret["required"]}}
        secret |= {"if": missing, "then": {"const": FOR_HELM, "x-for-helm": True}}


def _written_out(schema: JsonMap, definitions: Mapping[str, JsonMap]) -> JsonMap:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if not name or "properties" not in definitions[name]:
        return dict(schema)
    copy: JsonMap = json.loads(json.dumps(definitions[name]))
    return copy | {key: value for key, value in schema.items() if key != "$ref"}
