"""What the chart hands to the storage's hooks: one YAML file, read once and typed."""

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

PATH = Path(__file__).with_name("settings.yaml")  # the chart mounts both from one ConfigMap


class Settings(BaseModel):
    """Names and manifests as the chart rendered them. Nothing here is made up by Python."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    namespace: str
    service: dict[str, Any]
    """The file server's Service, without an address."""
    volumes: list[dict[str, Any]]
    """The PersistentVolumes of the file server's trees, with an empty `nfs.server`."""
    deployments: list[str]
    """What uses the volumes or starts pods that do: it is stopped before the server goes."""
    mount_selector: str
    """Labels of the pods that mount the volumes."""
    user_namespaces: dict[str, str] = {}
    """Labels of further namespaces in which such pods are; nothing where there are none."""

    @classmethod
    def load(cls, path: Path = PATH) -> Self:
        return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
