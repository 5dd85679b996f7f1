"""A kernel that computes in silence counts as activity, so that nobody loses a long computation because no cell prints.

Jupyter notes a kernel's activity when a message passes, which a busy kernel without output does not cause for hours. Every
setting of the server that ends with `_last_activity` counts as activity too; this extension keeps one.
"""

import os
from datetime import UTC, datetime

from tornado.ioloop import PeriodicCallback

SETTING = "jld_busy_kernels_last_activity"
SECONDS = 60


def _jupyter_server_extension_points():
    return [{"module": "jld_activity"}]


def _load_jupyter_server_extension(app):
    """`--JldActivity.seconds=1` looks more often. JLD_BUSY_IS_IDLE=1 is how a site says that silence is idleness."""
    if os.environ.get("JLD_BUSY_IS_IDLE") == "1":
        return
    seconds = float(app.config.get("JldActivity", {}).get("seconds", SECONDS))
    PeriodicCallback(lambda: note(app.web_app.settings, app.kernel_manager), seconds * 1000).start()


def note(settings, kernels):
    """Write down the present moment if any kernel is busy."""
    states = (getattr(kernels.get_kernel(kernel), "execution_state", None) for kernel in kernels.list_kernel_ids())
    if "busy" in states:
        settings[SETTING] = datetime.now(UTC)
