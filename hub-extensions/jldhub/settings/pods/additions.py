"""`hub.lab.environment`, `files` and `volumes`: what a site adds to labs."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from jldhub.settings.quantities import parse_memory
from jldhub.settings.types import SettingsModel, without_removed


class SecretKey(SettingsModel):
    """Where a value stands: a key of a Secret that exists."""

    secret: str
    key: str


class FurtherVolume(SettingsModel):
    """A mount, and its source in Kubernetes' own words."""

    mount_path: str
    read_only: bool = False
    sub_path: str = ""
    config_map: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    csi: dict[str, Any] = {}
    empty_dir: dict[str, Any] = {}
    persistent_volume_claim: dict[str, Any] = {}

    @property
    def source(self) -> dict[str, Any]:
        """The volume's source, as in a pod's spec."""
        sources = {
            "configMap": self.config_map,
            "secret": self.secret,
            "csi": self.csi,
            "emptyDir": self.empty_dir,
            "persistentVolumeClaim": self.persistent_volume_claim,
        }
        return {kind: source for kind, source in sources.items() if source}

    @property
    def disk_bytes(self) -> int:
        """How much of the node's disk it may fill."""
        return parse_memory(self.empty_dir["sizeLimit"]) if self.empty_dir and not self.empty_dir.get("medium") else 0

    @property
    def secrets(self) -> list[str]:
        """The names of the Secrets that it reads."""
        named = [self.secret.get("secretName"), self.csi.get("nodePublishSecretRef", {}).get("name")]
        return [str(name) for name in named if name]

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if len(self.source) != 1:
            raise ValueError(
                "a volume has one of configMap, secret, csi, emptyDir and persistentVolumeClaim; write one"
            )
        return self


Given = Annotated[dict[str, str | SecretKey], BeforeValidator(without_removed)]


class PodAdditions(SettingsModel):
    """What stands in labs besides what JLD brings: variables and files by their names and paths, and volumes by name."""

    environment: Given = {}
    files: Given = {}
    volumes: Annotated[dict[str, FurtherVolume], BeforeValidator(without_removed)] = {}

    @property
    def secrets(self) -> list[str]:
        """The names of the Secrets that are read, each once."""
        return list(dict.fromkeys(self._secrets()))

    def _secrets(self) -> Iterator[str]:
        for value in (*self.environment.values(), *self.files.values()):
            if isinstance(value, SecretKey):
                yield value.secret
        for volume in self.volumes.values():
            yield from volume.secrets
