"""The values of `hub.traits`, validated by the classes of JupyterHub that read them.

JupyterHub takes seconds to import, so this happens only for a site that sets a trait, and only where JupyterHub is installed.
The schema lists the classes too.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from jld.rules.rule import Violations
from jld.rules.traits import pod_types
from jld.rules.traits.owned import OWNED, TRAITS

# Where the hub's classes are. A trait of a class that they inherit from is written below the class that stands here.
CLASSES = {
    "JupyterHub": "jupyterhub.app",
    "KubeSpawner": "kubespawner",
    "Authenticator": "jupyterhub.auth",
    "GitHubOAuthenticator": "oauthenticator.github",
    "CryptKeeper": "jupyterhub.crypto",
}
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
_TYPES_IN_YAML = {
    "a unicode string": "text in quotes",
    "an int": "a whole number",
    "a float": "a number",
    "a boolean": "true or false",
    "a dict": "keys and values below it",
}


def are_installed() -> bool:
    """Whether the classes can be asked."""
    from importlib.util import find_spec

    return all(find_spec(module.split(".")[0]) for module in CLASSES.values())


def violations(traits: Mapping[str, Any]) -> Violations:
    """What the classes would refuse, or pass over without a word. Unknown classes are the schema's matter."""
    for class_name, chosen in traits.items():
        if class_name not in CLASSES or not isinstance(chosen, dict):
            continue
        cls = getattr(import_module(CLASSES[class_name]), class_name)
        for name, value in chosen.items():
            for below, sentence in _trait_violations(cls, class_name, name, value):
                yield (*TRAITS, class_name, name, *below), sentence


def _trait_violations(cls: Any, class_name: str, name: str, value: Any) -> Violations:
    """What is wrong with one trait, and where below it."""
    if name in OWNED[class_name]:
        return
    known = cls.class_traits(config=True)
    if name not in known:
        free = [other for other in known if other not in OWNED[class_name]]
        close = difflib.get_close_matches(name, free, n=1) or difflib.get_close_matches(name.lower(), free, n=1)
        hint = f"did you mean {close[0]}?" if close else "see JupyterHub's documentation, or remove it"
        yield (), f"{class_name} has no such trait; {hint}"
        return
    sentence = wrong_value(cls, known[name], name, value)
    if sentence:
        yield (), f"{pod_types.describe_value(value)}; {sentence}"
        return
    for index, entry in enumerate(value if name in _POD_TYPES else ()):
        yield from pod_types.violations(_POD_TYPES[name], entry, (index,))
    for key, text in value.items() if name in _MAPS_OF_TEXT else ():
        if not isinstance(text, str):
            yield (key,), f"{pod_types.describe_value(text)}; write text in quotes"
        elif name == "node_selector" and not pod_types.LABEL_VALUE.fullmatch(text):
            yield (key,), f"{pod_types.describe_value(text)}; write the value of a node's label"


def wrong_value(cls: Any, trait: Any, name: str, value: Any) -> str | None:
    """Why a trait of the class does not take the value, as the remedy."""
    from traitlets import TraitError

    if name.endswith("_hook"):
        return "a hook is a Python function, which is written in hub.extraConfig"
    holder = cls.__new__(cls)  # with its defaults, and without being started
    validate = getattr(trait, "validate", None)  # a trait that takes anything has none
    try:
        if validate:
            validate(holder, value)
        if isinstance(value, bool) and trait.info() in ("an int", "a float"):  # Python counts True as 1
            return f"write {_in_yaml_terms(trait.info())}"
    except TraitError as error:
        message = str(error).rstrip(".")
        return f"write {_in_yaml_terms(trait.info())}" if "expected" in message or "must be" in message else message
    except Exception as error:
        return f"{cls.__name__} does not accept it: {error}"
    return None


def _in_yaml_terms(wanted: str) -> str:
    for python, yaml in _TYPES_IN_YAML.items():
        wanted = wanted.replace(python, yaml)
    return wanted
