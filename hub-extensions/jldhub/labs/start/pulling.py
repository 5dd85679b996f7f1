"""What people are told while the node pulls their lab's image."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jldhub.images.nodes import ImageOnNodes

# The kubelet's event, in all versions.
_PULLING = re.compile(r'Pulling image "(?P<reference>[^"]{1,500})"')


def pull_told(event: Mapping[str, Any], on_nodes: Callable[[str], ImageOnNodes | None]) -> str:
    """A sentence for the event that a pull begins; empty for any other. `on_nodes` gives what is known of an image by its reference."""
    if event.get("reason") != "Pulling":
        return ""
    found = _PULLING.match(event.get("message") or "")
    image = on_nodes(found["reference"]) if found else None
    name, size = (image.title, image.size) if image else ("", "")
    what = f"The image{name and f' {name}'} is being pulled to the node{size and f', {size}'}"
    return f"{what}: it was not there yet. This can take some minutes."
