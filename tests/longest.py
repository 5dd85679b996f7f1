"""Which groups of tests took longest: a run is as long as the longest of what one process does after each other."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import PurePath

from tests.groups import group_of

GROUPS, MODULES = 12, 6


def longest(seconds: Mapping[str, float]) -> list[str]:
    """A line for each of the `GROUPS` longest groups, with its longest modules. `seconds` by the node id of a test."""
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for node_id, duration in seconds.items():
        groups[group_of(node_id)][PurePath(node_id.partition("::")[0]).stem] += duration  # type: ignore[assignment]
    by_length = sorted(groups.items(), key=lambda group: -group[1].total())[:GROUPS]
    return [f"{modules.total():5.0f} s  {name}{_parts(modules)}" for name, modules in by_length]


def _parts(modules: Counter[str]) -> str:
    if len(modules) == 1:
        return ""
    return ": " + ", ".join(f"{module} {seconds:.0f} s" for module, seconds in modules.most_common(MODULES))
