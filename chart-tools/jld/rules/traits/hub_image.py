"""What the hub's image has installed: a table that `jld installed` makes, because importing JupyterHub takes seconds."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from jld.support.key_paths import JsonMap

FILE = Path(__file__).with_name("hub_image.json")


@cache
def table() -> JsonMap:
    """The whole table, by part: packages, drivers, traits, logins, options, types."""
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def traits(class_name: str) -> dict[str, JsonMap]:
    """What each trait of one of the classes of `hub.traits` takes."""
    return dict(table()["traits"][class_name])
