"""Where pods run and what they carry: `pod` of each part, and placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jld.rules.rule import Rule, Violations
from jld.rules.traits import pod_types
from jld.schema.suggestions import nearest_name
from jld.support.key_paths import JsonMap, KeyPath, list_at, map_at, value_at

PODS: tuple[KeyPath, ...] = (
    *((part, "pod") for part in ("global", "hub", "nginx", "firefly", "storage", "prepuller", "logging")),
    *(("hub", "lab", "pod"), ("storage", "nfs", "pod"), ("logging", "filebeat", "pod")),
)

_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_WHEN = "DuringSchedulingIgnoredDuringExecution"


def _pods(effective: JsonMap, key: str) -> Iterator[tuple[KeyPath, object]]:
    for path in PODS:
        if (value := value_at(effective, *path, key)) is not None:
            yield (*path, key), value


def affinity_is_kubernetes_own(effective: JsonMap) -> Violations:
    """`affinity` of each `pod` is one that Kubernetes takes."""
    for path, affinity in _pods(effective, "affinity"):
        known = {
            kind: {when: each for when, each in map_at(affinity, kind).items() if when.endswith(_WHEN)}
            for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity")  # others are the schema's matter
        }
        if any(known.values()):
            yield from pod_types.violations("V1Affinity", known, path)


def affinity_names_what_there_may_be(effective: JsonMap) -> Violations:
    """Names and values of labels, weights and namespaces in `affinity` of each `pod` are such as Kubernetes takes."""
    for path, affinity in _pods(effective, "affinity"):
        yield from _fine_print(affinity, path)


def _fine_print(value: object, path: KeyPath) -> Violations:
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _fine_print(each, (*path, index))
    if not isinstance(value, dict):
        return
    weight, key, values = value.get("weight"), value.get("key"), list_at(value, "values")
    if isinstance(weight, int) and not 1 <= weight <= 100:
        yield (*path, "weight"), f"found {weight}; write a whole number from 1 to 100"
    for name, text in (("topologyKey", value.get("topologyKey")), ("key", key if "operator" in value else None)):
        if isinstance(text, str) and not pod_types.LABEL_KEY.fullmatch(text):
            yield (*path, name), f'no label is called "{text}"; write one like topology.kubernetes.io/zone'
    labels = {("matchLabels", name): text for name, text in map_at(value, "matchLabels").items()}
    if "matchFields" not in path and value.get("operator") in ("In", "NotIn"):
        labels |= {("values", index): text for index, text in enumerate(values)}  # type: ignore[misc]
    for below, text in labels.items():
        if below[0] == "matchLabels" and not pod_types.LABEL_KEY.fullmatch(str(below[1])):
            yield (*path, *below), f'no label is called "{below[1]}"; write one like app.kubernetes.io/name'
        elif isinstance(text, str) and not pod_types.LABEL_VALUE.fullmatch(text):
            yield (*path, *below), f'no label has the value "{text}"; write letters, digits, -, _ and . without blanks'
    for index, text in enumerate(list_at(value, "namespaces")):
        if isinstance(text, str) and not _NAMESPACE.fullmatch(text):
            yield (*path, "namespaces", index), f'no namespace is called "{text}"; write its name'
    for name, each in value.items():
        yield from _fine_print(each, (*path, name))


def spread_says_one_thing_of_each_place(effective: JsonMap) -> Violations:
    """No two entries of a `topologySpread` have the same `topologyKey` and `whenUnsatisfiable`, which Kubernetes refuses."""
    for path, spread in _pods(effective, "topologySpread"):
        seen = set()
        for index, entry in enumerate(list_at(spread)):
            pair = (value_at(entry, "topologyKey"), value_at(entry, "whenUnsatisfiable"))
            if not all(isinstance(each, str) for each in pair):
                continue  # the schema's matter
            if pair in seen:
                sentence = f"{pair[0]} with {pair[1]} is an earlier entry's already; leave one out"
                yield (*path, index, "topologyKey"), sentence
            seen.add(pair)


def placeholders_are_of_sizes(effective: JsonMap) -> Violations:
    """The names in `hub.lab.placeholders.counts` are those of `hub.lab.sizes`."""
    sizes = map_at(effective, "hub", "lab", "sizes")
    for name in map_at(effective, "hub", "lab", "placeholders", "counts"):
        if sizes and name not in sizes:
            close = nearest_name(name, list(sizes))
            hint = f"did you mean {close}?" if close else f"write one of {', '.join(sizes)}"
            path = ("hub", "lab", "placeholders", "counts", name)
            yield path, f'there is no size "{name}" in hub.lab.sizes; {hint}'


RULES: tuple[Rule, ...] = (
    *(affinity_is_kubernetes_own, affinity_names_what_there_may_be),
    *(spread_says_one_thing_of_each_place, placeholders_are_of_sizes),
)
WARNINGS: tuple[Rule, ...] = ()
