"""What the schema says about a key, as text for people: for `jld explain` and for the reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jld.schema.suggestions import nearest_name
from jld.schema.validation import accepted, is_secret, key_paths, key_rule, resolved
from jld.schema.validator import is_valid
from jld.support.key_paths import JsonMap, KeyPath, dotted

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "keys and values",
    "array": "list",
    "null": "null",
}
MANY_TYPES = 4
FIRST_VERSION = "0.1.0"  # of the chart; what came later says so with `x-since`
_NO_DEFAULT = object()


@dataclass(frozen=True)
class Key:
    """One key of a site file."""

    path: KeyPath
    description: str
    type: str
    accepted: str
    default: Any
    example: Any
    keys: tuple[str, ...]  # the keys below a section
    rule: str  # what must come together, or excludes each other, below this key
    since: str  # the version of the chart that had it first

    @property
    def name(self) -> str:
        return dotted(self.path)

    @property
    def has_default(self) -> bool:
        return self.default is not _NO_DEFAULT


def describe_key(schema: JsonMap, path: KeyPath) -> Key | None:
    """What there is to say about `path`, or None where no such key is."""
    if not _exists(schema, path):
        return None
    rule = key_rule(schema, path)
    below = tuple(name for name in rule.get("properties", {}) if name != "global" or not path)
    return Key(
        path,
        str(rule.get("description", "")),
        "secret, in base64" if is_secret(path) and not below else _type(rule, schema),
        "" if below else _accepted(rule, schema),
        rule.get("default", _NO_DEFAULT),
        None if is_secret(path) or below else example(rule, schema),
        below,
        str(rule.get("x-message", "")),
        _since(schema, path),
    )


def all_keys(schema: JsonMap) -> Iterator[Key]:
    """Every key of the schema, each section before what it holds."""
    for path in key_paths(schema):
        key = describe_key(schema, path)
        if key:
            yield key


def parse_key(text: str) -> KeyPath:
    """The path that `dotted` writes as `text`."""
    parts = re.findall(r'"([^"]*)"|\[(\d+)\]|([^.\[\]"]+)', text)
    return tuple(int(index) if index else quoted or plain for quoted, index, plain in parts)


def suggestions(schema: JsonMap, text: str) -> list[str]:
    """The keys that a person may have meant by `text`, the best first."""
    paths = [dotted(path) for path in key_paths(schema)]
    last = str(parse_key(text)[-1]) if parse_key(text) else text
    same = [path for path in paths if path.rpartition(".")[2].lower() == last.lower()]
    if same:
        return same
    close = nearest_name(text, paths) or nearest_name(last, [path.rpartition(".")[2] for path in paths])
    return [path for path in paths if close and (path == close or path.endswith(f".{close}"))]


def example(rule: JsonMap, schema: JsonMap) -> Any:
    """Something that may be written where `rule` holds, other than the default where that is possible."""
    candidates = list(_candidates(rule, schema))
    right = [value for value in candidates if value is not None and is_valid(value, rule, schema)]
    other = [value for value in right if value != rule.get("default", _NO_DEFAULT)]
    return (other or right or [None])[0]


def _candidates(rule: JsonMap, schema: JsonMap) -> Iterator[Any]:
    yield from rule.get("examples", ())
    yield from rule.get("enum", ())
    yield from _after_like(str(rule.get("x-accepted", "")))
    if rule.get("type") == "boolean":
        yield from (True, False)
    if rule.get("type") == "array" and "items" in rule:
        yield [example(resolved(rule["items"], schema), schema)]
    if isinstance(rule.get("additionalProperties"), dict):
        yield _entry(rule, resolved(rule["additionalProperties"], schema), schema)
    yield rule.get("default")


def _after_like(words: str) -> Iterator[Any]:
    """`like 90s or 12h` names examples."""
    tail = words.rpartition("like ")[2] if "like " in words else ""
    for word in re.split(r",? or |, | ", tail):
        word = word.strip('"').removesuffix(".")
        if re.fullmatch(r"\d+(\.\d+)?", word):
            yield float(word) if "." in word else int(word)
        if word:
            yield word


def _entry(rule: JsonMap, inner: JsonMap, schema: JsonMap) -> JsonMap:
    name = example(resolved(rule.get("propertyNames", {}), schema) | {"type": "string"}, schema) or "name"
    if "properties" in inner:
        value: Any = {
            key: example(resolved(child, schema), schema)
            for key, child in inner["properties"].items()
            if key in inner.get("required", [])
        }
    else:
        value = example(inner, schema)
    return {str(name): value}


def _since(schema: JsonMap, path: KeyPath) -> str:
    """What a section says holds for its keys, unless one of them came later still."""
    above = (key_rule(schema, path[:length]) for length in range(len(path), 0, -1))
    return next((str(rule["x-since"]) for rule in above if "x-since" in rule), FIRST_VERSION)


def _type(rule: JsonMap, schema: JsonMap) -> str:
    if "enum" in rule:
        return "one of " + ", ".join(str(word) for word in rule["enum"])
    if "type" not in rule and "anyOf" in rule:
        return ", or ".join(_type(resolved(each, schema), schema) for each in rule["anyOf"])
    types = rule.get("type", "text")
    names = [_TYPES.get(name, name) for name in ([types] if isinstance(types, str) else types)]
    if names == ["list"] and "items" in rule:
        return f"list of {_type(resolved(rule['items'], schema), schema)}"
    if isinstance(rule.get("additionalProperties"), dict) and "properties" not in rule:
        inner = resolved(rule["additionalProperties"], schema)
        return f"names, each with {_type(inner, schema)}"
    return " or ".join(names) if len(names) < MANY_TYPES else "any value"


def _accepted(rule: JsonMap, schema: JsonMap) -> str:
    """The accepted form as a sentence; of a list or a map, that of its entries too."""
    words = [accepted(rule)] if "x-accepted" in rule else []
    if isinstance(rule.get("propertyNames"), dict) and "x-accepted" in rule["propertyNames"]:
        words.append(f"each name: {rule['propertyNames']['x-accepted']}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(rule.get(keyword), dict):
            inner = resolved(rule[keyword], schema)
            if accepted(inner):
                words.append(f"each entry: {accepted(inner)}")
    return "; ".join(words)


def _exists(schema: JsonMap, path: KeyPath) -> bool:
    rule = schema
    for depth, part in enumerate(path):
        if isinstance(part, int):
            known = "items" in rule
        else:
            known = part in rule.get("properties", {}) or isinstance(rule.get("additionalProperties"), dict)
            known = known and not (part == "global" and depth)
        if not known:
            return False
        rule = key_rule(schema, path[: depth + 1])
    return True
