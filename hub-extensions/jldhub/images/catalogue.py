"""What registries answered last: the tags of each series, and the digests of what people are offered first.

The controller writes it into a ConfigMap and the hub reads it from there, so that nobody waits for a registry.
"""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from jldhub.images.packing import pack, unpack
from jldhub.images.registry.manifests import is_architecture, is_size
from jldhub.images.registry.reference import is_digest
from jldhub.images.tags.tag import is_tag

FILE = "catalogue.json.gz"  # the key of the ConfigMap, and the name of the file
LARGEST = 3 * 2**18  # bytes packed: a ConfigMap holds 1 MiB, of which `nodes` has a quarter
_LARGEST_UNPACKED = 2**25


class CatalogueError(ValueError):
    """A catalogue that cannot be packed or read. The message says why."""


class ImageState(BaseModel):
    """What is known of one of `hub.lab.images`."""

    model_config = ConfigDict(extra="ignore", frozen=True)  # a hub may read what a newer controller wrote

    reference: str  # as it is in the settings: it tells whether the rest is about the same repository
    tags: list[str] = []  # all tags of a series, in no order
    digests: dict[str, str] = {}  # by tag, of those that were asked
    # By digest, of those that were asked: bytes to pull, by architecture. "" is the one of an image that does not name it.
    contents: dict[str, dict[str, int]] = {}
    checked: datetime | None = None  # when the registry answered last
    trouble: str = ""  # why it did not answer since; empty where it did


class Catalogue(BaseModel):
    """The states of images, by their names in the settings."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Annotated[int, Field(ge=1, le=1)] = 1
    images: dict[str, ImageState] = {}

    def pack(self) -> bytes:
        """The content of the file: the same for the same catalogue. Raises CatalogueError for one that no ConfigMap holds."""
        return pack(self.model_dump_json(), LARGEST, CatalogueError)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """The catalogue of a file. What is no tag and no digest is left out. Raises CatalogueError."""
        read = unpack(packed, cls, _LARGEST_UNPACKED, CatalogueError)
        return cls(images={name: _checked(state) for name, state in read.images.items()})


def _checked(state: ImageState) -> ImageState:
    tags = [tag for tag in state.tags if is_tag(tag)]
    digests = {tag: digest for tag, digest in state.digests.items() if is_tag(tag) and is_digest(digest)}
    contents = {
        digest: sizes
        for digest, sizes in state.contents.items()
        if is_digest(digest) and all((is_architecture(name) or not name) and is_size(sizes[name]) for name in sizes)
    }
    return state.model_copy(update={"tags": tags, "digests": digests, "contents": contents})
