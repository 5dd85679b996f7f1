"""Parsers for durations and Kubernetes quantities in values. Each raises ValueError with the remedy."""

import re
from datetime import timedelta
from decimal import Decimal

_DURATION = re.compile(r"([0-9]+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=36500)

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_FACTORS: dict[str | None, Decimal] = {
    None: Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10) ** 3,
    "M": Decimal(1000) ** 2,
    "G": Decimal(1000) ** 3,
    "T": Decimal(1000) ** 4,
    "P": Decimal(1000) ** 5,
    "E": Decimal(1000) ** 6,
    "Ki": Decimal(1024),
    "Mi": Decimal(1024) ** 2,
    "Gi": Decimal(1024) ** 3,
    "Ti": Decimal(1024) ** 4,
    "Pi": Decimal(1024) ** 5,
    "Ei": Decimal(1024) ** 6,
}


def parse_duration(value: object) -> timedelta:
    """`12h` → 12 hours. One number and one unit. The unit is mandatory, so that nobody has to guess it."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or len(match[1]) > 12:
        raise ValueError(f"{value!r} is not a duration; write {_nearest_duration(value)}")
    duration = int(match[1]) * _SECONDS[match[2]]
    if duration > _LONGEST.total_seconds():
        raise ValueError(f"{value!r} is longer than a hundred years; write 0s for never")
    return timedelta(seconds=duration)


def _nearest_duration(value: object) -> str:
    """A suggestion for the error message: the same number with the first letter of the unit."""
    match = re.fullmatch(r"\s*([0-9]{1,6})\s*([smhd])[a-z]*\s*", str(value).lower())
    return f"{match[1]}{match[2]}" if match else "a number and a unit such as 30s, 5m, 12h or 7d"


def parse_quantity(value: object) -> Decimal:
    """`500m` → 0.5, `2Gi` → 2147483648: any Kubernetes quantity above 0."""
    text = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    match = _QUANTITY.fullmatch(text) if len(text) <= 32 else None
    if match is None:
        raise ValueError(f"{value!r} is not a quantity; write a number with an optional unit, such as 0.5, 500m or 2Gi")
    quantity = Decimal(match[1]) * _FACTORS[match[2]]
    if quantity <= 0:
        raise ValueError(f"{value!r} is nothing; write more than 0")
    return quantity


def parse_cpu(value: object) -> float:
    """Cores, rounded to thousandths: Kubernetes has no finer unit of CPU."""
    quantity = parse_quantity(value)
    cores = round(quantity, 3) if quantity <= 4096 else quantity  # Decimal cannot round a number with too many digits
    if not Decimal("0.001") <= cores <= 4096:
        raise ValueError(f"{value!r} is not a number of cores; write cores such as 0.5 or 500m")
    return float(cores)


def parse_memory(value: object) -> int:
    """Bytes. Less than one megabyte is taken for a missing unit: no process starts in it."""
    size = int(parse_quantity(value))
    if size < 10**6:
        raise ValueError(f"{value!r} is less than 1M; write a unit such as 512Mi or 2Gi")
    return size
