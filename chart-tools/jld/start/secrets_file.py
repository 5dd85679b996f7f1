"""The file with the secrets of an old file, which `jld values` finds beside the new site file."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from jld.site import yaml_writer
from jld.site.tree import Node, plain, put
from jld.support.errors import Place, Problem
from jld.support.key_paths import JsonMap, KeyPath

NAME = "secrets.yaml"
_HEAD = "# Secrets in plain text, read by `jld values`. Keep this file out of version control.\n"


def rendered(secrets: Mapping[KeyPath, str]) -> bytes:
    """The bytes of the file."""
    data = Node({})
    for path, text in secrets.items():
        data = put(data, path, Node(text))
    plain_data: JsonMap = plain(data)
    return (_HEAD + yaml_writer.block(plain_data)).encode()


def unless_ignored(file: Path) -> list[Problem]:
    """A warning where git would track the file. Without git, or outside of its folders, there is none."""
    try:
        result = subprocess.run(
            ["git", "-C", str(file.parent), "check-ignore", "--quiet", file.name], check=False, capture_output=True
        )
    except OSError:
        return []
    if result.returncode != 1:  # 0: it is ignored; 128: no repository
        return []
    return [Problem(Place(str(file)), "", f"git does not ignore this file; add a line {file.name} to .gitignore")]
