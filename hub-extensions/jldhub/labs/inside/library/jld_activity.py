"""A server extension that counts a busy kernel as activity, so that a long computation without output is not culled.

Jupyter Server records a kernel's activity with each message, and a busy kernel without output sends none for hours. The
server takes each of its settings whose name ends with `_last_activity` as a time of activity; this extension updates
one of them.
"""

import os
from datetime import datetime, timezone

from tornado.ioloop import PeriodicCallback

SETTING = "jld_busy_kernels_last_activity"
SECONDS = 60


def _jupyter_server_extension_points():
    return [{"module": "jld_activity"}]


def _load_jupyter_server_extension(app):
    """Poll the kernels every 60 seconds, or as `--JldActivity.seconds` says.

    JLD_BUSY_IS_IDLE=1 turns it off (hub.culling).
    """
    if os.environ.get("JLD_BUSY_IS_IDLE") == "1":
        return
    seconds = float(app.config.get("JldActivity", {}).get("seconds", SECONDS))
    PeriodicCallback(lambda: note(app.web_app.settings, app.kernel_manager), seconds * 1000).start()


def note(settings, kernels):
    """Record the current time as the last activity if any kernel is busy."""
    states = (getattr(kernels.get_kernel(kernel), "execution_state", None) for kernel in kernels.list_kernel_ids())
    if "busy" in states:
        settings[SETTING] = datetime.now(timezone.utc)
