"""Tags by date: `2024-11-19`, `2024.11.05`, `20240101`, and `2024-10-07-2`, the second build of a day. Each is a release."""

import re
from datetime import date

from jldhub.images.tags.tag import RELEASE, Tag, Version, split_architecture

CLASSES = (RELEASE,)

_DATE = re.compile(r"v?(20[0-9]{2})([.-]?)([0-9]{2})\2([0-9]{2})(?:[.-]([0-9]{1,9}))?")


def read(name: str) -> Tag | None:
    """The tag of this name, or None where it is no date."""
    plain, architecture = split_architecture(name)
    found = _DATE.fullmatch(plain)
    if not found:
        return None
    year, month, day = int(found[1]), int(found[3]), int(found[4])
    try:
        label = date(year, month, day).isoformat()
    except ValueError:
        return None
    build = -1
    if found[5]:
        build = int(found[5])
        label += f", build {build}"
    return Tag(name, RELEASE, label, Version((year, month, day), build=build), architecture)
