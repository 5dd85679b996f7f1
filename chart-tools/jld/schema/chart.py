"""The chart's folder: its defaults, and the schema that is composed from the parts' own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jld.support.errors import EnvironmentUnfit
from jld.support.files import replace_file
from jld.support.key_paths import JsonMap

SCHEMA_MODE = 0o644


@dataclass(frozen=True)
class Chart:
    """A chart folder on this machine."""

    folder: Path

    @property
    def parts(self) -> list[str]:
        """The subcharts that bring values of their own, by name."""
        return sorted(file.parent.name for file in self.folder.glob("charts/*/values.schema.yaml"))

    @property
    def schema_file(self) -> Path:
        return self.folder / "values.schema.json"

    def defaults(self) -> JsonMap:
        """The values that a site starts from, laid out as a site file."""
        own = self._yaml(self.folder / "values.yaml")
        return own | {part: self._yaml(self.folder / "charts" / part / "values.yaml") for part in self.parts}

    def schema(self) -> JsonMap:
        """The composed schema as it was committed: what Helm uses."""
        try:
            schema = json.loads(self._text(self.schema_file))
        except ValueError as error:
            raise EnvironmentUnfit(f"{self.schema_file}: not JSON ({error}); run `jld schema`") from None
        return dict(schema)

    def composed_schema(self) -> str:
        """The text of values.schema.json, made anew from the parts."""
        schema = self._yaml(self.folder / "values.schema.yaml")
        properties = schema["properties"]
        texts = {"": self._text(self.folder / "values.yaml")}
        for part in self.parts:
            properties[part] = self._yaml(self.folder / "charts" / part / "values.schema.yaml")
            texts[part] = self._text(self.folder / "charts" / part / "values.yaml")
        for part, text in texts.items():
            described = properties[part] if part else schema
            explain(described, _parsed(text), descriptions(text), schema["$defs"])
        for part in self.parts:
            properties[part]["properties"]["global"] = {
                "description": "Set by Helm from the `global` at the top.",
                "type": "object",
            }
        return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"

    def schema_is_current(self) -> bool:
        return self.schema_file.is_file() and self._text(self.schema_file) == self.composed_schema()

    def write_schema(self) -> bool:
        """Write values.schema.json; say whether it changed."""
        return replace_file(self.schema_file, self.composed_schema().encode(), SCHEMA_MODE)

    def _text(self, file: Path) -> str:
        try:
            return file.read_text(encoding="utf-8")
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
        if (folder / "Chart.yaml").is_file() or (folder / "values.schema.yaml").is_file():
            return Chart(folder)
    raise EnvironmentUnfit(f"{candidates[0]}: no chart in this folder; name the chart's folder with --chart")


def _parsed(text: str) -> Any:
    """The chart's own YAML, read by the fast parser where it was built."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are the safe one)


def descriptions(text: str) -> dict[tuple[str, ...], str]:
    """The `# --` line above each key of a values.yaml."""
    lines = text.splitlines()
    found: dict[tuple[str, ...], str] = {}

    def walk(node: yaml.Node | None, path: tuple[str, ...]) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            match = re.match(r"\s*# -- (.+)", lines[key.start_mark.line - 1]) if key.start_mark.line else None
            if match:
                found[*path, key.value] = match[1].strip()
            walk(value, (*path, key.value))

    walk(yaml.compose(text, Loader=yaml.SafeLoader), ())
    return found


def explain(
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
        child = _written_out(child, definitions)
        schema["properties"][key] = child
        if here in sentences:
            child.setdefault("description", sentences[here])
        if isinstance(value, Mapping) and "properties" in child and here not in sentences:
            explain(child, value, sentences, definitions, here)
        else:
            child["default"] = value


def _written_out(schema: JsonMap, definitions: Mapping[str, JsonMap]) -> JsonMap:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if not name or "properties" not in definitions[name]:
        return dict(schema)
    copy: JsonMap = json.loads(json.dumps(definitions[name]))
    return copy | {key: value for key, value in schema.items() if key != "$ref"}
