"""Bounds of a rule in words: which one is broken, where the phrase about what is accepted does not name it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from jld.support.key_paths import JsonMap

_BROKEN = {
    "minimum": "less than {}",
    "maximum": "more than {}",
    "minLength": "shorter than {} characters",
    "maxLength": "longer than {} characters",
    "minItems": "fewer than {} entries",
    "maxItems": "more than {} entries",
    "maxProperties": "more than {} keys",
}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)")
_LEAST = ("0.001", "0.01", "0.1", "1")


def broken(keyword: str, bound: Any, value: object, rule: JsonMap, is_valid: Callable[[str], bool]) -> str:
    """`, which is more than 4096`, to follow upon the value; nothing where the rest of the sentence says it."""
    accepted = str(rule.get("x-accepted", ""))
    quantity = _QUANTITY.fullmatch(value) if keyword == "pattern" and isinstance(value, str) else None
    if quantity:
        return _of_quantity(quantity[1], quantity[2], accepted, is_valid)
    if keyword not in _BROKEN or str(bound) in re.findall(r"[0-9]+(?:\.[0-9]+)?", accepted):
        return ""
    return ", which is " + _BROKEN[keyword].format(bound)


def _of_quantity(number: str, unit: str, accepted: str, is_valid: Callable[[str], bool]) -> str:
    """The same for a number with its unit, whose pattern accepts other numbers with this unit."""
    most = next((text for text in (f"{'9' * n}{unit}" for n in range(12, 0, -1)) if is_valid(text)), "")
    least = next((text for text in (f"{each}{unit}" for each in _LEAST) if is_valid(text)), "")
    if most and most not in accepted and float(number) > float(most.removesuffix(unit)):
        return f", which is more than {most}"
    if least and least not in accepted and float(number) < float(least.removesuffix(unit)):
        return f", which is less than {least}"
    return ""


def remedy(keyword: str, value: Any, rule: JsonMap) -> str:
    """What to write, where the schema has no phrase of its own for it."""
    match keyword:
        case "enum":
            *others, last = map(_shown, value)
            return f"write {', '.join(others)} or {last}" if others else f"write {last}"
        case "const":
            return f"write {_shown(value)}"
        case "minimum" | "maximum":
            return f"write a number{_range(rule)}"
        case "maxItems" | "maxProperties" | "maxLength":
            return f"at most {value} are accepted"
        case "minItems" | "minLength":
            return f"at least {value} are needed"
        case "type" if value == "boolean":
            return "write true or false"
        case "type" if value in ("integer", "number"):
            return f"write a number{_range(rule)}"
    return "it is not accepted here; `jld explain` with this key says what is"


def _range(rule: JsonMap) -> str:
    least, most = rule.get("minimum"), rule.get("maximum")
    return (f" from {least}" if least is not None else "") + (f" to {most}" if most is not None else "")


def _shown(value: object) -> str:
    """A value as YAML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else '""'
