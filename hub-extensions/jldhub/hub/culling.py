"""Stops idle labs: jupyterhub-idle-culler as a service of the hub, with the fewest scopes that it needs."""

import sys
from datetime import timedelta
from typing import Any

from jldhub.settings.settings import Settings

_NAME = "idle-culler"
# The culler has no value for "never": a time-out of 0 would stop every lab at once.
_NEVER = timedelta(days=36500)


def culling_services(settings: Settings) -> list[dict[str, Any]]:
    """Entries for `JupyterHub.services`. None where neither an idle time-out nor a maximum age is set."""
    culling = settings.hub.culling
    limits = [limit for limit in (culling.idle_timeout, culling.max_age) if limit]
    if not limits:
        return []
    command = [
        sys.executable,
        "-m",
        "jldhub.hub.idle_culler",
        # Until every lab has reported to a hub that was away: what its database knows may be older than the time-out.
        str(2 * culling.report_seconds),
        settings.hub.log.format,
        # By loopback: it runs in the hub's pod, and at start-up the hub's Service has no ready endpoint yet.
        f"--url=http://127.0.0.1:{settings.names.hub_port}{settings.site.hub_route}hub/api",
        f"--timeout={_seconds(culling.idle_timeout or _NEVER)}",
        f"--max-age={_seconds(culling.max_age)}",
        f"--cull-every={min(600, max(10, _seconds(min(limits)) // 2))}",
    ]
    return [{"name": _NAME, "command": command}]


def culling_roles(settings: Settings) -> list[dict[str, Any]]:
    """Entries for `JupyterHub.load_roles`: read the activity of users and servers, and stop servers."""
    if not culling_services(settings):
        return []
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    return [{"name": _NAME, "services": [_NAME], "scopes": scopes}]


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
