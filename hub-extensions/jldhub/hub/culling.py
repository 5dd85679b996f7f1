"""Stops idle labs: jupyterhub-idle-culler as a service of the hub, with the fewest scopes that it needs."""

import json
import sys
from datetime import timedelta
from typing import Any

from jldhub.settings.hub import Culling, Limits
from jldhub.settings.settings import Settings

_NAME = "idle-culler"
# The culler has no value for "never": a time-out of 0 would stop every lab at once.
_NEVER = timedelta(days=36500)


def culling_services(settings: Settings) -> list[dict[str, Any]]:
    """Entries for `JupyterHub.services`. None where neither an idle time-out nor a maximum age is set."""
    culling = settings.hub.culling
    limits = [limit for each in culling.every_limit for limit in (each.idle_timeout, each.max_age) if limit]
    if not limits:
        return []
    own_limits = any(each.idle_timeout is not None or each.max_age is not None for each in culling.every_limit[1:])
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
        # Where some have an age of their own, jldhub.hub.idle_culler compares it: the culler knows one for all.
        f"--max-age={0 if own_limits else _seconds(culling.max_age)}",
        f"--cull-every={min(600, max(10, _seconds(min(limits)) // 2))}",
        *(["--remove-named-servers=true"] if culling.named_servers.remove else []),
        *([f"--own-limits={own_limits_text(culling)}"] if own_limits else []),
    ]
    return [{"name": _NAME, "command": command}]


def culling_roles(settings: Settings) -> list[dict[str, Any]]:
    """Entries for `JupyterHub.load_roles`: read the activity of users and servers, and stop servers."""
    if not culling_services(settings):
        return []
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    return [{"name": _NAME, "services": [_NAME], "scopes": scopes}]


def own_limits_text(culling: Culling) -> str:
    """The idle time-out and the age, in seconds, of labs without a name, of those with one, and of people's; 0 is never."""

    def of(limits: Limits) -> list[int | None]:
        return [None if each is None else _seconds(each) for each in (limits.idle_timeout, limits.max_age)]

    people = {name: of(limits) for name, limits in culling.people.items()}
    return json.dumps({"labs": of(culling), "named": of(culling.named_servers), "people": people})


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
