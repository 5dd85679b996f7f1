"""Validate a site against the composed schema, and describe each mistake in a sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

from jld.schema import bounds, legacy_keys
from jld.schema.suggestions import advice, nearest_name
from jld.schema.validator import Mistake, is_valid, mistakes
from jld.schema.z2jh import table as z2jh
from jld.site.tree import Node, describe, find, nearest, plain
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, KeyPath, dotted
from jld.support.masking import holds_secret

COMPOSITE = ("oneOf", "anyOf")  # rules about keys together; not worth saying when one of the keys is wrong by itself


def problems(site: Node, effective: JsonMap, schema: JsonMap, of_rules: Collection[Problem] = ()) -> list[Problem]:
    """Every mistake of `effective` (the site over the defaults), at the place where `site` has it.

    What `not` forbids without a sentence, mostly a rule knows more about (`rules.traits`, `rules.listed_names`): of such a key
    nothing is said here where one of `of_rules` has spoken of it.
    """
    said = {problem.key for problem in of_rules}
    found = [
        mistake
        for mistake in mistakes(effective, schema)
        if "x-for-helm" not in mistake.rule
        and (mistake.keyword != "not" or "x-message" in mistake.rule or _forbidden(mistake) not in said)
    ]
    simple = [mistake.path for mistake in found if mistake.keyword not in COMPOSITE]
    relevant = [
        mistake for mistake in found if mistake.keyword not in COMPOSITE or not _any_below(simple, mistake.path)
    ]
    problems_of_keys = [problem for mistake in relevant for problem in _Sentences(site, schema, mistake).problems()]
    return problems_of_keys + list(_globals_in_parts(site, schema))


def _forbidden(mistake: Mistake) -> str:
    """The key that a `not` is about: of a map's names, the one that is forbidden."""
    return dotted((*mistake.path, *([str(mistake.instance)] if mistake.about_key else [])))


def _any_below(paths: list[KeyPath], above: KeyPath) -> bool:
    return any(path[: len(above)] == above for path in paths)


def _globals_in_parts(site: Node, schema: JsonMap) -> Iterator[Problem]:
    for part, described in schema["properties"].items():
        node = find(site, (part, "global"))
        if node and "global" in described.get("properties", {}):
            yield Problem(
                node.key_place, f"{part}.global", "there is one `global` only; move its keys to the `global` at the top"
            )


