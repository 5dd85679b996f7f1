"""The values of `hub.traits`, compared with what the classes of JupyterHub take that read them. The schema lists the classes too."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from jld.rules.rule import Violations
from jld.rules.traits import accepting, hub_image, pod_types, using
from jld.rules.traits.owned import CLASSES, NOT_LEFT, OWNED, TRAITS
from jld.support.key_paths import value_at

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

_NAMES = {
    "priority_class_name": "the name of a PriorityClass, like labs",
    "scheduler_name": "the name of a scheduler, like default-scheduler",
}
_KEY = "write letters, digits, -, _ and ., after a prefix like example.org/ if it has one"
_LABELS = ("node_selector", "storage_extra_labels", "user_namespace_labels")
_MAPS_OF_TEXT = (
    "environment",
    "extra_annotations",
    "storage_extra_annotations",
    "user_namespace_annotations",
    *_LABELS,
)


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
    wrong = list(accepting.faults(name, known[name], value)) or list(using.faults(name, known[name], value))
    yield from wrong or _kubernetes_violations(name, value)


def _kubernetes_violations(name: str, value: Any) -> Violations:
    """What the Kubernetes API would say when a lab starts."""
    for path, entry in _entries(value) if name in _POD_TYPES else ():
        yield from pod_types.violations_in_python_names(_POD_TYPES[name], entry, path)
    if name == "image_pull_policy":
        yield from pod_types.violations_of_key("V1Container", "imagePullPolicy", value)
    if name == "lifecycle_hooks":
        yield from pod_types.violations_in_python_names("V1Lifecycle", value)
    if name in _NAMES and value and not pod_types.OBJECT_NAME.fullmatch(value):
        yield (), f"{pod_types.describe_value(value)}; write {_NAMES[name]}"
    if name in ("extra_resource_limits", "extra_resource_guarantees"):
        yield from pod_types.resource_violations(value)
    if name == "group_overrides":
        yield from _override_violations(value)
    for key, text in value.items() if name in _MAPS_OF_TEXT else ():
        if name != "environment" and not pod_types.LABEL_KEY.fullmatch(str(key)):
            yield (key,), f"Kubernetes takes no such key; {_KEY}"
        if not isinstance(text, str):
            yield (key,), f"{pod_types.describe_value(text)}; write text in quotes"
        elif (
            name in _LABELS
            and not pod_types.LABEL_VALUE.fullmatch(text)
            and (name == "node_selector" or "{" not in text)
        ):
            whose = " a node's" if name == "node_selector" else " a"
            yield (key,), f"{pod_types.describe_value(text)}; write the value of{whose} label"


def _override_violations(value: Any) -> Violations:
    """`group_overrides`: who is meant, and traits again."""
    for key, each in value.items():
        groups, traits = value_at(each, "groups"), value_at(each, "spawner_override")
        if not isinstance(groups, list) or not isinstance(traits, dict):
            yield (key,), "KubeSpawner needs a list groups and a map spawner_override here; write both"
            continue
        for name, chosen in traits.items():
            if name in OWNED["KubeSpawner"]:
                yield (key, "spawner_override", name), NOT_LEFT.format(OWNED["KubeSpawner"][name])
            for path, sentence in _trait_violations("KubeSpawner", name, chosen):
                yield (key, "spawner_override", name, *path), sentence


def _entries(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Those of a list, or of a map, by which a site may name them."""
    yield from (((key,), entry) for key, entry in (value.items() if isinstance(value, dict) else enumerate(value)))
