"""The hub's settings: one YAML file from the chart, with the keys of the values, parsed and validated once."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import Field, ValidationError

from jldhub.settings.hub import Hub
from jldhub.settings.names import Names, Volume
from jldhub.settings.site import Site, Storage
from jldhub.settings.types import SettingsModel

DEFAULT_PATH = Path("/etc/jld/settings/settings.yaml")
Model = TypeVar("Model", bound=SettingsModel)


class SettingsError(Exception):
    """The settings are invalid. One sentence for each mistake: place, cause, remedy."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class Settings(SettingsModel):
    """The whole settings file."""

    site: Site = Field(alias="global")
    hub: Hub
    storage: Storage = Storage()
    names: Names
    secret_directory: Annotated[Path, Field(strict=False)] = Path("/etc/jld/secret")
    trust_directory: Annotated[Path, Field(strict=False)] = Path("/etc/jld/trust")
    catalogue_directory: Annotated[Path, Field(strict=False)] = Path("/etc/jld/catalogue")

    @property
    def has_own_homes(self) -> bool:
        """Whether each home is in a volume of its own."""
        return self.storage.homes == "perPerson"

    @property
    def shared_volumes(self) -> dict[str, Volume]:
        """The volumes that all labs share, by name: with such homes not the volume `home`, which nobody makes."""
        own = {"home"} if self.has_own_homes else set()
        return {name: volume for name, volume in self.names.volumes.items() if name not in own}

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read the settings file. Raises SettingsError.

        The environment variable `JLD_SETTINGS` names another file where the hub runs outside its pod.
        """
        return read(cls, path or Path(os.environ.get("JLD_SETTINGS", DEFAULT_PATH)))

    @classmethod
    def parse(cls, document: object) -> Self:
        """Settings from a parsed YAML document. Raises SettingsError."""
        return parse(cls, document)


class _AsHelmWrites(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # each file of jupyterhub_config.d reads it
    """Helm writes the text `=` without quotes, which to PyYAML is a value of a type that nobody uses."""


_AsHelmWrites.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


def read(model: type[Model], path: Path) -> Model:
    """Settings from a file that the chart mounts. Raises SettingsError."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_AsHelmWrites)  # noqa: S506 (a safe one)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); the chart mounts it") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not YAML; {' '.join(str(error).split())}") from error
    return parse(model, document)


def parse(model: type[Model], document: object) -> Model:
    """Settings from a parsed YAML document. Raises SettingsError."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise SettingsError(*(_sentence(dict(mistake)) for mistake in error.errors(include_url=False))) from None


_REMEDIES = {
    "missing": "is missing; write it",
    "extra_forbidden": "is not a key that the hub knows; correct its spelling or remove it",
}


def _sentence(mistake: Mapping[str, Any]) -> str:
    """Place, cause and remedy, from one error of pydantic."""
    place = ".".join(str(part) for part in mistake["loc"] if part != "[key]") or "the settings"
    kind = mistake["type"]
    if kind == "value_error":
        return f"{place}: {mistake['ctx']['error']}"
    if kind in _REMEDIES:
        return f"{place}: {_REMEDIES[kind]}"
    return f"{place}: {mistake['input']!r} is wrong; {mistake['msg'][0].lower()}{mistake['msg'][1:]}"
