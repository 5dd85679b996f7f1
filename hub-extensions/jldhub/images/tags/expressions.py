r"""Tags by a site's own regular expressions, one for each class: `{nightly: 'nb-(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)'}`.

RE2 searches with them, in time in proportion to the tag's length whatever the expression is; Python's own `re` may take for ever.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import re2

from jldhub.images.tags.tag import ALIAS, CLASSES, FINAL, OTHER, Tag, Version, pre_release, split_architecture

NUMBERS = ("v1", "v2", "v3", "v4", "v5", "v6", "year", "month", "day", "week")  # compared in this order
GROUPS = (*NUMBERS, "pre", "cycle", "cycle_build", "build", "extra", "arch", "label")
LONGEST = 500  # characters of an expression

_CLASS = re.compile(r"[a-z][a-z0-9-]{0,29}")


class ExpressionError(ValueError):
    """An expression, or the name of its class, that cannot be used. The message says why, and what to write instead."""


def ordered(classes: Mapping[str, str]) -> tuple[str, ...]:
    """The classes in the order of the menu: those that every menu may have, and after them a site's own by name.

    The order in which a site wrote them is lost on its way: Helm sorts the keys of a map.
    """
    return tuple(sorted(classes, key=lambda name: (CLASSES.index(name) if name in CLASSES else len(CLASSES), name)))


def reader(classes: Mapping[str, str]) -> Callable[[str], Tag | None]:
    """What reads the tags: the first class whose expression is the whole of a tag. Raises ExpressionError."""
    compiled = [(name, compile_expression(name, classes[name])) for name in ordered(classes)]

    def read(name: str) -> Tag | None:
        return next((tag for each, expression in compiled if (tag := _read(each, expression, name))), None)

    return read


def compile_expression(tag_class: str, expression: str) -> Any:
    """The expression for RE2. Raises ExpressionError."""
    if not _CLASS.fullmatch(tag_class) or tag_class in (ALIAS, OTHER):
        raise ExpressionError(
            f"{tag_class!r} cannot be a class of tags; write a word such as release or nightly ({ALIAS} and {OTHER} are taken)"
        )
    if len(expression) > LONGEST:
        raise ExpressionError(f"the expression of {tag_class} has more than {LONGEST} characters; write a shorter one")
    try:
        named = set(re.compile(expression).groupindex)
    except (re.error, OverflowError, RecursionError) as mistake:
        raise ExpressionError(f"the expression of {tag_class} is no regular expression: {mistake}") from mistake
    if unknown := sorted(named - set(GROUPS)):
        raise ExpressionError(
            f"the expression of {tag_class} names the group {unknown[0]}, which means nothing; use {', '.join(GROUPS)}"
        )
    if not named & set(NUMBERS):
        raise ExpressionError(
            f"the expression of {tag_class} names no number, so that no tag would be newer than another; "
            r"write for instance (?P<v1>\d+)\.(?P<v2>\d+)"
        )
    compiled = re2.compile(expression)
    # The library hands what RE2 does not take to Python's `re`.
    if type(compiled) is not re2.Pattern:
        raise ExpressionError(
            f"the expression of {tag_class} may take for ever on some tags; write it without backreferences, without looking ahead "
            "or behind, without possessive and atomic groups, and with less than 1000 repetitions"
        )
    return compiled


def _read(tag_class: str, expression: Any, name: str) -> Tag | None:
    found = expression.fullmatch(name)
    if found is None:
        return None
    parts: dict[str, str] = {key: text for key, text in found.groupdict().items() if text}
    stage = pre_release(parts["pre"]) if "pre" in parts else FINAL
    counted = [parts.get(key, "") for key in (*NUMBERS, "cycle", "cycle_build", "build")]
    if stage is None or not any(counted) or not all(text.isdecimal() for text in counted if text) or not _dated(parts):
        return None
    # A number that one tag has and another has not is the smallest, wherever it stands.
    *numbers, cycle, cycle_build, build = (int(text) if text else -1 for text in counted)
    version = Version(tuple(numbers), stage, cycle, cycle_build, build, parts.get("extra", ""))
    architecture = parts.get("arch", "") or split_architecture(name)[1]
    return Tag(name, tag_class, parts.get("label", name), version, architecture)


def _dated(parts: Mapping[str, str]) -> bool:
    """Whether the parts of a date, as far as they are there, are those of a real one."""
    year, month, day = (int(parts.get(part, usual)) for part, usual in (("year", "2000"), ("month", "1"), ("day", "1")))
    try:
        date(year, month, day)
    except (ValueError, OverflowError):
        return False
    return 1 <= int(parts.get("week", "1")) <= 53
