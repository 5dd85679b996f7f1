"""`hub.lab`: the sizes of labs and where they run, quotas, time-outs, and what every lab has."""

import re
from datetime import timedelta
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from jldhub.settings.lab_images import LabImage, TypedImages
from jldhub.settings.pods.additions import PodAdditions
from jldhub.settings.types import Bytes, ClaimedGroupName, Cores, Duration, SettingsModel, without_removed


class Toleration(SettingsModel):
    """A taint that does not keep a lab away, as in a pod's spec. Without a key or an effect, each of them."""

    operator: Literal["Exists", "Equal"]
    key: str = ""
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""
    toleration_seconds: int | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, exclude_defaults=True) | {"operator": self.operator}


class Placement(SettingsModel):
    """Nodes by their labels and taints."""

    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []


class Spread(SettingsModel):
    """Over which nodes, zones or the like labs are spread."""

    max_skew: int = Field(ge=1)
    topology_key: str
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]


class ServiceAccount(SettingsModel):
    """The ServiceAccount of labs."""

    annotations: dict[str, str] = {}


class PodSettings(Placement):
    """`hub.lab.pod`: where labs run and what their pods carry. Empty means what the cluster has by default.

    The containers and hooks are in Kubernetes' own words.
    """

    affinity: dict[str, Any] = {}
    priority_class_name: str = ""
    topology_spread: list[Spread] = []
    runtime_class_name: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    service_account: ServiceAccount = ServiceAccount()
    init_containers: list[dict[str, Any]] = []
    containers: list[dict[str, Any]] = []
    lifecycle: dict[str, Any] = {}


class Size(Placement):
    """What a lab of one size may use, and where it runs. CPU in cores, memory in bytes.

    Where no guarantee is written, it is the limit divided by `Lab.size_range`.
    """

    cpu: Cores
    memory: Bytes
    # Only members of one of these groups are offered the size. An empty list means everybody.
    groups: list[ClaimedGroupName] = []
    guaranteed_cpu: Cores | None = None
    guaranteed_memory: Bytes | None = None
    gpus: int = Field(default=0, ge=0, le=64)
    gpu_resource: str = "nvidia.com/gpu"
    shm_size: Bytes | None = None  # None means what the container runtime gives, 64 MiB

    @model_validator(mode="after")
    def _parts_are_not_larger_than_the_whole(self) -> Self:
        for key, part, whole in (
            ("guaranteedCpu", self.guaranteed_cpu, self.cpu),
            ("guaranteedMemory", self.guaranteed_memory, self.memory),
            ("shmSize", self.shm_size, self.memory),
        ):
            if part is not None and part > whole:
                raise ValueError(f"{key} is more than the lab may use; write less, or make the size larger")
        return self


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


ChoiceName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")]
NotebookRepository = Annotated[str, BeforeValidator(_repository)]
Notice = Annotated[str, Field(min_length=1, max_length=2000)]


class Lab(PodAdditions):
    """The values below `hub.lab`. `tmp_size` in bytes; `size_range` is a size's limit divided by its request."""

    images: Annotated[dict[ChoiceName, LabImage], BeforeValidator(without_removed)] = {}
    default_image: str = ""
    typed_images: TypedImages = TypedImages()
    pod: PodSettings = PodSettings()
    sizes: Annotated[dict[ChoiceName, Size], BeforeValidator(without_removed)]
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
    notices: Annotated[dict[str, Notice], BeforeValidator(without_removed)] = {}

    @property
    def groups_of_choices(self) -> list[str]:
        """All groups whose members may choose what others may not: a login has to read these memberships."""
        of_sizes, of_images = (
            (size.groups for size in self.sizes.values()),
            (image.groups for image in self.images.values()),
        )
        return list(chain(*of_sizes, *of_images, self.typed_images.groups))

    @model_validator(mode="after")
    def _default_is_an_image(self) -> Self:
        names = ", ".join(sorted(self.images))
        if self.images and self.default_image not in self.images:
            raise ValueError(f"defaultImage {self.default_image!r} is not one of images ({names}); name one of them")
        for name, image in self.images.items():
            if unknown := sorted(set(image.sizes) - set(self.sizes)):
                raise ValueError(f"images.{name} has the size {unknown[0]!r}, which is not one of sizes; correct it")
        if not self.images:
            return self
        default = self.images[self.default_image]
        if default.groups:
            raise ValueError(
                f"defaultImage {self.default_image!r} is for {default.groups[0]} only; name one that is for everybody"
            )
        if default.sizes and self.default_size not in default.sizes:
            raise ValueError(
                f"defaultImage {self.default_image!r} does not start with defaultSize; add it to its sizes"
            )
        return self

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
