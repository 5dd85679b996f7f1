"""The page on which people choose the image and the size of their lab.

`templates/spawn.html` takes the place of JupyterHub's page, and `templates/options.html` is the form in it. Nothing here asks a registry
or Kubernetes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from jldhub.identity import Identity
from jldhub.images.tags.tag import Tag
from jldhub.labs.menu.catalogue_file import KnownSeries
from jldhub.labs.menu.choices import ENVIRONMENTS, IMAGE, SIZE, TYPED, TYPED_IMAGE
from jldhub.labs.menu.images import Images, first_tag, first_tags, title
from jldhub.labs.menu.sizes import size_profiles
from jldhub.settings.lab_images import LabImage

TEMPLATES = Path(__file__).parent / "templates"

_FOUND = 50  # tags that a search shows
_LONGEST_SEARCH = 128  # characters, as many as a tag has
_STALE_SECONDS = (
    2 * 3600
)  # so old an answer of a registry is told; the controller writes down once an hour that nothing changed
_SEARCH = "search."  # in front of the name of a series, in the form and in links


@dataclass(frozen=True)
class Preselection:
    """What is chosen when the page opens, and what is searched: texts of the person's own link, form or last start."""

    image: str = ""
    size: str = ""
    typed: str = ""
    searches: Mapping[str, str] = field(default_factory=dict)  # by the name of a series

    def text(self, name: str) -> str:
        """What is searched in a series."""
        return self.searches.get(name, "").strip()[:_LONGEST_SEARCH]


def preselection(given: Mapping[str, str]) -> Preselection:
    """What a link, a form or stored options say. JupyterHub's own prefix of options in links, `opt-`, may stand before each name."""
    given = {name.removeprefix("opt-"): value for name, value in given.items()}
    image, typed = given.get(IMAGE, ""), given.get(TYPED_IMAGE, "")
    if "/" in image.removeprefix(TYPED):
        typed = image
    searches = {name.removeprefix(_SEARCH): text for name, text in given.items() if name.startswith(_SEARCH)}
    return Preselection(image, given.get("size", given.get(SIZE, "")), typed if "/" in image else "", searches)


@dataclass(frozen=True)
class Option:
    """An image that can be chosen."""

    value: str
    title: str
    detail: str = ""
    checked: bool = False
    readiness: str = ""  # whether it starts at once


@dataclass(frozen=True)
class Search:
    """The search among all tags of a series: how many it has, what is searched, and what was found."""

    total: int
    text: str
    found: Sequence[Option]
    more: int  # found ones that are not shown


@dataclass(frozen=True)
class Card:
    """One of the images of the settings, as the page shows it."""

    name: str
    title: str
    description: str
    options: Sequence[Option]
    sizes: Sequence[str] = ()
    search: Search | None = None
    note: str = ""


def render(images: Images, identity: Identity, notices: Sequence[str], preselected: Preselection) -> str:
    """The form, in HTML."""
    lab, may_type = images.lab, images.may_type(identity)
    if not may_type:
        preselected = replace(preselected, typed="")
    cards = _cards(images, identity, preselected)
    return _TEMPLATE.render(
        notices=notices,
        cards=cards,
        typing=lab.typed_images.allow if may_type else (),
        typed=preselected.typed,
        typed_value=TYPED,
        only_image=not lab.images,
        sizes=_with_checked(size_profiles(lab, identity), preselected.size),
        environments=ENVIRONMENTS.items(),
    )


def _cards(images: Images, identity: Identity, preselected: Preselection) -> list[Card]:
    offered = images.offered(identity)
    wanted = "" if preselected.typed else _wanted(images, offered, preselected)
    return [_card(name, image, images, preselected, wanted) for name, image in offered.items()]


def _wanted(images: Images, offered: Mapping[str, LabImage], preselected: Preselection) -> str:
    """The value of the option that is checked: what was searched or asked for where it can be had, else the default.

    A search chooses the first tag that it finds, so that the Tab key leads from the field to the tags that were found.
    """
    for name, image in offered.items():
        if image.is_series and (found := _found(images.series(name), image, preselected.text(name))):
            return f"{name}:{found[0].name}"
    for text in (preselected.image, images.lab.default_image, *offered):
        name, _, word = text.partition(":")
        if name in offered and not offered[name].is_series:
            return name
        if name in offered:
            known = images.series(name)
            tag = known.series.find(word) if word else first_tag(known, offered[name])
            if tag is not None:
                return f"{name}:{tag.name}"
    return ""


def _card(name: str, image: LabImage, images: Images, preselected: Preselection, wanted: str) -> Card:
    heading = title(name, image)
    if not image.is_series:
        detail = images.references[name].tag or image.reference
        option = Option(name, heading, detail, name == wanted, images.readiness(name))
        return Card(name, heading, image.description, [option], image.sizes)
    known, text = images.series(name), preselected.text(name)
    tags, found = list(first_tags(known, image)), _found(known, image, text)
    series, _, word = wanted.partition(":")
    older = known.series.tag(word) if series == name else None  # of a link or the last start
    if older and older not in (*tags, *found[:_FOUND]):
        tags.append(older)

    def of(tag: Tag) -> Option:
        value, detail = f"{name}:{tag.name}", tag.name if tag.name != tag.label else ""
        return Option(value, tag.label, detail, value == wanted, images.readiness(name, tag.name))

    search = Search(
        total=len(known.series.listed),
        text=text,
        found=[of(tag) for tag in found[:_FOUND]],
        more=max(0, len(found) - _FOUND),
    )
    return Card(name, heading, image.description, [of(tag) for tag in tags], image.sizes, search, _note(known))


def _found(known: KnownSeries, image: LabImage, text: str) -> list[Tag]:
    """The listed tags with all words of `text` in their name or label, in the order of the menu, but those that it shows anyway."""
    words = text.casefold().split()
    if not words:
        return []
    shown = first_tags(known, image)
    return [
        tag
        for tag in known.series.listed
        if all(word in f"{tag.name} {tag.label}".casefold() for word in words) and tag not in shown
    ]


def _note(known: KnownSeries) -> str:
    """What people are told of an answer that is missing or old. Why it is, is for who runs the site: it is in the controller's log."""
    if known.checked is None:
        return "Its registry has not answered yet: only the tags that this site names are shown."
    old = (datetime.now(UTC) - known.checked).total_seconds() > _STALE_SECONDS
    if known.trouble or old:
        return f"The list of tags is of {known.checked:%Y-%m-%d %H:%M} UTC: its registry has not answered since."
    return ""


def _with_checked(sizes: Sequence[Mapping[str, Any]], wanted: str) -> list[dict[str, Any]]:
    known = wanted in {size["slug"] for size in sizes}
    return [{**size, "checked": size["slug"] == wanted if known else size["default"]} for size in sizes]


_ENVIRONMENT = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
_TEMPLATE = _ENVIRONMENT.get_template("options.html")  # compiled once
