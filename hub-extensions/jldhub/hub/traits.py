"""What a site sets of JupyterHub's own traits, on top of what JLD sets."""

from collections.abc import Mapping
from typing import Any

from traitlets.config import Config


def set_traits(config: Config, traits: Mapping[str, Mapping[str, Any]]) -> None:
    """A map adds to the one that stands there, such as a lab's environment; everything else replaces."""
    for class_name, chosen in traits.items():
        section = config[class_name]
        for name, value in chosen.items():
            before = section.get(name)
            adds = isinstance(before, dict) and isinstance(value, dict)
            section[name] = {**before, **value} if adds else value
