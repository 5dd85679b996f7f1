"""The images of labs: which of them a person is offered, and what a choice stands for.

A choice is a text: `science` is an image of the list, or the recommended one of a series; `lsst:w_2026_21` and
`lsst:latest-weekly` are of a series; and one with a slash is a reference, which only some people may type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

from jldhub.identity import Identity, group_key
from jldhub.images.registry.reference import InvalidReference, Reference, Repository, parse
from jldhub.images.tags.expressions import ExpressionError
from jldhub.images.tags.grammar import grammar
from jldhub.images.tags.tag import Tag, is_tag
from jldhub.labs.menu.catalogue_file import CatalogueFile, FollowedImage, KnownSeries
from jldhub.labs.menu.nodes_file import NodesFile
from jldhub.settings.lab import Lab
from jldhub.settings.lab_images import LabImage
from jldhub.settings.settings import Settings, SettingsError
from jldhub.support.refusal import Refusal

_LONGEST = 60  # characters of a wrong choice that are repeated


@dataclass(frozen=True)
class ChosenImage:
    """What a choice stands for: the image with `tag` as people know it, and with `digest` where it is known."""

    repository: Repository
    tag: str = ""
    digest: str = ""
    title: str = ""

    @property
    def reference(self) -> str:
        """What the pod runs."""
        return Reference(self.repository, self.tag, self.digest).runnable

    @property
    def spec(self) -> str:
        """The reference as people know it."""
        return str(Reference(self.repository, self.tag, "" if self.tag else self.digest))


class Images:
    """The images of a site. Its methods wait for nobody."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError for a reference or an expression that cannot be used."""
        self.lab: Lab = settings.hub.lab
        mistakes: list[str] = []
        self.references: dict[str, Reference] = {}
        followed: dict[str, FollowedImage] = {}
        for name, image in self.lab.images.items():
            try:
                self.references[name] = _reference(image)
                read = grammar(image.tags) if image.tags else None
                followed[name] = FollowedImage(image.reference, read, image.recommended, tuple(image.pins))
            except (InvalidReference, ExpressionError) as mistake:
                mistakes.append(f"hub.lab.images.{name}: {mistake}")
        for pattern in self.lab.typed_images.allow:
            if "*" in pattern.partition("/")[0] or "/" not in pattern:
                mistakes.append(f"hub.lab.typedImages.allow: {pattern!r} names no registry; write quay.io/my-org/*")
        if mistakes:
            raise SettingsError(*mistakes)
        self.catalogue = CatalogueFile(settings.catalogue_directory, followed)
        self.nodes = NodesFile(settings.catalogue_directory)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself: traitlets copies what is configured for each spawner."""
        return self

    async def refresh(self) -> None:
        """Read what the controller has written since."""
        await self.catalogue.refresh()
        await self.nodes.refresh()

    def offered(self, identity: Identity) -> dict[str, LabImage]:
        """The images for everybody and those for the person's groups, by name: the default first, the others by title."""
        offered = {name: image for name, image in self.lab.images.items() if is_member(identity, image.groups)}
        in_order = sorted(
            offered, key=lambda name: (name != self.lab.default_image, title(name, offered[name]).casefold(), name)
        )
        return {name: offered[name] for name in in_order}

    def may_type(self, identity: Identity) -> bool:
        """Whether the person may name an image that is in no list."""
        typed = self.lab.typed_images
        return bool(typed.groups and typed.allow) and is_member(identity, typed.groups)

    def series(self, name: str) -> KnownSeries:
        return self.catalogue.images[name]

    def readiness(self, name: str, tag: str = "") -> str:
        """What people should know of an image's nodes before they choose it; empty where there is nothing to say."""
        reference = self.references[name]
        tag = tag or reference.tag
        digest = reference.digest or self.series(name).series.digests.get(tag, "")
        return self.nodes.readiness(Reference(reference.repository, tag, digest).runnable)

    def choose(self, identity: Identity, chosen: object, size: str) -> ChosenImage | None:
        """What the choice stands for; None where nobody chose and the site has only the one image of `hub.lab.image`.

        No choice means the default. `size` is the name of a checked size. Raises a Refusal.
        """
        if not chosen and not self.lab.images:
            return None
        text = chosen or self.lab.default_image
        if not isinstance(text, str):
            raise Refusal(400, f"An image is a text, and not {str(text)[:_LONGEST]!r}. {self._choice(identity)}")
        if "/" in text:
            return self._typed(identity, text)
        name, colon, word = text.partition(":")
        image = self.offered(identity).get(name)
        if image is None:
            raise self._not_offered(identity, name)
        if image.sizes and size not in image.sizes:
            raise Refusal(
                400,
                f"The lab image {name!r} does not start with the size {size!r}. Choose the size {' or '.join(image.sizes)}.",
            )
        if image.is_series:
            return self._of_series(name, image, word)
        reference = self.references[name]
        if colon and word != reference.tag:
            raise Refusal(400, f"The lab image {name!r} has no choice of tags. Leave {word[:_LONGEST]!r} out.")
        digest = reference.digest or self.series(name).series.digests.get(reference.tag, "")
        return ChosenImage(reference.repository, reference.tag, digest, title(name, image))

    def _of_series(self, name: str, image: LabImage, word: str) -> ChosenImage:
        known = self.series(name)
        tag = known.series.find(word) if word else first_tag(known, image)
        if tag is None:
            raise Refusal(400, _no_tag(name, image, known, word))
        label = f"{title(name, image)}, {tag.label}"
        # An alias moves: its own digest is that of the image that it stands for now.
        return ChosenImage(self.references[name].repository, tag.name, known.series.digests.get(tag.name, ""), label)

    def _typed(self, identity: Identity, text: str) -> ChosenImage:
        shown = text[: 2 * _LONGEST]
        if not self.may_type(identity):
            raise Refusal(
                403, f"You may not start a lab from an image of your own, such as {shown!r}. {self._choice(identity)}"
            )
        allowed = ", ".join(self.lab.typed_images.allow)
        try:
            reference = parse(text.strip())
        except InvalidReference:
            raise Refusal(
                400, f"{shown!r} is the name of no image. Write registry, name and tag, of: {allowed}."
            ) from None
        if not (reference.tag or reference.digest):
            raise Refusal(400, f"{shown!r} has no tag. Write it behind a colon, such as {reference.repository}:latest.")
        if not any(_allows(pattern, reference) for pattern in self.lab.typed_images.allow):
            raise Refusal(403, f"{shown!r} is none of the images that may be typed here: {allowed}.")
        return ChosenImage(reference.repository, reference.tag, reference.digest, str(reference))

    def _not_offered(self, identity: Identity, name: str) -> Refusal:
        if name in self.lab.images:
            groups = " or ".join(self.lab.images[name].groups)
            return Refusal(403, f"The lab image {name!r} is for members of {groups}. {self._choice(identity)}")
        return Refusal(400, f"There is no lab image {name[:_LONGEST]!r}. {self._choice(identity)}")

    def _choice(self, identity: Identity) -> str:
        offered = self.offered(identity)
        return f"Choose one of: {', '.join(offered)}." if offered else "This site has one image only: leave it out."


