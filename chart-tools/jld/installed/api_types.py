"""The types of the Kubernetes API that a pod is made of: keys, types, and which keys must be there."""

from __future__ import annotations

from typing import Any

from kubernetes_validate.utils import latest_version, schema_contents

from jld.support.key_paths import JsonMap

_BEGIN = "io.k8s.api.core.v1."
_SCALARS = ("string", "integer", "number", "boolean")


def described_types() -> dict[str, JsonMap]:
    """The types below PodSpec, by their last name: each key with the type of what it holds."""
    version = latest_version()
    folder = f"kubernetes-json-schema/v{version}-local-strict"
    definitions = schema_contents(f"{folder}/_definitions.json", version)["$defs"]
    found: dict[str, JsonMap] = {}
    waiting = [_BEGIN + "PodSpec"]
    while waiting:
        name = waiting.pop()
        rule = definitions[name]
        if _last(name) in found or "properties" not in rule:
            continue
        needed = rule.get("required", [])
        found[_last(name)] = {"keys": {}, "required": sorted(needed)}
        for key, each in sorted(rule["properties"].items()):
            found[_last(name)]["keys"][key] = _type_name(each, definitions)
            waiting += [f"{reference}" for reference in _references(each)]
    return dict(sorted(found.items()))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _references(rule: Any) -> list[str]:
    if isinstance(rule, dict):
        own = [rule["$ref"].removeprefix("#/$defs/")] if "$ref" in rule else []
        return own + [reference for child in rule.values() for reference in _references(child)]
    return []


def _type_name(rule: JsonMap, definitions: JsonMap) -> str:
    """`string`, `list[Container]`, `map[string]`, `quantity`, `any`, or the name of a type."""
    if "$ref" in rule:
        name = rule["$ref"].removeprefix("#/$defs/")
        return _last(name) if "properties" in definitions[name] else _NOT_OBJECTS.get(_last(name), "any")
    kinds = rule.get("type", [])
    kind = next((each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null"), "any")
    if kind == "array":
        return f"list[{_type_name(rule['items'], definitions)}]"
    if kind == "object":
        return f"map[{_type_name(rule.get('additionalProperties', {}), definitions)}]"
    return kind if kind in _SCALARS else "any"


_NOT_OBJECTS = {"Quantity": "quantity", "IntOrString": "int-or-string", "Time": "string"}
