"""Where pods run and what they carry: `pod` of each part, and placeholders."""

from __future__ import annotations

from collections.abc import Iterator

from jld.rules.rule import Rule, Violations
from jld.rules.traits import pod_types
from jld.schema.validation import nearest_name
from jld.support.key_paths import JsonMap, KeyPath, list_at, map_at, value_at

PODS: tuple[KeyPath, ...] = (
    *((part, "pod") for part in ("global", "hub", "nginx", "firefly", "storage", "prepuller", "logging")),
    *(("hub", "lab", "pod"), ("storage", "nfs", "pod"), ("logging", "filebeat", "pod")),
)

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


RULES: tuple[Rule, ...] = (affinity_is_kubernetes_own, spread_says_one_thing_of_each_place, placeholders_are_of_sizes)
WARNINGS: tuple[Rule, ...] = ()
