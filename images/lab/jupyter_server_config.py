"""The lab's own token for the hub comes from a file, so that no kernel, terminal or list of pods has it in an environment."""

import os
from pathlib import Path

c = get_config()  # noqa: F821 - Jupyter puts it into a config file's namespace


class Hidden(str):
    """A text that a debugging log, which shows the whole configuration, does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<hidden>"


_file = Path(os.environ.get("JLD_FILES", "/run/jld"), "hub-token")
if _file.is_file():  # other programs of Jupyter read this configuration too
    c.HubAuth.api_token = Hidden(_file.read_text(encoding="utf-8").strip())
