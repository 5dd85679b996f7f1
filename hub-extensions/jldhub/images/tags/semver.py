"""Tags by Semantic Versioning: `4.10.0`, `v1.2`, and `1.2.3-rc.10`, a candidate."""

import re

from jldhub.images.tags.tag import CANDIDATE, FINAL, RELEASE, Tag, Version, pre_release, split_architecture

CLASSES = (RELEASE, CANDIDATE)

_VERSION = re.compile(r"v?([0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:-([0-9A-Za-z.-]+))?")


def read(name: str) -> Tag | None:
    """The tag of this name, or None where it is no version."""
    plain, architecture = split_architecture(name)
    found = _VERSION.fullmatch(plain)
    if not found:
        return None
    numbers = tuple(map(int, found[1].split(".")))
    if not found[2]:
        return Tag(name, RELEASE, found[1], Version(numbers, FINAL), architecture)
    stage = pre_release(found[2])
    if stage is None or len(numbers) < 3:
        return None
    return Tag(name, CANDIDATE, f"{found[1]}-{found[2]}", Version(numbers, stage), architecture)
