"""Which node has which image of labs, as the controller tells the hub: the second key of the catalogue's ConfigMap.

The hub itself may not see nodes. The controller reads it too, when it starts: what failed before is not tried again at once.
"""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from jldhub.images.packing import pack, unpack

FILE = "nodes.json.gz"  # the key of the ConfigMap, and the name of the file
LARGEST = 2**18 - 2**14  # bytes packed; the catalogue has the rest of the ConfigMap
_LARGEST_UNPACKED = 2**24


class NodesError(ValueError):
    """A state that cannot be packed or read. The message says why."""


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)  # a hub may read what a newer controller wrote


class ImageOnNodes(_Told):
    """A wanted image: on how many of the nodes on which labs may start with it."""

    reference: str  # what pods run: by its digest where that is known
    title: str  # as people choose it: `science`, `lsst:w_2026_21`
    bytes: int = 0  # as it is pulled; 0 where nobody knows it
    eligible: int = 0
    there: int = 0
    stopped: str = ""  # why it is pulled nowhere: the registry refuses it

    @property
    def size(self) -> str:
        return size(self.bytes)


class UnwantedImage(_Told):
    """An image of labs that nodes have, and nobody wants: on how many, and the bytes that it takes on all of them together."""

    name: str  # as people choose it where that is known: `lsst:w_2025_40`
    bytes: int = 0
    nodes: int = 0

    @property
    def size(self) -> str:
        return size(self.bytes)


def size(number: int) -> str:
    """Bytes as people read them: `7.9 GB`, `480 MB`. Empty where nobody knows them."""
    if not number:
        return ""
    megabytes = max(1, round(number / 10**6))
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"


class Attempt(_Told):
    """What is remembered of one image on one node, where there is something to remember."""

    reference: str
    pulled: AwareDatetime | None = None  # when the last pull of the controller's was over, and good
    failures: int = 0  # in a row
    failed: AwareDatetime | None = None
    message: str = ""  # of the last failure, in the kubelet's words
    refused: bool = False  # the registry does not have the image, or does not give it
    vanished: list[AwareDatetime] = []  # when it was there and is not any more
    counted: str = ""  # the UID of the pod that was counted last


class PullUnderWay(_Told):
    reference: str
    since: AwareDatetime


class NodeRow(_Told):
    """One node. `why_not` says why no lab of any size starts there, and is empty where one may."""

    name: str
    why_not: str = ""
    there: list[int] = []  # places in `NodesState.images`
    pulling: PullUnderWay | None = None
    attempts: list[Attempt] = []
    unwanted_bytes: int = 0  # what images of labs take there that nobody wants


class NodesState(_Told):
    """All of it. `images` are in the order in which they are pulled."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    written: AwareDatetime | None = None
    images: list[ImageOnNodes] = []
    nodes: list[NodeRow] = []
    left_out: int = 0  # nodes that would not fit, and of which nothing but the counts above is told
    unwanted: list[UnwantedImage] = []  # where somebody asked for the report; those first that take most
    warnings: list[str] = []  # what whoever runs the site has to do something about

    def pack(self) -> bytes:
        """The content of the file. Raises NodesError for one that does not fit."""
        return pack(self.model_dump_json(exclude_defaults=True), LARGEST, NodesError)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """The state of a file. Raises NodesError."""
        return unpack(packed, cls, _LARGEST_UNPACKED, NodesError)
