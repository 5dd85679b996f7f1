"""The site's own trait values (`hub.traits`), applied on top of JLD's."""

from collections.abc import Mapping
from typing import Any

from traitlets.config import Config


def set_traits(config: Config, traits: Mapping[str, Mapping[str, Any]]) -> None:
    """Set traits by class and name.

    A map is merged into the existing map, such as a lab's environment; other values replace.
    """
    for class_name, values in traits.items():
        section = config[class_name]
        for name, value in values.items():
            existing = section.get(name)
            merge = isinstance(existing, dict) and isinstance(value, dict)
            section[name] = {**existing, **value} if merge else value
