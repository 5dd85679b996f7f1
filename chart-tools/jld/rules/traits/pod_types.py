"""Pieces of a pod that a site writes itself, validated by the types of the Kubernetes API."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from typing import Any

from jld.rules.rule import Violations
from jld.rules.traits import hub_image
from jld.site.tree import Node, describe
from jld.support.key_paths import JsonMap, KeyPath

_SCALARS: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "text in quotes"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
    "quantity": ((str, int, float), "an amount, like 2 or 512Mi"),
    "int-or-string": ((str, int), "a number or a name"),
}
_NEVER_NULL = ("quantity", "int-or-string")
# The API has types for these, and refuses other words all the same.
_WORDS = {
    ("Toleration", "operator"): ("Exists", "Equal"),
    ("Toleration", "effect"): ("NoSchedule", "PreferNoSchedule", "NoExecute"),
    ("Container", "imagePullPolicy"): ("Always", "IfNotPresent", "Never"),
    ("Container", "terminationMessagePolicy"): ("File", "FallbackToLogsOnError"),
    ("ContainerPort", "protocol"): ("TCP", "UDP", "SCTP"),
    ("HTTPGetAction", "scheme"): ("HTTP", "HTTPS"),
    ("NodeSelectorRequirement", "operator"): ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"),
    ("LabelSelectorRequirement", "operator"): ("In", "NotIn", "Exists", "DoesNotExist"),
}
LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")

OBJECT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_QUANTITY = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[munkMGTPE]|[eE][+-]?[0-9]+)?")
_OF_NODES = re.compile(r"cpu|memory|ephemeral-storage|hugepages-[0-9]+[KMGTPE]i|[^/]+/[^/]+")


def describe_value(value: Any) -> str:
    """`value` as a site file has it."""
    return f"found {describe(Node(value, written=json.dumps(value)))}"


def violations(model: str, value: Any, path: KeyPath = ()) -> Violations:
    """Where `value` is not a `model` of the Kubernetes API, such as V1Toleration."""
    yield from _violations(model.removeprefix("V1"), value, path)


def violations_in_python_names(model: str, value: Any, path: KeyPath = ()) -> Violations:
    """The same of what KubeSpawner is given, which takes the uppermost keys in the spelling of Python too."""
    if not isinstance(value, dict):
        yield from violations(model, value, path)
        return
    known = hub_image.table()["types"][model.removeprefix("V1")]["keys"]
    written = {name if (name := _in_api_spelling(str(key))) in known else key: key for key in value}
    for found, sentence in violations(model, {name: value[key] for name, key in written.items()}, path):
        below = found[len(path) :]
        yield (*path, *(written.get(key, key) if index == 0 else key for index, key in enumerate(below))), sentence


def violations_of_key(model: str, key: str, value: Any) -> Violations:
    """Where `value` is not what one key of a `model` takes."""
    for _, sentence in _key_violations(model.removeprefix("V1"), key, value, ()):
        yield (), sentence


def resource_violations(resources: JsonMap) -> Violations:
    """What Kubernetes would refuse of resources that a container may use."""
    for name, quantity in resources.items():
        if not (_OF_NODES.fullmatch(str(name)) and LABEL_KEY.fullmatch(str(name))):
            yield (name,), "Kubernetes knows no such resource; write one of a node, like cpu, memory or nvidia.com/gpu"
        yield from _type_violations("quantity", quantity, (name,))


def _in_api_spelling(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)


def _violations(model: str, value: Any, path: KeyPath) -> Violations:
    if not isinstance(value, dict):
        yield path, f"{describe_value(value)}; write keys and values below it"
        return
    described = hub_image.table()["types"][model]
    names = described["keys"]
    for key, child in value.items():
        if key not in names:
            close = difflib.get_close_matches(str(key), names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"accepted here: {', '.join(names)}"
            yield (*path, key), f"Kubernetes has no such key here; {hint}"
            continue
        yield from _key_violations(model, key, child, (*path, key))
    for name in described["required"]:
        if value.get(name) is None:
            yield path, f"{name} is missing; write it"
    if model in _TOGETHER:
        yield from _TOGETHER[model](value, path)


def _key_violations(model: str, key: str, value: Any, path: KeyPath) -> Violations:
    yield from _type_violations(hub_image.table()["types"][model]["keys"][key], value, path)
    words = _WORDS.get((model, key))
    if words and isinstance(value, str) and value not in words:
        yield path, f"{describe_value(value)}; write {', '.join(words[:-1])} or {words[-1]}"


def _toleration(value: JsonMap, path: KeyPath) -> Violations:
    if isinstance(value.get("key", ""), str):
        if value.get("key") and not LABEL_KEY.fullmatch(value["key"]):
            yield (*path, "key"), f"{describe_value(value['key'])}; write the key of a taint, like example.org/labs"
        if not value.get("key") and value.get("operator") != "Exists":
            yield path, "without a key it needs operator: Exists; write the key of a taint"
    if value.get("operator") == "Exists" and value.get("value"):
        yield (
            (*path, "value"),
            "operator Exists tolerates every value, and Kubernetes refuses one beside it; remove one",
        )
    if value.get("tolerationSeconds") is not None and value.get("effect") != "NoExecute":
        yield (*path, "tolerationSeconds"), "Kubernetes takes it with effect: NoExecute alone; write that, or remove it"


def _requirement(value: JsonMap, path: KeyPath) -> Violations:
    operator, values = value.get("operator"), value.get("values")
    if operator in ("In", "NotIn") and not values:
        yield (*path, "values"), f"operator {operator} needs some; write the values of the label"
    elif operator in ("Exists", "DoesNotExist") and values:
        yield (*path, "values"), f"Kubernetes refuses them beside operator {operator}; remove them"
    elif operator in ("Gt", "Lt") and isinstance(values, list) and len(values) != 1:
        yield (*path, "values"), f"operator {operator} compares with one number; write that alone"


def _one_way(value: JsonMap, path: KeyPath) -> Violations:
    ways = [way for way in ("exec", "httpGet", "sleep", "tcpSocket") if value.get(way) is not None]
    if len(ways) != 1:
        yield path, "Kubernetes takes exactly one of exec, httpGet and sleep here; write one"


_TOGETHER: dict[str, Callable[[JsonMap, KeyPath], Violations]] = {
    "Toleration": _toleration,
    "NodeSelectorRequirement": _requirement,
    "LabelSelectorRequirement": _requirement,
    "LifecycleHandler": _one_way,
}


def _type_violations(type_name: str, value: Any, path: KeyPath) -> Violations:
    if type_name == "any" or (value is None and type_name not in _NEVER_NULL):
        return
    if match := re.fullmatch(r"list\[(.+)\]", type_name):
        if not isinstance(value, list):
            yield path, f"{describe_value(value)}; write a list"
            return
        for index, entry in enumerate(value):
            yield from _type_violations(match[1], entry, (*path, index))
    elif match := re.fullmatch(r"map\[(.+)\]", type_name):
        if not isinstance(value, dict):
            yield path, f"{describe_value(value)}; write keys and values below it"
            return
        for key, entry in value.items():
            yield from _type_violations(match[1], entry, (*path, key))
    elif type_name in _SCALARS:
        wanted, words = _SCALARS[type_name]
        right = isinstance(value, wanted) and (not isinstance(value, bool) or bool in wanted)
        if not right or (type_name == "quantity" and not _QUANTITY.fullmatch(str(value))):
            yield path, f"{describe_value(value)}; write {words}"
    else:
        yield from _violations(type_name, value, path)
