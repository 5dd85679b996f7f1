"""Which images of labs on each node nobody wants any more."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from jldhub.images.catalogue import Catalogue
from jldhub.images.nodes import UnwantedImage
from jldhub.images.prepuller.node import Node, NodeImage
from jldhub.images.prepuller.pods import LabPod
from jldhub.images.prepuller.wanted import WantedImage
from jldhub.images.registry.reference import InvalidReference, Reference, parse
from jldhub.images.tags.expressions import ExpressionError
from jldhub.images.tags.grammar import grammar
from jldhub.settings.lab import Lab
from jldhub.settings.lab_images import LabImage
from jldhub.settings.names import ImageNames

_TOLD = 50  # images of which the sum is told


@dataclass(frozen=True)
class Ours:
    """Whose images are of labs, which of them stay, and what people call those of which a digest alone is there."""

    repositories: frozenset[str]
    wanted: frozenset[str]  # names by digest and by tag
    titles: Mapping[str, str]  # by `repository@digest`

    @classmethod
    def of(cls, lab: Lab, names: ImageNames, catalogue: Catalogue, wanted: Sequence[WantedImage]) -> "Ours":
        """Never by the patterns of what people may type: whoever types an image does not own its repository.

        A repository of which not everything that is wanted is known by its digest is left alone. A node that pulled an image by its
        digest does not tell its tag, so that what is wanted could not be distinguished from what is not. So it is while a registry
        does not answer, and where a pin is not there any more: then the nodes have the last copies.
        """
        always = [parse(names.lab_image), parse(names.hub_image)]
        listed = {
            name: str(reference.repository)
            for name, image in lab.images.items()
            if (reference := _read(image.reference)) is not None
        }
        unclear = {str(each.reference.repository) for each in wanted if not each.reference.digest} & {*listed.values()}
        unclear |= {listed[name] for name in listed if not _is_known(name, lab.images[name], catalogue)}
        repositories = {*listed.values(), *(str(each.repository) for each in always)} - unclear
        # The hub runs, also where no lab needs its image.
        stay = {name for each in (*(each.reference for each in wanted), always[-1]) for name in _names(each)}
        tags = [
            (f"{listed[name]}@{digest}", name, tag)
            for name, state in sorted(catalogue.images.items())
            if name in listed and state.reference == lab.images[name].reference
            for tag, digest in sorted(state.digests.items())
        ]
        # The other tags of what is wanted: `recommended` is a weekly, too.
        aliases = {f"{listed[name]}:{tag}" for by_digest, name, tag in tags if by_digest in stay}
        titles = {by_digest: f"{name}:{tag}" for by_digest, name, tag in tags if lab.images[name].is_series}
        return cls(frozenset(repositories), frozenset(stay | aliases), titles)

    def has(self, image: NodeImage) -> bool:
        """Whether all its names are in repositories of labs."""
        found = {_repository(name) for name in image.names if not _is_nameless(name)}
        return bool(found) and found <= self.repositories

    def title(self, image: NodeImage) -> str:
        """As people call it: by its tag where one is known."""
        names = [name for name in image.names if not _is_nameless(name)]
        known = [self.titles[name] for name in names if name in self.titles]
        return next(iter([*known, *(name for name in names if "@" not in name), *names]))


def unwanted(node: Node, ours: Ours, labs: Iterable[LabPod]) -> list[NodeImage]:
    """The images of labs on the node that nobody wants, and no lab there has. Pods of others are seen by the runtime alone."""
    running = {
        name for lab in labs if lab.node == node.name for text in lab.images for name in (text, *_names(_read(text)))
    }
    return [
        image
        for image in node.images
        if ours.has(image) and ours.wanted.isdisjoint(image.names) and running.isdisjoint(image.names)
    ]


def summed(found: Mapping[str, Collection[NodeImage]], ours: Ours) -> list[UnwantedImage]:
    """Over all nodes, those first that take most."""
    sizes: dict[str, list[int]] = defaultdict(list)
    for images in found.values():
        for image in images:
            sizes[ours.title(image)].append(image.bytes)
    told = [UnwantedImage(name=name, bytes=sum(each), nodes=len(each)) for name, each in sizes.items()]
    return sorted(told, key=lambda image: (-image.bytes, image.name))[:_TOLD]


def sentence(image: UnwantedImage) -> str:
    """`lsst:w_2025_40 on 12 nodes, 96 GB could go`"""
    return f"{image.name} on {image.nodes} node{'s' if image.nodes > 1 else ''}, {image.size or '0 MB'} could go"


def _is_known(name: str, image: LabImage, catalogue: Catalogue) -> bool:
    """Whether the tags of a series were told, can be read, and have among them those that the site names."""
    if not image.is_series:
        return True
    state = catalogue.images.get(name)
    try:
        grammar(image.tags)
    except ExpressionError:
        return False
    if state is None or state.reference != image.reference:
        return False
    return bool(state.tags) and {*image.pins, *filter(None, [image.recommended])} <= {*state.tags}


def _read(text: str) -> Reference | None:
    try:
        return parse(text)
    except InvalidReference:
        return None


def _names(reference: Reference | None) -> list[str]:
    """Under which a node may tell it."""
    if reference is None:
        return []
    tagged = [str(Reference(reference.repository, reference.tag))] if reference.tag else []
    return [reference.runnable, *tagged]


def _is_nameless(name: str) -> bool:
    return "<none>" in name


@lru_cache(maxsize=2**14)  # a thousand nodes tell the same names
def _repository(name: str) -> str:
    """Nodes tell what cannot be read, too: it is in no repository of ours."""
    reference = _read(name)
    return str(reference.repository) if reference else ""
