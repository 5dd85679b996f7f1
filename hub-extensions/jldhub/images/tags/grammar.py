"""How the tags of a repository are understood: `lsst`, `semver`, `calendar`, or a site's own expressions, and the aliases beside them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jldhub.images.tags import calendar, expressions, lsst, semver
from jldhub.images.tags.tag import ALIAS, Tag, Version, is_tag, other

LATEST = "latest"

_CYCLE = re.compile(r"(.+)_c([0-9]{4})")  # recommended_c0044: what is recommended with that cycle


@dataclass(frozen=True)
class Grammar:
    """`read` gives the tag of a name, or None where it has none of the `classes`, which are in the order of the menu.

    `aliases` are names that move from one image to another, in their order.
    """

    classes: tuple[str, ...]
    read: Callable[[str], Tag | None]
    aliases: tuple[str, ...] = (LATEST,)

    def tag(self, name: str, recommended: str = "") -> Tag:
        """The tag of any name: an alias is one that has no class of its own, so that a release may be recommended too."""
        if not is_tag(name):
            return other(name)
        return self.read(name) or self._alias(name, recommended) or other(name)

    def _alias(self, name: str, recommended: str) -> Tag | None:
        known = {_base(recommended): 0} if recommended else {}
        for place, alias in enumerate(self.aliases, 1):
            known.setdefault(alias, place)
        base, cycle = _base(name), name.removeprefix(_base(name)).removeprefix("_c")
        if base not in known:
            return None
        label = base.replace("_", " ").replace("-", " ").capitalize() + (f", cycle {cycle}" if cycle else "")
        # In the given order; with a cycle after the one without, and the newest of those first.
        numbers = (-known[base], 0, int(cycle)) if cycle else (-known[base], 1)
        return Tag(name, ALIAS, label, Version(numbers))


def _base(alias: str) -> str:
    found = _CYCLE.fullmatch(alias)
    return found[1] if found else alias


NAMED = {
    "lsst": Grammar(lsst.CLASSES, lsst.read, lsst.ALIASES),
    "semver": Grammar(semver.CLASSES, semver.read),
    "calendar": Grammar(calendar.CLASSES, calendar.read),
}


def grammar(tags: str | Mapping[str, str]) -> Grammar:
    """The grammar of this name, or that of a site's own expressions by class. Raises ExpressionError for one that cannot be used."""
    if not isinstance(tags, str):
        return Grammar(expressions.ordered(tags), expressions.reader(tags))
    if tags not in NAMED:
        raise expressions.ExpressionError(
            f"{tags!r} is no grammar of tags; write {', '.join(NAMED)}, or expressions of your own by class"
        )
    return NAMED[tags]
