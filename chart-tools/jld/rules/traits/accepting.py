"""Whether a trait takes a value, as its description in the table says."""

from __future__ import annotations

from jld.rules.rule import Violations
from jld.rules.traits.pod_types import describe_value
from jld.support.key_paths import JsonMap, KeyPath

_HOOK = "a hook is a Python function, which is written in hub.extraConfig"
_FUNCTIONS = ("Callable", "Instance")  # what no YAML holds
_PHRASES = {
    "Bool": "true or false",
    "Dict": "keys and values below it",
    "Float": "a number",
    "Int": "a whole number",
    "Unicode": "text in quotes",
    **dict.fromkeys(("Command", "List", "Set"), "a list"),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "Bool": (bool,),
    "Dict": (dict,),
    "Float": (int, float),
    "Int": (int,),
    "Unicode": (str,),
    "Command": (list, str),
    "List": (list,),
    "Set": (list,),
}


def faults(name: str, described: JsonMap, value: object, path: KeyPath = ()) -> Violations:
    """Why the trait `name` does not take the value: where below it, and what to write."""
    if name.endswith("_hook") and value is not None:
        yield path, f"{describe_value(value)}; {_HOOK}"
    else:
        yield from _faults(described, value, path)


def _faults(described: JsonMap, value: object, path: KeyPath) -> Violations:
    kind = described["kind"]
    if kind in ("Any", "CUnicode") or (value is None and described.get("null")):
        return
    if kind == "Union":
        if all(any(_faults(each, value, path)) for each in described["any"]):
            yield path, f"{describe_value(value)}; write {_phrase(described)}"
    elif not _is_taken(described, value):
        yield path, f"{describe_value(value)}; write {_phrase(described)}"
    elif isinstance(value, list):
        for index, each in enumerate(value):
            if kind == "Set" and isinstance(each, list | dict):
                yield (*path, index), f"{describe_value(each)}; write text in quotes"
            elif "entries" in described:
                yield from _faults(described["entries"], each, (*path, index))
    elif isinstance(value, dict) and "values" in described:
        for key, each in value.items():
            yield from _faults(described["values"], each, (*path, key))


def _is_taken(described: JsonMap, value: object) -> bool:
    kind: str = described["kind"]
    if kind == "Enum":
        return not isinstance(value, bool) and bool(value in described["of"])
    if kind == "Int" and isinstance(value, float) and value.is_integer():
        return _is_taken(described, int(value))
    if not isinstance(value, _TYPES.get(kind, ())):
        return False
    if isinstance(value, bool):
        return kind == "Bool"  # Python counts True as 1
    if kind == "Command":
        return value != []
    if isinstance(value, int | float):
        return bool(described.get("least", value) <= value <= described.get("most", value))
    return True


def _phrase(described: JsonMap) -> str:
    kind = described["kind"]
    if kind == "Enum":
        *others, last = map(str, described["of"])
        return f"{', '.join(others)} or {last}"
    if kind == "Union":
        return " or ".join(_phrase(each) for each in described["any"] if each["kind"] not in _FUNCTIONS)
    limits = [f"{word} {described[name]}" for name, word in (("least", "from"), ("most", "to")) if name in described]
    return " ".join((_PHRASES.get(kind, "nothing, for it is a Python object: set it in hub.extraConfig"), *limits))
