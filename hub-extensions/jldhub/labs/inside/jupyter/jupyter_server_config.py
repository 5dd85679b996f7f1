"""Reads the lab's API token for the hub from a file, so that no environment variable contains it.

And lets Jupyter Server, but no kernel, find JLD's extensions.
"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - Jupyter defines it in a config file's namespace


class Hidden(str):
    """A string whose repr is masked: a debug log has the repr of the whole configuration."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


_files = Path(os.environ.get("JLD_FILES", "/run/jld"))
sys.path.append(str(_files / "library"))
_token = _files / "hub-token"
if _token.is_file():  # other Jupyter programs load this configuration too, outside of a lab
    c.HubAuth.api_token = Hidden(_token.read_text(encoding="utf-8").strip())
