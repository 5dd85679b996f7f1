"""Series: repositories of `hub.lab.images` whose tags are followed, and what their tags mean.

The hub reads the tags (jldhub/images/tags), and refuses the same when it starts.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from jld.rules.rule import Rule, Violations
from jld.schema.suggestions import nearest_name
from jld.support.key_paths import JsonMap, KeyPath, dotted, list_at, map_at, value_at

IMAGES: KeyPath = ("hub", "lab", "images")
# The classes of each grammar, in the order of the menu.
CLASSES = {
    "lsst": ("release", "weekly", "daily", "candidate", "experimental"),
    "semver": ("release", "candidate"),
    "calendar": ("release",),
}
NUMBERS = ("v1", "v2", "v3", "v4", "v5", "v6", "year", "month", "day", "week")
GROUPS = (*NUMBERS, "pre", "cycle", "cycle_build", "build", "extra", "arch", "label")

_TAKEN = ("alias", "other")  # the schema has a sentence for these
_OF_A_SERIES = ("newest", "pins", "recommended")


def an_image_is_one_or_a_series(effective: JsonMap) -> Violations:
    """The `reference` of each of `hub.lab.images` has a tag or a digest, or else there are `tags`. Only with those are there `newest`, `pins` and `recommended`."""
    for name, image in map_at(effective, *IMAGES).items():
        reference, tags = str(value_at(image, "reference") or ""), dotted((*IMAGES, name, "tags"))
        without_effect = [key for key in _OF_A_SERIES if value_at(image, key)]
        if value_at(image, "tags"):
            if is_one_image(reference):
                here = dotted((*IMAGES, name, "reference"))
                yield (
                    (*IMAGES, name, "tags"),
                    f"{here} is one image already; remove its tag or digest, or remove tags",
                )
        elif without_effect:
            for key in without_effect:
                yield (*IMAGES, name, key), f"only a series has it; write {tags} too, like tags: lsst, or remove it"
        elif "/" in reference and not is_one_image(reference):
            yield (
                (*IMAGES, name, "reference"),
                f"neither a tag nor a digest; write one, like {reference}:1.0, or {tags} (lsst, semver, calendar) to follow its tags",
            )


def a_series_shows_something(effective: JsonMap) -> Violations:
    """Each of `hub.lab.images` with `tags` has `pins`, `recommended`, or a number above 0 in `newest`."""
    for name, image in _series(effective):
        counted = [each for each in map_at(image, "newest").values() if isinstance(each, int) and each > 0]
        if not (counted or list_at(image, "pins") or value_at(image, "recommended")):
            example = next(iter(classes(image)), "release")
            yield (
                (*IMAGES, name),
                f"no tag of it would stand in the menu; write {dotted((*IMAGES, name, 'newest'))}, like newest: {{{example}: 1}}, "
                "or pins, or recommended",
            )


def newest_are_classes_of_the_tags(effective: JsonMap) -> Violations:
    """The keys of `newest` in `hub.lab.images` are classes that its `tags` have."""
    for name, image in _series(effective):
        known = classes(image)
        for wrong in map_at(image, "newest"):
            if not known or wrong in (*known, *_TAKEN):
                continue
            close = nearest_name(wrong, list(known))
            hint = f"did you mean {close}?" if close else f"write one of {', '.join(known)}"
            yield (*IMAGES, name, "newest", wrong), f"{dotted((*IMAGES, name, 'tags'))} has no such class; {hint}"


def expressions_can_be_used(effective: JsonMap) -> Violations:
    """Each expression in `tags` of `hub.lab.images` is a regular expression that names a number, and that takes no longer than its tag is long."""
    for name, image in _series(effective):
        for each, expression in map_at(image, "tags").items():
            sentence = _fault(expression) if isinstance(expression, str) and expression else None
            if sentence:
                yield (*IMAGES, name, "tags", each), sentence


def is_one_image(reference: str) -> bool:
    """Whether a reference has a tag or a digest, and is not a whole repository."""
    _, slash, name = reference.rpartition("/")  # a port is before the last slash
    return bool(slash and (":" in name or "@" in name))


def classes(image: object) -> tuple[str, ...]:
    """The classes that the tags of a series have. None where `tags` is wrong in itself."""
    tags = value_at(image, "tags")
    return tuple(tags) if isinstance(tags, dict) else CLASSES.get(str(tags), ())


def _series(effective: JsonMap) -> Iterator[tuple[str, JsonMap]]:
    for name, image in map_at(effective, *IMAGES).items():
        if value_at(image, "tags"):
            yield name, image


def _fault(expression: str) -> str | None:
    """Why an expression cannot be used, and the remedy."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what a later Python may read in another way; RE2 will not
            named = set(re.compile(expression).groupindex)
    except (re.error, OverflowError, RecursionError) as mistake:
        return f"no regular expression: {mistake}; correct it"
    if unknown := sorted(named - set(GROUPS)):
        close = nearest_name(unknown[0], list(GROUPS))
        hint = f"did you mean {close}?" if close else f"use {', '.join(GROUPS)}"
        return f"the group {unknown[0]} means nothing; {hint}"
    if not named & set(NUMBERS):
        return (
            "no group is a number, so that no tag would be newer than another; "
            r"name one, like (?P<v1>\d+)\.(?P<v2>\d+), of " + ", ".join(NUMBERS)
        )
    import re2  # few sites write expressions

    # What RE2 does not take, the library hands to Python's `re`, which may need for ever.
    if type(re2.compile(expression)) is not re2.Pattern:
        return (
            "it may take for ever on some tags; write it without backreferences, without looking ahead or behind, "
            "without possessive and atomic groups, and with fewer than 1000 repetitions"
        )
    return None


RULES: tuple[Rule, ...] = (
    *(an_image_is_one_or_a_series, a_series_shows_something),
    *(newest_are_classes_of_the_tags, expressions_can_be_used),
)
WARNINGS: tuple[Rule, ...] = ()
