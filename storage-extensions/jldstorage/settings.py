"""The settings of the storage's hooks: one YAML file from the chart, parsed and validated once."""

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

PATH = Path(__file__).with_name("settings.yaml")  # in the same ConfigMap as this package


class Settings(BaseModel):
    """Names and manifests as the chart rendered them, so that Python code builds none."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    namespace: str
    service: dict[str, Any]
    """The file server's Service, without an address."""
    volumes: list[dict[str, Any]]
    """The PersistentVolumes of the file server's trees, with an empty `nfs.server`."""
    deployments: list[str]
    """The Deployments whose pods mount the volumes or start such pods. They are scaled to zero before an uninstall."""
    mount_selector: str
    """Labels of the pods that mount the volumes."""
    report: dict[str, Any]
    """The ConfigMap that keeps what could not be stopped before an uninstall, without its data."""
    user_namespaces: dict[str, str] = {}
    """Labels of further namespaces with such pods; empty where there are none."""

    @classmethod
    def load(cls, path: Path = PATH) -> Self:
        """Raises pydantic's ValidationError."""
        return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
