"""The hub process itself: where it listens, what it keeps, how it reaches the front door."""

from typing import Any

from jldhub.front_door.proxy import FrontDoor
from jldhub.hub import firefly
from jldhub.hub.database import database_url
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings
from jldhub.support.logs import log_config


def hub_config(settings: Settings, secrets: HubSecrets) -> dict[str, dict[str, Any]]:
    names = settings.names
    return {
        "JupyterHub": {
            # An empty host binds IPv4 and IPv6; the port is the one that labs and front door are told.
            "hub_bind_url": f"http://:{names.hub_port}",
            "hub_connect_url": names.hub_url,
            "base_url": settings.site.hub_route,
            # Whatever has no route of its own is the hub's, also outside of its path: it leads people there.
            "hub_routespec": "/",
            "proxy_class": FrontDoor,
            "public_url": f"{settings.site.url}/",
            "db_url": database_url(secrets.database_url),
            # A newer JupyterHub finds an older database: ours it brings up to date by itself, after a copy. Somebody else's only when told.
            "upgrade_db": settings.hub.db.upgrade or not settings.hub.db.external,
            "cookie_secret": secrets.cookie_secret,
            # Labs and routes outlive the hub, so that a restart or an upgrade goes unnoticed.
            "cleanup_servers": False,
            "cleanup_proxy": False,
            "shutdown_on_logout": False,
            "allow_named_servers": False,
            # Every lab reports its activity every five minutes; fewer writes keep the database out of the way.
            "activity_resolution": 600,
            # Nobody is sent away because others start too: starts wait in line (starting.py).
            "concurrent_spawn_limit": 0,
            "authenticate_prometheus": True,
            **log_config(settings.hub.log),
            "tornado_settings": {"cookie_options": {"samesite": "Lax", "secure": True}},
        },
        "CryptKeeper": {"keys": secrets.crypt_keys},
        "Proxy": {"extra_routes": firefly.extra_routes(settings)},
        "FrontDoor": {"apis": names.front_door, "auth_token": secrets.proxy_token},
    }
