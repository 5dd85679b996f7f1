"""The program that culls: jupyterhub-idle-culler, from some seconds after the hub's start on, with the hub's form of log.

    python -m jldhub.hub.idle_culler SECONDS FORM [the culler's own arguments] [--own-limits=JSON]

It begins at once otherwise. FORM is a value of `hub.log.format`. JSON is what `jldhub.hub.culling.own_limits_text` says.
"""

import json
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub_idle_culler import IdleCuller, parse_date

from jldhub.support.logs import logging_config

_OWN_LIMITS = "--own-limits="


class NotAboutPycurl(logging.Filter):
    """Leaves out that pycurl would be faster: with it in the image, logins would have another HTTP client too."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "pycurl" not in record.getMessage()


@dataclass(frozen=True)
class OwnLimits:
    """When labs are stopped where not all have the same limits: those of a person win over those of labs with a name."""

    document: dict[str, Any]

    def of(self, user: str, server: str) -> tuple[int, int]:
        """The idle time-out and the age of a lab in seconds; 0 is never."""
        ways = [self.document["people"].get(user), self.document["named"] if server else None, self.document["labs"]]
        found = [way for way in ways if way]
        idle, age = (next(way[at] for way in found if way[at] is not None) for at in (0, 1))
        return int(idle), int(age)

    def is_over(self, *, inactive: timedelta | None, server: dict[str, Any], **_: object) -> bool:
        """The culler's `cull_arbiter_hook`."""
        user, _, name = server["full_name"].partition("/")
        idle, age = self.of(user, name)
        since = datetime.now(UTC) - parse_date(server["started"]) if server.get("started") else None
        return bool(
            (idle and inactive is not None and inactive.total_seconds() >= idle)
            or (age and since is not None and since.total_seconds() >= age)
        )


def cull(form: str, arguments: Sequence[str]) -> None:
    """Cull for as long as the process lives."""
    config = logging_config(form) | {
        "filters": {"not-about-pycurl": {"()": NotAboutPycurl}},
        "handlers": {"console": {"filters": ["not-about-pycurl"]}},
    }
    own = [word.removeprefix(_OWN_LIMITS) for word in arguments if word.startswith(_OWN_LIMITS)]
    hook = {"cull_arbiter_hook": OwnLimits(json.loads(own[0])).is_over} if own else {}
    rest = [word for word in arguments if not word.startswith(_OWN_LIMITS)]
    IdleCuller.launch_instance(rest, logging_config=config, **hook)


if __name__ == "__main__":
    seconds, form, *rest = sys.argv[1:]
    time.sleep(float(seconds))
    cull(form, rest)
