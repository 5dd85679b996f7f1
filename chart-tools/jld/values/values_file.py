"""The text of a values file, with the comments by which its next run knows it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from jld.site import yaml_writer
from jld.support.key_paths import JsonMap

HEADER = (
    "# Written by `jld values`, and written again by its next run: change the site file instead.\n"
    "# Holds secrets. Keep it out of version control, and keep it: what was generated is nowhere else.\n"
)
_NOTE = "# Note: "


def render_values(data: JsonMap, note: str = "") -> bytes:
    """The bytes of a values file: the same for the same data. `note` is a comment that survives the next run."""
    return (HEADER + (f"{_NOTE}{note}\n" if note else "") + yaml_writer.block(data)).encode()


def read_note(file: Path) -> str:
    """The note that an earlier values file holds, if there is one."""
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            for line in islice(stream, HEADER.count("\n") + 1):
                if line.startswith(_NOTE):
                    return line.removeprefix(_NOTE).rstrip("\n")
    except OSError:
        pass
    return ""


def is_generated(content: bytes) -> bool:
    """Whether `jld values` wrote this, so that nothing is lost when it is written again."""
    return content.startswith(HEADER.splitlines()[0].encode())
