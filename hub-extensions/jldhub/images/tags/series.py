"""The tags of one repository, of which a menu shows the newest first: their order, what aliases stand for, what is found by a word."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from jldhub.images.tags.grammar import Grammar
from jldhub.images.tags.tag import ALIAS, OTHER, Tag, Version, in_order

RECOMMENDED = "recommended"  # finds what the site recommends, whatever its name is
LATEST = "latest-"  # finds the newest of a class: latest-weekly

_UNGIVEN = Version((-(10**6),))  # after the aliases that have a place


@dataclass(frozen=True)
class Series:
    """`tags` are all, in the order of the menu: by class, the newest of each first, and at the end what was not understood.

    `digests` are those that are known, by tag. `recommended` is the name of a tag, or empty.
    """

    tags: tuple[Tag, ...]
    recommended: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls, names: Iterable[str], grammar: Grammar, recommended: str = "", digests: Mapping[str, str] | None = None
    ) -> Self:
        """The series of these tags. Never raises: a name that cannot be understood is in no menu."""
        digests = digests or {}
        tags = [grammar.tag(name, recommended) for name in sorted(set(names))]
        first: dict[str, Tag] = {}  # the best name of each image: the first one in the menu
        for tag in in_order((tag for tag in tags if tag.listed and tag.tag_class != ALIAS), grammar.classes):
            if tag.name in digests:
                first.setdefault(digests[tag.name], tag)
        tags = [_resolved(tag, first.get(digests.get(tag.name, ""))) for tag in tags]
        return cls(in_order(tags, (ALIAS, *grammar.classes)), recommended, digests)

    @cached_property
    def listed(self) -> tuple[Tag, ...]:
        """What a menu may list: neither what was not understood, nor images for one architecture."""
        return tuple(tag for tag in self.tags if tag.listed)

    def newest(self, tag_class: str, number: int) -> tuple[Tag, ...]:
        """The newest of a class. Fewer where there are fewer."""
        return tuple(tag for tag in self.listed if tag.tag_class == tag_class)[:number]

    def first(self, newest: Mapping[str, int], pins: Sequence[str] = ()) -> tuple[Tag, ...]:
        """What is shown first and pulled first: what is recommended, the pins as they are given, then so many of each class.

        A tag that an alias among them stands for is not shown a second time. A pin that the repository does not have is left out.
        """
        chosen = [tag for tag in map(self.tag, (self.recommended, *pins)) if tag]
        of_classes = {tag.name for tag_class, number in newest.items() for tag in self.newest(tag_class, number)}
        chosen += [tag for tag in self.tags if tag.name in of_classes]
        shown = {tag.stands_for for tag in chosen}
        return tuple({tag.name: tag for tag in chosen if tag.name not in shown}.values())

    def tag(self, name: str) -> Tag | None:
        """The tag of this name, or None where the repository does not have it (any more)."""
        return self._by_name.get(name)

    def find(self, word: str) -> Tag | None:
        """What somebody asks for: a tag by its name, `recommended`, or the newest of a class as `latest-weekly`. None where there is none."""
        if tag := self.tag(word):
            return tag
        if word == RECOMMENDED:
            return self.tag(self.recommended)
        if word.startswith(LATEST):
            return next(iter(self.newest(word.removeprefix(LATEST), 1)), None)
        return None

    @cached_property
    def _by_name(self) -> dict[str, Tag]:
        return {tag.name: tag for tag in self.tags}


def _resolved(tag: Tag, target: Tag | None) -> Tag:
    """An alias with what it stands for, as in `Recommended (Weekly 2026_21)`. An unknown name of a known image is an alias, too."""
    if target is None or tag.architecture or tag.tag_class not in (ALIAS, OTHER):
        return tag
    label, version = (tag.label, tag.version) if tag.tag_class == ALIAS else (tag.name, _UNGIVEN)
    return replace(tag, tag_class=ALIAS, label=f"{label} ({target.label})", version=version, stands_for=target.name)
