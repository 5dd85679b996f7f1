"""The table of what is installed, as text that a person can compare line by line."""

from __future__ import annotations

import json
import re
from importlib import import_module
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

from jld.installed.api_types import described_types
from jld.installed.databases import drivers
from jld.installed.logins import described_logins
from jld.installed.traits import described_traits
from jld.rules.traits.owned import CLASSES
from jld.support.key_paths import JsonMap

_SAID = ("jupyterhub", "jupyterhub-kubespawner", "oauthenticator", "sqlalchemy", "psycopg")
_BESIDE_PYTHON = ("kubernetes-validate",)  # not in the image: the API's schemas, which the tests use too
_ON_A_LINE = 2  # levels of the table that are spread over lines


def table(requirements: Path) -> str:
    """What is installed here of the packages that `requirements` names, those of the hub's image."""
    packages = {each.lower() for each in re.findall(r"^([A-Za-z0-9._-]+)==", requirements.read_text(), re.MULTILINE)}
    points = [
        point
        for point in entry_points(group="jupyterhub.authenticators")
        if point.dist and point.dist.name.lower().replace("_", "-") in packages
    ]
    logins = described_logins(points)
    content: JsonMap = {
        "packages": {name: version(name) for name in (*_SAID, *_BESIDE_PYTHON)},
        "drivers": drivers(packages),
        "traits": {name: described_traits(getattr(import_module(module), name)) for name, module in CLASSES.items()},
        "logins": {name: {key: part for key, part in each.items() if key != "traits"} for name, each in logins.items()},
        "options": {name: each["traits"] for name, each in logins.items() if "traits" in each},
        "types": described_types(),
    }
    return _written(content) + "\n"


def _written(data: Any, level: int = 0) -> str:
    if level > _ON_A_LINE or not isinstance(data, dict) or not data:
        return json.dumps(data, ensure_ascii=False)
    inner = " " * (level + 1)
    lines = (f"{inner}{json.dumps(key)}: {_written(each, level + 1)}" for key, each in data.items())
    return "{\n" + ",\n".join(lines) + "\n" + " " * level + "}"
