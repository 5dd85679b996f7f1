"""Which nodes a pod's nodeAffinity requires, as the scheduler of Kubernetes reads it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def is_meant(node_affinity: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """Whether a node of this name and these labels is one that the affinity requires. Without a requirement, each is."""
    if not (required := node_affinity.get(_REQUIRED)):
        return True
    return any(_matches(term, name, labels) for term in required.get("nodeSelectorTerms") or [])


def _matches(term: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """A term without any expression matches no node."""
    of_labels, of_fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    found = [_holds(each, labels) for each in of_labels] + [_holds(each, {"metadata.name": name}) for each in of_fields]
    return bool(found) and all(found)


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    compare = _OPERATORS.get(expression.get("operator", ""))
    return compare is not None and compare(labels.get(expression.get("key", "")), expression.get("values") or [])


def _number(text: str | None) -> int | None:
    """A whole number as the scheduler takes it."""
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


def _is_above(larger: str | None, smaller: str | None) -> bool:
    left, right = _number(larger), _number(smaller)
    return left is not None and right is not None and left > right


_OPERATORS: dict[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": lambda value, values: _is_above(value, next(iter(values), None)),
    "Lt": lambda value, values: _is_above(next(iter(values), None), value),
}
