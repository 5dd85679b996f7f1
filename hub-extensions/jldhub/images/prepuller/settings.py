"""What the prepuller is told: `prepuller` of the values, what of the hub's it reads, and the names that the chart gave to what it uses.

These are files of its own, so that no change starts a pod again that does not read it.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from jldhub.settings.hub import Log
from jldhub.settings.lab import Lab
from jldhub.settings.names import ImageNames
from jldhub.settings.settings import DEFAULT_PATH, read
from jldhub.settings.types import SettingsModel

FILE = "prepuller.yaml"  # beside settings.yaml


class HubSettings(SettingsModel):
    """Of `hub` of the values what the prepuller reads. Of `lab` the chart leaves out what has nothing to do with images and nodes."""

    lab: Lab
    log: Log = Log()


class ImageSettings(SettingsModel):
    """The file `settings.yaml` of the prepuller, which has a part of the hub's."""

    hub: HubSettings
    names: ImageNames

    @classmethod
    def load(cls) -> Self:
        """Read the file. Raises SettingsError."""
        return read(cls, _path())


class PurgeNames(SettingsModel):
    """The names of what the chart renders for pods that remove images."""

    namespace: str  # theirs alone
    pod: str  # how their names begin
    labels: dict[str, str] = Field(min_length=1)
    service_account: str  # without any right
    python: str  # the ConfigMap with the program


class PrepullerNames(SettingsModel):
    """The names of what the chart renders for pulls."""

    pod: str  # how the names of pods that pull begin
    labels: dict[str, str] = Field(min_length=1)  # of these pods
    service_account: str  # which owns them: they are garbage-collected with it
    deployment: str  # of which the events are

    purge: PurgeNames | None = None  # None where nothing is removed


class Purge(StrEnum):
    """What becomes of images of labs that nobody wants any more."""

    NEVER = "never"
    REPORT = "report"
    REMOVE = "remove"


class PrepullerSettings(SettingsModel):
    """The file `prepuller.yaml`."""

    nodes_at_once: Annotated[int, Field(ge=0, le=1000)] = 10  # 0: nothing is pulled
    purge: Annotated[Purge, Field(strict=False)] = Purge.NEVER
    purge_above: Annotated[int, Field(ge=10, le=95)] = 80  # percent of the disk with images
    runtime_socket: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")] = (
        ""  # empty: where the node's runtime has it
    )
    user_namespaces: bool = False  # whether labs are in other namespaces, too
    names: PrepullerNames

    @classmethod
    def load(cls) -> Self:
        """Read the file. Raises SettingsError."""
        return read(cls, _path().with_name(FILE))


def _path() -> Path:
    return Path(os.environ.get("JLD_SETTINGS", DEFAULT_PATH))