class _Sentences:
    """The sentences for one mistake."""

    def __init__(self, site: Node, schema: JsonMap, mistake: Mistake) -> None:
        self.site = site
        self.schema = schema
        self.keyword, self.keyword_value, self.rule = mistake.keyword, mistake.keyword_value, mistake.rule
        self.instance, self.path, self.about_key = mistake.instance, mistake.path, mistake.about_key

    def problems(self) -> Iterator[Problem]:
        match self.keyword:
            case "additionalProperties":
                yield from self._unknown_keys()
            case "required":
                yield from self._missing_keys()
            case "not" if self.about_key and "x-message" not in self.rule:
                yield self._forbidden_name()
            case _:
                yield self._at(self.path, self._wrong_value(), self.rule)

    def _at(self, path: KeyPath, sentence: str, rule: JsonMap) -> Problem:
        node = find(self.site, path)
        written = describe(node) if node and not is_secret(path) else ""
        return Problem(nearest(self.site, path), dotted(path), sentence, written, accepted(rule))

    def _unknown_keys(self) -> Iterator[Problem]:
        known = list(self.rule.get("properties", {}))
        for key in self.instance:
            if key in known:
                continue
            path = (*self.path, key)
            node = find(self.site, path)
            place = node.key_place if node else nearest(self.site, path)
            if not legacy_keys.is_secret(key) and (foreign := list(z2jh.messages(node, path))):
                for each, child, sentence, today in foreign:
                    where = child.key_place if child else place
                    yield Problem(where or place, dotted(each), sentence, suggestion=today)
                continue
            names = [name for name in known if name != "global" or not self.path]
            advice, meant = self._advice(key, names)
            sentence = f"there is no such key; {advice}"
            yield Problem(place, dotted(path), sentence, accepted=", ".join(names), suggestion=meant)

    def _advice(self, key: str, names: list[str]) -> tuple[str, str]:
        """What to do about an unknown key, and the key that was probably meant."""
        if legacy_keys.is_secret(key) and not is_secret(self.path):
            return legacy_keys.INSTEAD_OF_SECRETS, ""
        today = legacy_keys.current_key(key)
        if today:
            return f"the original deploy tool's {key} is now {today}", today
        why = legacy_keys.why_no_counterpart(key)
        if why and "_" in key:
            return f"the original deploy tool's {key} has no counterpart: {why}", ""
        path = (*self.path, key)
        return advice(path, names, list(key_paths(self.schema)), list(self._modes()))

    def _modes(self) -> Iterator[str]:
        """The choices that the map of the key belongs to: `nginx.mode: ingress` for keys of nginx.ingress."""
        if not self.path:
            return
        above, name = self.path[:-1], self.path[-1]
        for key, rule in key_rule(self.schema, above).get("properties", {}).items():
            if name in resolved(rule, self.schema).get("enum", []):
                yield f"{dotted((*above, key))}: {name}"

    def _forbidden_name(self) -> Problem:
        path = (*self.path, str(self.instance))
        node, rule = find(self.site, path), resolved(self.rule, self.schema)
        place = node.key_place if node else nearest(self.site, path)
        sentence = f"this name is not left to a site; write {rule.get('x-accepted', 'another one')}"
        return Problem(place, dotted(path), sentence, accepted=accepted(rule))

    def _missing_keys(self) -> Iterator[Problem]:
        for key in self.keyword_value:
            if key not in self.instance:
                path = (*self.path, key)
                rule = key_rule(self.schema, path)
                yield self._at(path, f"missing; {self._write(rule)}", rule)

    def _write(self, rule: JsonMap) -> str:
        if "x-accepted" in rule:
            return f"write {rule['x-accepted']}"
        keys: list[str] = rule.get("required") or list(rule.get("properties", {}))
        return f"write keys below it: {', '.join(keys)}"

    def _wrong_value(self) -> str:
        if "x-message" in self.rule and self.keyword in (*COMPOSITE, "const", "minItems", "minLength", "not"):
            return str(self.rule["x-message"])
        node = find(self.site, self.path)
        if self.keyword == "uniqueItems":
            return "holds the same entry twice; remove one"
        if self.keyword == "minProperties":
            return "all of them are removed; leave at least one"
        if self.about_key:
            close = nearest_name(self.instance, list(self.rule.get("enum", [])))
            remedy = f"did you mean {close}?" if close else f"write {self.rule.get('x-accepted')}"
            return f'the key "{self.instance}" is not accepted; {remedy}'
        remedy = self._remedy(node)
        if is_secret(self.path):
            return f"what stands here (not shown) is wrong; {remedy}"
        if node is None:
            return f"missing; {remedy}"
        if node.value in ("", None):
            return f"empty; {remedy}"
        if pair := self._pair(node):
            return pair
        if holds_secret(plain(node)):
            return (
                f"found {describe(node)}, which holds what looks like a secret, and would show it to others; {remedy}"
            )
        return f"found {describe(node)}{self._bound()}; {remedy}"

    def _bound(self) -> str:
        return bounds.broken(
            self.keyword,
            self.keyword_value,
            self.instance,
            self.rule,
            lambda text: is_valid(text, self.rule, self.schema),
        )

    def _pair(self, node: Node) -> str:
        """What to say of `org: team` where text is expected, for YAML makes a key and a value of it."""
        if self.keyword != "type" or not isinstance(node.value, dict) or len(node.value) != 1:
            return ""
        [(key, inner)] = node.value.items()
        if isinstance(inner.value, dict | list):
            return ""
        for text in (f"{key}: {inner.written}", f"{key}:{inner.written}") if inner.written else (key,):
            if is_valid(text, self.rule, self.schema) and not holds_secret(text):
                return f'YAML reads a key and a value here, for a blank follows the colon; write it in quotes: "{text}"'
        return ""

    def _remedy(self, node: Node | None) -> str:
        if node and isinstance(node.value, bool | int | float) and not is_secret(self.path):
            text_expected = (
                self.keyword == "type" and "string" in self.keyword_value
            )  # a name of a type, or a list of names
            if text_expected and is_valid(node.written, self.rule, self.schema):
                return f'YAML does not read this as text; write it in quotes: "{node.written}"'
        if "x-accepted" in self.rule:
            return f"write {self.rule['x-accepted']}"
        match self.keyword_value if self.keyword == "type" else None:
            case "object":
                keys = [key for key in self.rule.get("properties", {}) if key != "global"]
                return f"write keys below it: {', '.join(keys)}" if keys else "write keys and values below it"
            case "array":
                return "write a list, like [first, second]"
            case "string":
                return "write text in quotes"
        return bounds.remedy(self.keyword, self.keyword_value, self.rule)


def missing_secrets(effective: JsonMap, schema: JsonMap) -> list[KeyPath]:
    """The secrets that the schema requires and nobody gave. They are collected or generated, and only then a mistake."""
    missing = [
        (*mistake.path, key)
        for mistake in mistakes(effective, schema)
        if mistake.conditional and mistake.keyword == "required" and mistake.path[-1] == "secret"
        for key in cast("list[str]", mistake.keyword_value)
        if key not in cast("JsonMap", mistake.instance)
    ]
    return list(dict.fromkeys(missing))


def accepted(rule: JsonMap) -> str:
    """What may be written where `rule` holds, as a phrase."""
    if "x-accepted" in rule:
        return str(rule["x-accepted"])
    return ", ".join(key for key in rule.get("properties", {}) if key != "global")


def is_secret(path: KeyPath) -> bool:
    """Whether what stands at `path` must never be shown. Below these three, `secret` is where a site names one."""
    return "secret" in path and not {"environment", "files", "volumes"} & set(path[: path.index("secret")])


def key_paths(schema: JsonMap, below: JsonMap | None = None, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key path that the schema names."""
    for key, child in resolved(below or schema, schema).get("properties", {}).items():
        if key == "global" and path:
            continue
        yield (*path, key)
        yield from key_paths(schema, child, (*path, key))


def key_rule(schema: JsonMap, path: KeyPath) -> JsonMap:
    """The part of the schema that describes `path`."""
    rule = schema
    for part in path:
        if isinstance(part, int):
            rule = resolved(rule.get("items", {}), schema)
        else:
            other = rule.get("additionalProperties")
            rule = resolved(rule.get("properties", {}).get(part, other if isinstance(other, dict) else {}), schema)
    return rule


def resolved(rule: Mapping[str, Any], schema: JsonMap) -> JsonMap:
    """`rule` with what its `$ref` names."""
    name = str(rule.get("$ref", "")).removeprefix("#/$defs/")
    return schema["$defs"][name] | dict(rule) if name else dict(rule)
