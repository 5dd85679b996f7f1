"""`hub.lab.images` and what stands beside it: the images from which labs start.

What a reference and a grammar of tags are is known to `jldhub.images`.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from jldhub.settings.types import ClaimedGroupName, SettingsModel

Reference = Annotated[str, Field(min_length=1, max_length=500)]


class LabImage(SettingsModel):
    """An image that people choose by its name, or a series: the images of a repository, whose tags are followed.

    It is a series where it has `tags`: the name of a grammar, or expressions by class.
    """

    reference: Reference
    title: str = ""
    description: str = ""
    groups: list[ClaimedGroupName] = []  # who is offered it; empty means everybody
    sizes: list[str] = []  # with which sizes it starts; empty means all
    tags: str | dict[str, str] = ""
    newest: dict[str, Annotated[int, Field(ge=0, le=100)]] = {}  # how many of a class are shown first
    pins: list[str] = []  # tags that are shown first, too
    recommended: str = ""  # the tag that is preselected

    @property
    def is_series(self) -> bool:
        return bool(self.tags)

    @model_validator(mode="after")
    def _series_have_tags(self) -> Self:
        if not self.is_series and (self.newest or self.pins or self.recommended):
            raise ValueError("newest, pins and recommended are of a series; write its tags too: tags: lsst")
        return self


class TypedImages(SettingsModel):
    """Who may type the reference of an image that is in no list, and which: `*` in a pattern stands for any characters."""

    groups: list[ClaimedGroupName] = []
    allow: list[Reference] = []
