"""Which images nodes should have, and in which order they are pulled."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jldhub.images.catalogue import Catalogue, ImageState
from jldhub.images.prepuller.node import Node, NodeImage, Place
from jldhub.images.registry.reference import InvalidReference, Reference, parse
from jldhub.images.tags.expressions import ExpressionError
from jldhub.images.tags.grammar import grammar
from jldhub.images.tags.series import Series
from jldhub.settings.lab import Lab
from jldhub.settings.lab_images import LabImage
from jldhub.settings.names import ImageNames

HUB = "hub"  # the title of the hub's image


@dataclass(frozen=True)
class WantedImage:
    """One image. `title` is how people choose it, and `sizes` are the bytes to pull by architecture, where a registry told them."""

    reference: Reference
    title: str
    places: tuple[Place, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def runnable(self) -> str:
        return self.reference.runnable

    @property
    def bytes(self) -> int:
        """As it is pulled: the largest where architectures differ. 0 where it is not known."""
        return max(self.sizes.values(), default=0)

    def why_not(self, node: Node) -> str:
        """Why no lab with this image starts on the node. Empty where one may."""
        reasons = [node.why_not(place) for place in self.places]
        if all(reasons):
            return next(iter(reasons), "the image starts with no size")
        if self.sizes and "" not in self.sizes and node.architecture not in self.sizes:
            return f"the image is not for {node.architecture or 'an unknown architecture'}"
        return ""

    def is_on(self, node: Node) -> bool:
        """Whether the node tells that it has the image.

        An image that was imported has names by tag alone, and no digest that could be compared.
        """
        if self.runnable in node.names:
            return True
        tagged = str(Reference(self.reference.repository, self.reference.tag)) if self.reference.tag else ""
        return tagged in node.names and any(tagged in image.names and _is_imported(image) for image in node.images)


def _is_imported(image: NodeImage) -> bool:
    return not any("@" in name for name in image.names)


def wanted_images(lab: Lab, names: ImageNames, catalogue: Catalogue) -> list[WantedImage]:
    """In the order in which they are pulled: the default, the hub's, what is recommended, pins, the newest of classes, single images.

    What cannot be read is left out: the hub says so when it starts.
    """
    default = _of(lab.default_image, lab, catalogue) if lab.images else [_only(lab, names)]
    images = [*default[:1], *_hub(lab, names)]
    others = [_of(name, lab, catalogue) for name in sorted(lab.images)]
    series = [found for name, found in zip(sorted(lab.images), others, strict=True) if lab.images[name].is_series]
    single = [found for name, found in zip(sorted(lab.images), others, strict=True) if not lab.images[name].is_series]
    images += [found[0] for found in series if found]
    images += [wanted for found in series for wanted in found[1:]]
    images += [wanted for found in single for wanted in found]
    return list(_merged(images))


def _merged(images: Iterable[WantedImage]) -> Iterator[WantedImage]:
    """Each image once: where two names have the same one, it is wanted wherever labs of either start."""
    merged: dict[str, WantedImage] = {}
    for image in images:
        known = merged.get(image.runnable)
        places = (*known.places, *(each for each in image.places if each not in known.places)) if known else ()
        merged[image.runnable] = (
            WantedImage(known.reference, known.title, places, known.sizes or image.sizes) if known else image
        )
    yield from merged.values()


def _only(lab: Lab, names: ImageNames) -> WantedImage:
    return WantedImage(parse(names.lab_image), "lab", _places(lab, ()))


def _hub(lab: Lab, names: ImageNames) -> list[WantedImage]:
    """The hub's image creates the home in every lab's pod, where the storage does not."""
    return [WantedImage(parse(names.hub_image), HUB, _places(lab, ()))] if lab.provision_homes else []


def _places(lab: Lab, sizes: Sequence[str]) -> tuple[Place, ...]:
    places = [Place.of(lab, size) for name, size in lab.sizes.items() if not sizes or name in sizes]
    return tuple(place for number, place in enumerate(places) if place not in places[:number])


def _of(name: str, lab: Lab, catalogue: Catalogue) -> list[WantedImage]:
    """The images of one name: of a series those that the menu shows first.

    None before its registry was asked for the first time: a digest is better than a tag, and known soon. By its tag where the registry
    did not answer, for a node may have another way to it.
    """
    image, state = lab.images[name], catalogue.images.get(name)
    if state is None or state.reference != image.reference:
        return []
    try:
        reference = parse(image.reference)
        tags = _first_tags(image, state) if image.is_series else [reference.tag]
    except (InvalidReference, ExpressionError):
        return []
    return [_image(name, image, reference, tag, state, lab) for tag in tags]


def _image(name: str, image: LabImage, reference: Reference, tag: str, state: ImageState, lab: Lab) -> WantedImage:
    digest = reference.digest or state.digests.get(tag, "")
    return WantedImage(
        Reference(reference.repository, tag, digest),
        f"{name}:{tag}" if image.is_series else name,
        _places(lab, image.sizes),
        state.contents.get(digest, {}),
    )


def _first_tags(image: LabImage, state: ImageState) -> list[str]:
    read = grammar(image.tags)
    named = (*image.pins, *([image.recommended] if image.recommended else []))
    series = Series.read(state.tags or named, read, image.recommended, state.digests)
    return [tag.name for tag in series.first(image.newest, image.pins)]
