"""The site's own services and roles (`hub.services`, `hub.roles`) as JupyterHub and the front door know them."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from jupyterhub.scopes import scope_definitions

from jldhub.settings.access.services import ROLE_OF_SERVICE
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings

# `inherit` is for tokens, and the other one says nothing.
_SCOPES = sorted(scope_definitions.keys() - {"inherit", "(no_scope)"})
_FILTER = re.compile(r"user|service|server|(user|service|server|group)=\S+")


def scope_faults(settings: Settings) -> list[str]:
    """One sentence for each scope that JupyterHub does not have, which it tells with a traceback."""
    return [
        *(fault for name, each in settings.hub.services.items() for fault in _faults(f"services.{name}", each.scopes)),
        *(fault for name, each in settings.hub.roles.items() for fault in _faults(f"roles.{name}", each.scopes)),
    ]


def site_services(settings: Settings, secrets: HubSecrets) -> list[dict[str, Any]]:
    """Entries for `JupyterHub.services`.

    Without `url`: JupyterHub would wait for a service that does not answer, before it tells the front door any route. The route
    is one of `service_routes`.
    """
    services = []
    for name, service in settings.hub.services.items():
        spec: dict[str, Any] = {"name": name, "api_token": secrets.service_tokens[name]}
        redirect = service.oauth_redirect or (f"{_path(settings, name)}oauth_callback" if service.url else "")
        if redirect:
            spec |= {"oauth_redirect_uri": redirect, "oauth_no_confirm": service.oauth_no_confirm}
        services.append(spec)
    return services


def site_roles(settings: Settings) -> list[dict[str, Any]]:
    """Entries for `JupyterHub.load_roles`. One for each service with scopes, and those of the site."""
    services, roles = settings.hub.services, settings.hub.roles
    return [
        *(
            {"name": f"{ROLE_OF_SERVICE}{name}", "services": [name], "scopes": list(service.scopes)}
            for name, service in services.items()
            if service.scopes
        ),
        *(
            {
                "name": name,
                "description": role.description,
                "scopes": list(role.scopes),
                "users": list(role.users),
                "groups": list(role.groups),
                "services": list(role.services),
            }
            for name, role in roles.items()
        ),
    ]


def scopes_of_everybody(settings: Settings) -> list[str]:
    """The trait `JupyterHub.extra_user_scopes`: what everybody who is let in may do, besides JupyterHub's own."""
    pages = [f"access:services!service={name}" for name, each in settings.hub.services.items() if each.allow_all]
    return [*pages, *(scope for role in settings.hub.roles.values() if role.allow_all for scope in role.scopes)]


def service_routes(settings: Settings) -> dict[str, str]:
    """For the trait `Proxy.extra_routes`: where the front door finds the pages of services."""
    return {_path(settings, name): each.url for name, each in settings.hub.services.items() if each.url}


def _path(settings: Settings, name: str) -> str:
    return f"{settings.site.hub_route}services/{name}/"


def _faults(place: str, scopes: Sequence[str]) -> Iterator[str]:
    for scope in scopes:
        name, has_filter, chosen = scope.partition("!")
        if name not in _SCOPES:
            close = difflib.get_close_matches(name, _SCOPES, 1)
            hint = f"did you mean {close[0]}?" if close else "look into JupyterHub's documentation"
            yield f"hub.{place}.scopes: JupyterHub has no scope {name!r}; {hint}"
        elif has_filter and not _FILTER.fullmatch(chosen):
            yield (
                f"hub.{place}.scopes: {scope!r} has a filter that JupyterHub does not know; "
                "write !user=NAME, !group=NAME, !server=USER/NAME or !service=NAME"
            )
