"""Pieces of a pod that a site writes itself, validated by the types of the Kubernetes API."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any

from jld.rules.rule import Violations
from jld.site.tree import Node, describe
from jld.support.key_paths import KeyPath

_SCALARS: dict[str, tuple[type, str]] = {
    "str": (str, "text in quotes"),
    "int": (int, "a whole number"),
    "bool": (bool, "true or false"),
}
# The API has types for these, and refuses other words all the same.
_WORDS = {
    ("V1Toleration", "operator"): ("Exists", "Equal"),
    ("V1Toleration", "effect"): ("NoSchedule", "PreferNoSchedule", "NoExecute"),
    ("V1NodeSelectorRequirement", "operator"): ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"),
    ("V1LabelSelectorRequirement", "operator"): ("In", "NotIn", "Exists", "DoesNotExist"),
}
LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def describe_value(value: Any) -> str:
    """`value` as a site file has it."""
    return f"found {describe(Node(value, written=json.dumps(value)))}"


def violations(model: str, value: Any, path: KeyPath = ()) -> Violations:
    """Where `value` is not a `model` of the Kubernetes API, such as V1Toleration."""
    from kubernetes_asyncio import client

    cls = getattr(client, model)
    if not isinstance(value, dict):
        yield path, f"{describe_value(value)}; write keys and values below it"
        return
    names = {key: attribute for attribute, key in cls.attribute_map.items()}
    for key, child in value.items():
        if key not in names:
            close = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"accepted here: {', '.join(names)}"
            yield (*path, key), f"Kubernetes has no such key here; {hint}"
            continue
        yield from _type_violations(cls.openapi_types[names[key]], child, (*path, key))
        words = _WORDS.get((model, key))
        if words and isinstance(child, str) and child not in words:
            yield (*path, key), f"{describe_value(child)}; write {', '.join(words[:-1])} or {words[-1]}"
    for name in _required_keys(cls, names):
        if name not in value:
            yield path, f"{name} is missing; write it"
    if model == "V1Toleration" and isinstance(value.get("key", ""), str):
        if value.get("key") and not LABEL_KEY.fullmatch(value["key"]):
            yield (*path, "key"), f"{describe_value(value['key'])}; write the key of a taint, like example.org/labs"
        if not value.get("key") and value.get("operator") != "Exists":
            yield path, "without a key it needs operator: Exists; write the key of a taint"


def _required_keys(cls: Any, names: dict[str, str]) -> Iterator[str]:
    """What the API asks for: its own class refuses to be without it."""
    from kubernetes_asyncio.client import Configuration

    blank = cls.__new__(cls)
    blank.local_vars_configuration = Configuration()
    for key, attribute in names.items():
        try:
            setattr(blank, attribute, None)
        except ValueError:
            yield key


def _type_violations(type_name: str, value: Any, path: KeyPath) -> Violations:
    if match := re.fullmatch(r"list\[(.+)\]", type_name):
        if not isinstance(value, list):
            yield path, f"{describe_value(value)}; write a list"
            return
        for index, entry in enumerate(value):
            yield from _type_violations(match[1], entry, (*path, index))
    elif match := re.fullmatch(r"dict\[str, (.+)\]|dict\(str, (.+)\)", type_name):
        if not isinstance(value, dict):
            yield path, f"{describe_value(value)}; write keys and values below it"
            return
        for key, entry in value.items():
            yield from _type_violations(match[1] or match[2], entry, (*path, key))
    elif type_name in _SCALARS:
        wanted, words = _SCALARS[type_name]
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            yield path, f"{describe_value(value)}; write {words}"
    elif type_name.startswith("V1"):
        yield from violations(type_name, value, path)
