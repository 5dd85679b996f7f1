"""`hub.lab`: the sizes of labs, quotas, time-outs, and what every lab has."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from jldhub.settings.types import Bytes, ClaimedGroupName, Cores, Duration, SettingsModel


class Size(SettingsModel):
    """The resource limits of one lab size. `cpu` in cores, `memory` in bytes."""

    cpu: Cores
    memory: Bytes
    # Only members of one of these groups are offered the size. An empty list means everybody.
    groups: list[ClaimedGroupName] = []


class Quota(SettingsModel):
    """Upper limits. 0 means no limit. `Lab.quota` is enforced by a ResourceQuota that the chart renders."""

    cpu: float = Field(default=0, ge=0, strict=False)
    memory: str = "0"

    @property
    def is_set(self) -> bool:
        return self.cpu > 0 or self.memory != "0"


# The suffix of the name of a person's own ResourceQuota and LimitRange. It distinguishes a rejection by that quota from
# one by the quota of all labs.
PER_USER = "per-user"


class PerUser(SettingsModel):
    """Limits for one person, in user namespaces: `quota` for all their labs, `limit_range` for each container."""

    quota: Quota = Quota()
    limit_range: Quota = Quota()


def _without_removed(value: object) -> object:
    """Drop keys that are null: a site removes a default with null, and some Helm versions pass the null on."""
    return {name: size for name, size in value.items() if size is not None} if isinstance(value, dict) else value


class Push(StrEnum):
    """To which of a person's GitHub repositories a lab may push with the token of the login."""

    NONE = "none"
    PUBLIC = "public"
    ALL = "all"


class Git(SettingsModel):
    """git's credentials in a lab."""

    push: Annotated[Push, Field(strict=False)] = Push.PUBLIC


def _repository(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(
        r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/[A-Za-z0-9][A-Za-z0-9._-]*(@[A-Za-z0-9][A-Za-z0-9._/-]{0,199})?",
        value,
    ):
        raise ValueError(f"{value!r} is no repository; write its address and a branch: https://host/name.git@main")
    return value


NotebookRepository = Annotated[str, BeforeValidator(_repository)]
Notice = Annotated[str, Field(min_length=1, max_length=2000)]


class Lab(SettingsModel):
    """The values below `hub.lab`. `tmp_size` in bytes; `size_range` is a size's limit divided by its request."""

    sizes: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")], Size],
        BeforeValidator(_without_removed),
    ]
    quota: Quota = Quota()
    per_user: PerUser = PerUser()
    default_size: str
    size_range: float = Field(default=4, ge=1, strict=False)
    start_timeout: Duration = timedelta(minutes=5)
    git: Git = Git()
    tmp_size: Bytes = 10 * 2**30
    # False where the storage creates home directories itself, or does not let root change their owner.
    provision_homes: bool = True
    starts_at_once: int = Field(default=32, ge=1, le=1000)
    repositories: list[NotebookRepository] = []
    notices: Annotated[dict[str, Notice], BeforeValidator(_without_removed)] = {}

    @model_validator(mode="after")
    def _default_is_a_size(self) -> Self:
        if self.default_size not in self.sizes:
            sizes = ", ".join(sorted(self.sizes)) or "no size at all"
            raise ValueError(f"defaultSize {self.default_size!r} is not one of sizes ({sizes}); name one of them")
        if groups := self.sizes[self.default_size].groups:
            raise ValueError(
                f"defaultSize {self.default_size!r} is for {groups[0]} only; name one that is for everybody"
            )
        folders = [url.partition("@")[0].rpartition("/")[2].removesuffix(".git").lower() for url in self.repositories]
        if duplicates := sorted({folder for folder in folders if folders.count(folder) > 1}):
            raise ValueError(f"repositories names {duplicates[0]!r} twice, which would be one folder; leave one out")
        if self.start_timeout < timedelta(seconds=1):
            raise ValueError("startTimeout leaves no time to start a lab; write 5m")
        return self
