"""`names`: the names and addresses of what the chart renders, so that Python code builds none."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from jldhub.settings.types import BaseUrl, FrontDoorApi, SettingsModel


class Volume(SettingsModel):
    """A PersistentVolumeClaim that every lab mounts."""

    claim: str
    mount_path: str
    read_only: bool = False


class Firefly(SettingsModel):
    """Firefly's path on the site, and the address to which the front door forwards it."""

    route: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9][A-Za-z0-9_-]*)+$")]
    url: BaseUrl


class UserNamespaces(SettingsModel):
    """User namespaces: each person's labs run in a namespace of their own."""

    prefix: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?$")
    labels: dict[str, str] = Field(min_length=1)
    owner: str  # the ClusterRole that owns the namespaces: they are garbage-collected with it
    network_policy: str  # the NetworkPolicy of labs in the release's namespace
    volumes: dict[str, str]  # name of a volume to the name of the release's PersistentVolume


# The well-known label, with the value that KubeSpawner itself gives.
MANAGED_BY = {"app.kubernetes.io/managed-by": "kubespawner"}


class ImageNames(SettingsModel):
    """The names on which images depend: those that the prepuller knows, too."""

    namespace: str
    lab_labels: dict[str, str]
    lab_image: str
    hub_image: str
    image_pull_secrets: list[str] = []
    catalogue: str | None = None  # None where no controller looks after images


class Names(ImageNames):
    """The names and addresses of what the chart renders."""

    hub_url: BaseUrl
    # host:port of the route API of the front door's replicas.
    front_door: list[FrontDoorApi] = Field(min_length=1)
    without_proxy: str = ""  # what nobody asks through the HTTP proxy, as NO_PROXY has it
    lab_pod: str
    lab_service_account: str
    prepuller: str | None = None  # the Deployment of the controller of images; None where there is none
    scraped: bool = False  # whether the network policy lets somebody read the hub's numbers
    volumes: dict[str, Volume]
    firefly: Firefly | None = None  # None where the site has no Firefly
    user_namespaces: UserNamespaces | None = None  # None where labs run in the release's namespace

    @property
    def object_labels(self) -> dict[str, str]:
        """The labels of what the hub makes for labs. More than `lab_labels`, by which policies select them."""
        return self.lab_labels | MANAGED_BY

    @property
    def hub_port(self) -> int:
        """The port of the hub's API, from `hub_url`."""
        return urlsplit(self.hub_url).port or 8081

    @model_validator(mode="after")
    def _homes_have_a_place(self) -> Self:
        if "home" not in self.volumes:
            raise ValueError("volumes has no home; the chart always hands one over")
        return self
