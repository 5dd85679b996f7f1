"""A server extension that sets JLD's defaults where neither the image nor the person set another value."""

import os
import shutil

from traitlets.config import Config

NOTARY = "/tmp/nbsignatures.db"  # noqa: S108 - the lab's own; SQLite's locks are unreliable in a home on a file server


def _jupyter_server_extension_points():
    return [{"module": "jld_defaults"}]


def _link_jupyter_server_extension(app):
    """Jupyter Server calls this when it has read all configuration, and has made nothing from it yet."""
    if "db_file" not in app.config.NotebookNotary:
        app.update_config(Config({"NotebookNotary": {"db_file": NOTARY}}))
    if "shell_command" not in app.terminado_settings:
        app.terminado_settings = {**app.terminado_settings, "shell_command": shell_command()}


def _load_jupyter_server_extension(app):
    pass  # all is done above


def shell_command():
    """The program of terminals: the image's shell, and bash with JLD's start-up file.

    Not a login shell, which Jupyter Server would choose: /etc/profile of most images sets PATH anew, without the folder
    that has the image's Jupyter.
    """
    shell = os.environ.get("SHELL") or shutil.which("bash") or "/bin/sh"
    rcfile = os.path.join(os.environ.get("JLD_FILES", "/run/jld"), "bashrc")  # noqa: PTH118 - one import fewer
    return [shell, "--rcfile", rcfile] if os.path.basename(shell) == "bash" else [shell]  # noqa: PTH119