def first_tags(known: KnownSeries, image: LabImage) -> Sequence[Tag]:
    """The tags of a series that stand first in the menu; the first of them is what stands for the series."""
    return known.series.first(image.newest, image.pins)


def first_tag(known: KnownSeries, image: LabImage) -> Tag | None:
    return next(iter(first_tags(known, image)), None)


def title(name: str, image: LabImage) -> str:
    """What people read for it."""
    return image.title or name.replace("-", " ").capitalize()


def is_member(identity: Identity, groups: Sequence[str]) -> bool:
    """Whether the person is in one of the groups. No groups mean everybody."""
    return not groups or bool(set(map(group_key, identity.memberships)) & set(map(group_key, groups)))


def image_environment(chosen: ChosenImage | None) -> Mapping[str, str]:
    """The variables by which notebooks know their image, under the names that KubeSpawner and LSST's notebooks have for them."""
    if chosen is None:
        return {}
    return {
        "JUPYTER_IMAGE": chosen.reference,
        "JUPYTER_IMAGE_SPEC": chosen.spec,
        "IMAGE_DESCRIPTION": chosen.title,
        **({"IMAGE_DIGEST": chosen.digest} if chosen.digest else {}),
    }


def _reference(image: LabImage) -> Reference:
    reference = parse(image.reference)
    if image.is_series and (reference.tag or reference.digest):
        raise InvalidReference(
            f"{image.reference!r} is one image, whose tags nobody follows; leave its tag or tags out"
        )
    if not image.is_series and not (reference.tag or reference.digest):
        raise InvalidReference(
            f"{image.reference!r} has no tag; write it behind a colon, or tags: lsst to follow its tags"
        )
    return reference


def _allows(pattern: str, reference: Reference) -> bool:
    host, _, rest = pattern.partition("/")
    return fnmatchcase(str(reference), f"{host.lower()}/{rest}")


def _no_tag(name: str, image: LabImage, known: KnownSeries, word: str) -> str:
    if known.checked is None:
        return f"The tags of the lab image {name!r} are not known yet, because its registry has not answered. Choose another image, or try again later."
    shown = word[:_LONGEST]
    first = ", ".join(f"{name}:{tag.name}" for tag in first_tags(known, image)[:5])
    choice = f"Choose one of: {first}." if first else "Choose another image."
    if not word:
        return f"The lab image {name!r} has no tag to start with. {choice}"
    gone = "has no tag" if is_tag(word) else "cannot have a tag"
    return f"The lab image {name!r} {gone} {shown!r}, or has it no longer. {choice}"
