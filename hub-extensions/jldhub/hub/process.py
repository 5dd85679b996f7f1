"""Traits of the hub process: addresses, database, cookies, log and proxy."""

from typing import Any

from jldhub.front_door.proxy import FrontDoor
from jldhub.hub import firefly, services
from jldhub.hub.database import database_url
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings
from jldhub.support.logs import log_config


def hub_config(settings: Settings, secrets: HubSecrets) -> dict[str, dict[str, Any]]:
    """Trait values by class."""
    names = settings.names
    return {
        "JupyterHub": {
            # An empty host binds IPv4 and IPv6. The port is the one in `hub_url`, which labs and front door use.
            "hub_bind_url": f"http://:{names.hub_port}",
            "hub_connect_url": names.hub_url,
            "base_url": settings.site.hub_route,
            # Requests without a route of their own go to the hub, also outside of base_url: it redirects to base_url.
            "hub_routespec": "/",
            "proxy_class": FrontDoor,
            "public_url": f"{settings.site.url}/",
            "db_url": database_url(secrets.database_url),
            # After an upgrade of JupyterHub: SQLite is migrated automatically, after a backup. An external database is
            # migrated only where the site allows it.
            "upgrade_db": settings.hub.db.may_change,
            "cookie_secret": secrets.cookie_secret,
            # Labs and routes outlive the hub, so that a restart or an upgrade interrupts nobody.
            "cleanup_servers": False,
            "cleanup_proxy": False,
            "shutdown_on_logout": False,
            "allow_named_servers": settings.hub.named_servers.limit > 0,
            "named_server_limit_per_user": settings.hub.named_servers.limit,
            # Seconds. The activity of people and tokens, which labs use too; a coarse resolution saves database writes. The
            # activity of labs, by which they are culled, is written down with each of their reports.
            "activity_resolution": 600,
            # The front door knows which labs are visited.
            "last_activity_interval": settings.hub.culling.report_seconds,
            # No limit here: JupyterHub would reject further spawns. They wait in the spawn queue instead
            # (labs/start/queue.py).
            "concurrent_spawn_limit": 0,
            "authenticate_prometheus": True,
            "token_expires_in_max_seconds": int(settings.hub.auth.token_lifetime.total_seconds()),
            **log_config(settings.hub.log),
            "tornado_settings": {"cookie_options": {"samesite": "Lax", "secure": True}},
        },
        "CryptKeeper": {"keys": secrets.crypt_keys},
        "Proxy": {"extra_routes": firefly.extra_routes(settings) | services.service_routes(settings)},
        "FrontDoor": {"apis": names.front_door, "auth_token": secrets.proxy_token},
    }
