"""`global`: what people type into their browser."""

from pydantic import Field

from jldhub.settings.types import SettingsModel


class Site(SettingsModel):
    """`global`: what people type into their browser."""

    hostname: str = Field(min_length=1)
    port: int = Field(default=443, ge=1, le=65535)
    hub_route: str = Field(default="/", pattern=r"^/([a-z0-9-]+/)?$")

    @property
    def origin(self) -> str:
        return f"https://{self.hostname}" if self.port == 443 else f"https://{self.hostname}:{self.port}"

    @property
    def url(self) -> str:
        """Where the hub and all labs lie, without a slash at the end."""
        return f"{self.origin}{self.hub_route.rstrip('/')}"
