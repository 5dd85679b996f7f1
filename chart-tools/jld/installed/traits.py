"""A trait of a class, described as data, so that whether it takes a value can be said without its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jld.support.key_paths import JsonMap


def described_traits(cls: Any) -> dict[str, JsonMap]:
    """What each trait of a class that a configuration may set takes."""
    return {name: described(trait) for name, trait in sorted(cls.class_traits(config=True).items())}


def described(trait: Any) -> JsonMap:
    """What a trait takes. A kind of trait that is not known here is an error: its description is still to be written."""
    kind = type(trait).__name__
    if kind not in _KINDS:
        raise TypeError(f"{trait.this_class.__name__}.{trait.name}: no description of {kind}; add one")
    return {"kind": kind, **_KINDS[kind](trait), **({"null": True} if trait.allow_none else {})}


def _bounds(trait: Any) -> JsonMap:
    limits = {"least": trait.min, "most": trait.max}
    return {name: limit for name, limit in limits.items() if limit is not None and abs(limit) != float("inf")}


def _entries(trait: Any) -> JsonMap:
    each = getattr(trait, "_trait", None)
    return {"entries": described(each)} if each is not None and type(each).__name__ != "Any" else {}


def _values(trait: Any) -> JsonMap:
    each = trait._value_trait
    return {"values": described(each)} if each is not None and type(each).__name__ != "Any" else {}


def _nothing(_: Any) -> JsonMap:
    return {}


_KINDS: dict[str, Callable[[Any], JsonMap]] = {
    **dict.fromkeys(("Any", "Bool", "Callable", "CUnicode", "Instance", "Unicode"), _nothing),
    **dict.fromkeys(("Int", "Integer", "Float"), _bounds),
    **dict.fromkeys(("List", "Set", "Command"), _entries),
    # What else these hold, a site does not set: jld/rules/traits/owned.py.
    **dict.fromkeys(("ByteSpecification", "Bytes", "EntryPointType", "TraitsClass", "Type", "URLPrefix"), _nothing),
    "Dict": _values,
    "Enum": lambda trait: {"of": list(trait.values)},
    "Union": lambda trait: {"any": [described(each) for each in trait.trait_types]},
}
