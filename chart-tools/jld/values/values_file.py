"""The text of a values file, with the comments by which its next run knows it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from jld.site import yaml_writer
from jld.support.errors import EnvironmentUnfit
from jld.support.files import is_file, kind_of, read_start
from jld.support.key_paths import JsonMap

HEADER = (
    "# Written by `jld values`, and written again by its next run: change the site file instead.\n"
    "# Holds secrets. Keep it out of version control, and keep it: what was generated is nowhere else.\n"
)
_NOTE = "# Note: "
_HEAD_BYTES = 1024  # holds the header and the note


def render_values(data: JsonMap, note: str = "") -> bytes:
    """The bytes of a values file: the same for the same data. `note` is a comment that survives the next run."""
    return (HEADER + (f"{_NOTE}{note}\n" if note else "") + yaml_writer.block(data)).encode()


def read_note(file: Path) -> str:
    """The note that an earlier values file holds, if there is one."""
    with suppress(OSError):
        lines = read_start(file, _HEAD_BYTES).decode(errors="replace").splitlines()
        for line in lines[: HEADER.count("\n") + 1]:
            if line.startswith(_NOTE):
                return line.removeprefix(_NOTE)
    return ""


def is_by_hand(file: Path) -> bool:
    """Whether there is a file that `jld values` did not write, so that something is lost when it is written again.

    Raises EnvironmentUnfit for what is no file, or cannot be read.
    """
    if kind := kind_of(file):
        raise EnvironmentUnfit(f"{file}: is {kind}; name a file")
    if not is_file(file):
        return False
    try:
        return not read_start(file, _HEAD_BYTES).startswith(HEADER.splitlines()[0].encode())
    except OSError as error:
        raise EnvironmentUnfit(f"{file}: cannot be read ({error.strerror}); name another file") from None
