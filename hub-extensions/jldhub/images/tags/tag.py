"""A tag of a repository as it was understood: its class, its label, and its place among the others."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

ALIAS, RELEASE, WEEKLY, DAILY, CANDIDATE, EXPERIMENTAL = (
    "alias",
    "release",
    "weekly",
    "daily",
    "candidate",
    "experimental",
)
OTHER = "other"  # not understood: never in the menu
CLASSES = (ALIAS, RELEASE, WEEKLY, DAILY, CANDIDATE, EXPERIMENTAL)  # in the order of the menu

# As a registry accepts it (the OCI distribution specification). No other name can be pulled.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# A closed list: any other ending is a part of the version, as in 3.7.1-rc2.
_ARCHITECTURE = re.compile(r"(.+)-(amd64|arm64|arm64v8|armv7|aarch64|ppc64le|riscv64|s390x|x86_64)")

Stage = tuple[tuple[int, int, str], ...]
FINAL: Stage = ((2, 0, ""),)  # after every pre-release of the same version


class Version(NamedTuple):
    """What tags of one class are ordered by, the newest one being the greatest. What a tag does not have is the smallest."""

    numbers: tuple[int, ...] = ()
    stage: Stage = FINAL
    cycle: int = -1
    cycle_build: int = -1
    build: int = -1
    extra: str = ""


NO_VERSION = Version()


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag.

    An image for a single `architecture` is one part of a tag without it, so no menu lists it. `stands_for` is the name of the tag whose
    image an alias has, where that is known.
    """

    name: str
    tag_class: str
    label: str
    version: Version = NO_VERSION
    architecture: str = ""
    stands_for: str = ""

    @property
    def listed(self) -> bool:
        """Whether a menu may list it."""
        return self.tag_class != OTHER and not self.architecture


def is_tag(name: object) -> bool:
    """Whether a registry can have a tag of this name."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def other(name: str) -> Tag:
    """A tag that was not understood. It may still be pinned, or asked for by its name."""
    return Tag(name, OTHER, name, architecture=split_architecture(name)[1])


def split_architecture(name: str) -> tuple[str, str]:
    """`w_2026_21-arm64` as `w_2026_21` and `arm64`. The second is empty where the name has none."""
    found = _ARCHITECTURE.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def pre_release(text: str) -> Stage | None:
    """The stage of `rc.10`, as Semantic Versioning compares it: numbers as numbers, and below words. None for what is none."""
    parts = text.split(".")
    if not all(parts):
        return None
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def in_order(tags: Iterable[Tag], classes: Iterable[str]) -> tuple[Tag, ...]:
    """The tags by class, in the order of `classes`, and the newest of each first.

    The order is by version and never by time of push: who pushes an old tag again makes nothing new. It is total, because no two tags of
    a repository have one name.
    """
    rank = {tag_class: place for place, tag_class in enumerate((*classes, OTHER))}

    def key(tag: Tag) -> tuple[int, Version, bool, str]:
        return -rank[tag.tag_class], tag.version, not tag.architecture, tag.name

    return tuple(sorted(tags, key=key, reverse=True))
