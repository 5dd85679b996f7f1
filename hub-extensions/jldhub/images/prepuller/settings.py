"""`prepuller` of the values, and the names that the chart gave to what the prepuller uses.

They are in a file beside the hub's settings, so that a change of them starts no hub again.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from jldhub.settings.settings import DEFAULT_PATH, read
from jldhub.settings.types import SettingsModel

FILE = "prepuller.yaml"  # beside the hub's settings.yaml


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
    names: PrepullerNames

    @classmethod
    def load(cls) -> Self:
        """Read the file. Raises SettingsError."""
        return read(cls, Path(os.environ.get("JLD_SETTINGS", DEFAULT_PATH)).with_name(FILE))
