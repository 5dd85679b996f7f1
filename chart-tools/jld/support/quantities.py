"""Kubernetes quantities as numbers, and amounts of memory as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import floor
from typing import Any

_SUFFIXES = {"": 1.0, "m": 1e-3, "k": 1e3} | {
    letter + i: float(base**power) for power, letter in enumerate("KMGTPE", 1) for i, base in (("", 1000), ("i", 1024))
}
_UNITS = ("Mi", "Gi", "Ti", "Pi")
_MANY = 10**6  # more digits than that nobody reads


def amount(quantity: Any) -> float | None:
    """A Kubernetes quantity as a number, or None for what is not one."""
    if isinstance(quantity, bool) or not isinstance(quantity, int | float | str):
        return None
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(quantity))
    try:
        return float(match[1]) * _SUFFIXES[match[2]] if match else None
    except (ValueError, KeyError):
        return None


def memory(size: float, rounded: Callable[[float], int] = floor) -> str:
    """So many bytes, in the largest unit that holds them exactly, else rounded in the finest one that stays short."""
    counts = {unit: size / _SUFFIXES[unit] for unit in _UNITS}
    whole = [unit for unit, count in counts.items() if count == int(count) and 0 < count < _MANY]
    short = [unit for unit, count in counts.items() if rounded(count) < _MANY]
    unit = whole[-1] if whole else (*short, _UNITS[-1])[0]
    return f"{rounded(counts[unit])}{unit}"


def shortest(number: float) -> int | float:
    """Without a fraction where there is none."""
    return int(number) if number == int(number) else number


def seconds(duration: Any) -> int | None:
    """A duration of the values as seconds, or None for what is not one."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", duration) if isinstance(duration, str) else None
    return int(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[match[2]] if match else None
