"""The program that culls: jupyterhub-idle-culler, from some seconds after the hub's start on, with the hub's form of log.

    python -m jldhub.hub.idle_culler SECONDS FORM [the culler's own arguments]

It begins at once otherwise. FORM is a value of `hub.log.format`.
"""

import logging
import sys
import time
from collections.abc import Sequence

from jupyterhub_idle_culler import IdleCuller

from jldhub.support.logs import logging_config


class NotAboutPycurl(logging.Filter):
    """Leaves out that pycurl would be faster: with it in the image, logins would have another HTTP client too."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "pycurl" not in record.getMessage()


def cull(form: str, arguments: Sequence[str]) -> None:
    """Cull for as long as the process lives."""
    config = logging_config(form) | {
        "filters": {"not-about-pycurl": {"()": NotAboutPycurl}},
        "handlers": {"console": {"filters": ["not-about-pycurl"]}},
    }
    IdleCuller.launch_instance(list(arguments), logging_config=config)


if __name__ == "__main__":
    seconds, form, *rest = sys.argv[1:]
    time.sleep(float(seconds))
    cull(form, rest)
