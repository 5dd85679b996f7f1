"""`names`: what the chart made and what it is called, so that no Python makes a name."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from jldhub.settings.types import BaseUrl, FrontDoorApi, SettingsModel


class Volume(SettingsModel):
    """Files that every lab mounts."""

    claim: str
    mount_path: str
    read_only: bool = False


class Firefly(SettingsModel):
    """Where Firefly is: on the site, and for the front door."""

    route: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9][A-Za-z0-9_-]*)+$")]
    url: BaseUrl


class UserNamespaces(SettingsModel):
    """Where each person's labs run in a namespace of their own."""

    prefix: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?$")
    labels: dict[str, str] = Field(min_length=1)
    owner: str  # the ClusterRole with which the namespaces go
    network_policy: str  # the labs' one in the release's namespace
    volumes: dict[str, str]  # volume to the release's PersistentVolume


class Names(SettingsModel):
    """The names of what the chart made, so that no Python builds one."""

    namespace: str
    hub_url: BaseUrl
    # host:port of the API of the front door's replicas.
    front_door: list[FrontDoorApi] = Field(min_length=1)
    lab_pod: str
    lab_service_account: str
    lab_labels: dict[str, str]
    lab_image: str
    hub_image: str
    image_pull_secrets: list[str] = []
    volumes: dict[str, Volume]
    firefly: Firefly | None = None  # nothing where it does not run
    user_namespaces: UserNamespaces | None = None  # nothing where labs run in the release's namespace

    @property
    def hub_port(self) -> int:
        return urlsplit(self.hub_url).port or 8081

    @model_validator(mode="after")
    def _homes_have_a_place(self) -> Self:
        if "home" not in self.volumes:
            raise ValueError("volumes has no home; the chart always hands one over")
        return self
