"""The values of `hub.traits`, compared with what the classes of JupyterHub take that read them. The schema lists the classes too."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from jld.rules.rule import Violations
from jld.rules.traits import accepting, hub_image, pod_types
from jld.rules.traits.owned import CLASSES, OWNED, TRAITS

# What the Kubernetes API would say about the traits that are pieces of a pod.
_POD_TYPES = {
    "tolerations": "V1Toleration",
    "node_affinity_preferred": "V1PreferredSchedulingTerm",
    "node_affinity_required": "V1NodeSelectorTerm",
    "pod_affinity_preferred": "V1WeightedPodAffinityTerm",
    "pod_affinity_required": "V1PodAffinityTerm",
    "pod_anti_affinity_preferred": "V1WeightedPodAffinityTerm",
    "pod_anti_affinity_required": "V1PodAffinityTerm",
}

_MAPS_OF_TEXT = ("environment", "extra_annotations", "node_selector")


def violations(traits: Mapping[str, Any]) -> Violations:
    """What the classes would refuse, or pass over without a word. Unknown classes are the schema's matter."""
    for class_name, chosen in traits.items():
        if class_name not in CLASSES or not isinstance(chosen, dict):
            continue
        for name, value in chosen.items():
            for below, sentence in _trait_violations(class_name, name, value):
                yield (*TRAITS, class_name, name, *below), sentence


def _trait_violations(class_name: str, name: str, value: Any) -> Violations:
    """What is wrong with one trait, and where below it."""
    if name in OWNED[class_name]:
        return
    known = hub_image.traits(class_name)
    if name not in known:
        free = [other for other in known if other not in OWNED[class_name]]
        close = difflib.get_close_matches(name, free, n=1) or difflib.get_close_matches(name.lower(), free, n=1)
        hint = f"did you mean {close[0]}?" if close else "see JupyterHub's documentation, or remove it"
        yield (), f"{class_name} has no such trait; {hint}"
        return
    wrong = list(accepting.faults(name, known[name], value))
    yield from wrong or _kubernetes_violations(name, value)


def _kubernetes_violations(name: str, value: Any) -> Violations:
    """What the Kubernetes API would say when a lab starts."""
    for path, entry in _entries(value) if name in _POD_TYPES else ():
        yield from pod_types.violations_in_python_names(_POD_TYPES[name], entry, path)
    for key, text in value.items() if name in _MAPS_OF_TEXT else ():
        if not isinstance(text, str):
            yield (key,), f"{pod_types.describe_value(text)}; write text in quotes"
        elif name == "node_selector" and not pod_types.LABEL_VALUE.fullmatch(text):
            yield (key,), f"{pod_types.describe_value(text)}; write the value of a node's label"


def _entries(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Those of a list, or of a map, by which a site may name them."""
    yield from (((key,), entry) for key, entry in (value.items() if isinstance(value, dict) else enumerate(value)))
