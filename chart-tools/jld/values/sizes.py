"""The sizes of labs that follow from a ladder, the quota that follows from the largest of them, and what placeholders request.

All are computed here and nowhere else: the values that are installed hold the results, and chart and hub read those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from jld.schema.validation import key_rule
from jld.schema.validator import is_valid
from jld.site.tree import Node, coalesce, drop, find, merge, plain, put, tree
from jld.support.key_paths import JsonMap, KeyPath, value_at
from jld.support.quantities import amount, memory, shortest

SIZES: KeyPath = ("hub", "lab", "sizes")
LADDER: KeyPath = ("hub", "lab", "ladder")
QUOTA: KeyPath = ("hub", "lab", "quota")
SIZE_RANGE: KeyPath = ("hub", "lab", "sizeRange")
PLACEHOLDERS: KeyPath = ("hub", "lab", "placeholders", "counts")


def ladder(names: Sequence[str], smallest_cpu: float, memory_per_cpu: str) -> JsonMap:
    """Each size has twice the cores of the one before, and memory by the core."""
    per_core = amount(memory_per_cpu) or 0.0
    cores = [smallest_cpu * 2**step for step in range(len(names))]
    return {
        name: {"cpu": shortest(round(each, 3)), "memory": memory(each * per_core)}
        for name, each in zip(names, cores, strict=True)
    }


def quota(labs: int, sizes: Mapping[str, JsonMap]) -> JsonMap:
    """What so many labs of the largest size use."""
    cpu, size = (max(amount(each[kind]) or 0.0 for each in sizes.values()) for kind in ("cpu", "memory"))
    return {"cpu": shortest(round(labs * cpu, 3)), "memory": memory(labs * size, ceil)}


def guarantee(size: JsonMap, size_range: float) -> JsonMap:
    """What is guaranteed to a lab of a size, where nothing is written: its limit divided by `hub.lab.sizeRange`."""
    cpu, bytes_of_it = ((amount(size[kind]) or 0.0) / size_range for kind in ("cpu", "memory"))
    whole = memory(bytes_of_it, ceil)
    return {
        "guaranteedCpu": shortest(max(round(cpu, 3), 0.001)),
        "guaranteedMemory": whole if (amount(whole) or 0) <= (amount(size["memory"]) or 0) else size["memory"],
    }


def with_computed_sizes(site: Node, schema: JsonMap, defaults: JsonMap) -> Node:
    """`site` with sizes in place of its ladder, amounts in place of `hub.lab.quota.labs`, and guarantees of sizes that have placeholders.

    What is wrong in itself stays as it is, for the schema to say.
    """
    return _with_guarantees(_with_quota(_with_sizes(site, schema, defaults), schema, defaults), schema, defaults)


def _with_sizes(site: Node, schema: JsonMap, defaults: JsonMap) -> Node:
    node, own = find(site, LADDER), find(site, SIZES) or Node({})
    if node is None or not isinstance(node.value, dict) or not isinstance(own.value, dict):
        return site
    rule = key_rule(schema, LADDER)
    given = {name: plain(each) for name, each in node.value.items() if each.value is not None}
    chosen = {name: each["default"] for name, each in rule["properties"].items()} | given
    if not is_valid(chosen, rule, schema):
        return site
    steps = ladder(chosen["names"], chosen["smallestCpu"], chosen["memoryPerCpu"])
    usual = value_at(defaults, *SIZES)
    sizes = merge(_placed({name: steps.get(name) for name in (*usual, *steps)}, node), own)
    # A null takes a size of the chart away; what was a step of the ladder only is just left out.
    remaining = {name: each for name, each in _children(sizes).items() if each.value is not None or name in usual}
    return put(drop(site, LADDER), SIZES, Node(remaining, own.place, own.key_place or node.key_place))


def _with_quota(site: Node, schema: JsonMap, defaults: JsonMap) -> Node:
    effective = coalesce(defaults, plain(site))
    chosen, sizes = (value_at(effective, *path) for path in (QUOTA, SIZES))
    if not all(is_valid(each, key_rule(schema, path), schema) for each, path in ((chosen, QUOTA), (sizes, SIZES))):
        return site
    node = find(site, (*QUOTA, "labs"))
    if node is None or not chosen["labs"]:
        return site
    for name, each in quota(chosen["labs"], sizes).items():
        site = put(site, (*QUOTA, name), _placed(each, node))
    return drop(site, (*QUOTA, "labs"))


def _with_guarantees(site: Node, schema: JsonMap, defaults: JsonMap) -> Node:
    """What the hub would work out: a template divides no quantities."""
    effective = coalesce(defaults, plain(site))
    paths = (SIZES, SIZE_RANGE, PLACEHOLDERS)
    sizes, size_range, counts = (value_at(effective, *path) for path in paths)
    if not all(is_valid(value_at(effective, *path), key_rule(schema, path), schema) for path in paths):
        return site
    for name in counts:
        node = find(site, (*PLACEHOLDERS, name))
        if node is None or name not in sizes:  # a rule says what is wrong with the name
            continue
        for key, each in guarantee(sizes[name], size_range).items():
            if key not in sizes[name]:
                site = put(site, (*SIZES, name, key), _placed(each, node))
    return site


def _children(node: Node) -> Mapping[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def _placed(data: Any, source: Node) -> Node:
    """`data`, which nobody wrote, at the place of what it follows from."""
    node = tree(data)
    children = {name: _placed(plain(child), source) for name, child in _children(node).items()}
    return Node(children or node.value, source.place, source.key_place)
