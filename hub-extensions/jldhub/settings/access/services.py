"""`hub.services` and `hub.roles`: programs that use the hub's REST API, and what they and people may do with it.

Which scopes there are, JupyterHub knows: jldhub/hub/services.py asks it when the hub starts.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from jldhub.settings.types import BaseUrl, ClaimedGroupName, ListedName, SettingsModel

# JLD's own services, and the roles of JupyterHub and of JLD: `jld check` has the same (jld/rules/access/services.py).
RESERVED_SERVICES = frozenset({"account-culler", "idle-culler", "prometheus"})
RESERVED_ROLES = frozenset({"user", "admin", "server", "token", "administrator"}) | RESERVED_SERVICES
ROLE_OF_SERVICE = "service-"  # in front of the name of a service: its role


def _service_name(value: object) -> object:
    if value in RESERVED_SERVICES:
        raise ValueError(f"{value!r} is a service of JLD's own; write another name")
    return value


def _role_name(value: object) -> object:
    if isinstance(value, str) and (value in RESERVED_ROLES or value.startswith(ROLE_OF_SERVICE)):
        raise ValueError(f"{value!r} is a role of JupyterHub's or JLD's own; write another name")
    return value


# Part of paths, of a key of the Secret, and of a role's name.
ServiceName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,46}[a-z0-9])?$"), BeforeValidator(_service_name)]
RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,61}[a-z0-9]$"), BeforeValidator(_role_name)]
# No path, which JupyterHub's services have none of, and no credentials: the settings are in a ConfigMap.
ServiceUrl = Annotated[BaseUrl, Field(pattern=r"^http://[a-z0-9.-]+(:[0-9]{1,5})?$")]
Scope = Annotated[str, Field(min_length=1, max_length=200)]


class Service(SettingsModel):
    """A program that uses the hub's REST API with a token of its own, and may have pages below `/services/NAME/`."""

    url: ServiceUrl | None = None
    scopes: list[Scope] = []
    # Whether everybody who is let in may open its pages: the scope `access:services!service=NAME`.
    allow_all: bool = False
    oauth_redirect: str = ""
    oauth_no_confirm: bool = False


class Role(SettingsModel):
    """Scopes, and who has them. `groups` are organizations, teams and groups of the login, as in `hub.lab.sizes`."""

    description: str = ""
    scopes: list[Scope] = Field(min_length=1)
    users: list[ListedName] = []
    groups: list[ClaimedGroupName] = []
    services: list[str] = []
    allow_all: bool = False


class NamedServers(SettingsModel):
    """How many labs a person may have besides the one without a name. 0: none."""

    limit: int = Field(default=0, ge=0, le=100)
