"""What manifests of images say: for which architectures an index has parts, and how much is pulled of one."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jldhub.images.registry.answers import NO_REGISTRY
from jldhub.images.registry.errors import RegistryAnswerUnusable
from jldhub.images.registry.reference import is_digest

_PARTS = 32  # of an index that are looked at; each is a request
_LAYERS = 1000  # runtimes take fewer
_LARGEST = 2**50  # bytes, more than any node has
_ARCHITECTURE = re.compile(r"[a-z0-9_]{1,32}")


def is_architecture(text: str) -> bool:
    """As Go and Kubernetes name it: `amd64`."""
    return _ARCHITECTURE.fullmatch(text) is not None


def is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


def parts_of(index: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """Architectures and digests of the parts for Linux. Raises RegistryAnswerUnusable."""
    entries = index["manifests"]
    if not isinstance(entries, list):
        raise _unusable(place, "its index does not list manifests")
    for entry in entries[:_PARTS]:
        platform = entry.get("platform") if isinstance(entry, dict) else None
        if not isinstance(platform, dict):
            continue  # it says of no platform, so no node is sent to it
        system, architecture, digest = platform.get("os"), platform.get("architecture"), entry.get("digest")
        if system != "linux" or not isinstance(architecture, str) or not is_architecture(architecture):
            continue  # another system, or an attestation
        if not isinstance(digest, str) or not is_digest(digest):
            raise _unusable(place, "its index has a part without a digest")
        yield architecture, digest


def size_of(manifest: Mapping[str, Any], place: str) -> int:
    """Bytes of the configuration and all layers. Raises RegistryAnswerUnusable."""
    layers = manifest.get("layers")
    if not isinstance(layers, list) or len(layers) > _LAYERS:
        raise _unusable(place, "its manifest does not list layers")
    sizes = [each.get("size") if isinstance(each, dict) else None for each in (manifest.get("config"), *layers)]
    total: int = sum(size for size in sizes if size) if all(map(is_size, sizes)) else -1
    if not is_size(total):
        raise _unusable(place, "its manifest does not tell sizes")
    return total


def _unusable(place: str, cause: str) -> RegistryAnswerUnusable:
    return RegistryAnswerUnusable(place, cause, NO_REGISTRY)
