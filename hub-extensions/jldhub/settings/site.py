"""`global` and `storage`: the site's public address, its way out, and where home directories are."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from jldhub.settings.quantities import parse_memory
from jldhub.settings.types import SettingsModel


class Proxy(SettingsModel):
    """The HTTP proxy between the cluster and the internet."""

    https: str = ""


class Site(SettingsModel):
    """The host, port and path under which people reach the hub, and how the hub and labs reach the internet."""

    hostname: str = Field(min_length=1)
    port: int = Field(default=443, ge=1, le=65535)
    hub_route: str = Field(default="/", pattern=r"^/([a-z0-9-]+/)?$")
    proxy: Proxy = Proxy()

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"https://{self.hostname}" if self.port == 443 else f"https://{self.hostname}:{self.port}"

    @property
    def url(self) -> str:
        """The address of the hub and of all labs, without a slash at the end."""
        return f"{self.origin}{self.hub_route.rstrip('/')}"


def _capacity(value: str) -> str:
    parse_memory(value)
    return value


class PerPerson(SettingsModel):
    """The volume of each person, where homes have one of their own."""

    storage_class: str = ""  # empty means the cluster's default class
    capacity: Annotated[str, AfterValidator(_capacity)] = "10Gi"
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"


class Storage(SettingsModel):
    """Whether all homes are in the volume `home`, or each in a volume of its own."""

    homes: Literal["shared", "perPerson"] = "shared"
    per_person: PerPerson = PerPerson()
