"""Reads the lab's API token for the hub from a file, so that no environment variable contains it."""

import os
from pathlib import Path

c = get_config()  # noqa: F821 - Jupyter defines it in a config file's namespace


class Hidden(str):
    """A string whose repr is masked: a debug log has the repr of the whole configuration."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


_file = Path(os.environ.get("JLD_FILES", "/run/jld"), "hub-token")
if _file.is_file():  # other Jupyter programs load this configuration too, outside of a lab
    c.HubAuth.api_token = Hidden(_file.read_text(encoding="utf-8").strip())
