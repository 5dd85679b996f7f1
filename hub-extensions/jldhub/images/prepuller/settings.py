"""`prepuller` of the values, and the names that the chart gave to what the prepuller uses.

They are in a file beside the hub's settings, so that a change of them starts no hub again.
"""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from jldhub.settings.settings import DEFAULT_PATH, read
from jldhub.settings.types import SettingsModel

FILE = "prepuller.yaml"  # beside the hub's settings.yaml


class PrepullerNames(SettingsModel):
    """The names of what the chart renders for pulls."""

    pod: str  # how the names of pods that pull begin
    labels: dict[str, str] = Field(min_length=1)  # of these pods
    service_account: str  # which owns them: they are garbage-collected with it
    deployment: str  # of which the events are


class PrepullerSettings(SettingsModel):
    """The file `prepuller.yaml`."""

    nodes_at_once: Annotated[int, Field(ge=0, le=1000)] = 10  # 0: nothing is pulled
    names: PrepullerNames

    @classmethod
    def load(cls) -> Self:
        """Read the file. Raises SettingsError."""
        return read(cls, Path(os.environ.get("JLD_SETTINGS", DEFAULT_PATH)).with_name(FILE))
