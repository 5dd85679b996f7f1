"""`hub.lab.images` from nothing but references, with names and titles that a person may change later."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from jld.rules.images.series import IMAGES
from jld.support.key_paths import KeyPath

DEFAULT: KeyPath = ("hub", "lab", "defaultImage")
_LONGEST, _LONGEST_TITLE = 32, 80  # characters
_DOCKER_HUB = "docker.io"


def listed_images(references: Iterable[str]) -> dict[KeyPath, Any]:
    """The keys of a site that offers these images. The first one is the default."""
    images: dict[str, Any] = {}
    for reference in dict.fromkeys(references):
        title = _repository(reference).capitalize().replace("-", " ")[:_LONGEST_TITLE].strip()
        images[_name(reference, images)] = {"reference": reference, "title": title}
    return {IMAGES: images, DEFAULT: next(iter(images))} if images else {}


def with_registry(name: str) -> str:
    """A reference as container runtimes read a short name: `python` is `docker.io/library/python:latest`."""
    first, slash, _ = name.partition("/")
    if not slash or not (set(".:") & set(first) or first == "localhost"):
        name = f"{_DOCKER_HUB}/{name}" if slash else f"{_DOCKER_HUB}/library/{name}"
    return name if set(":@") & set(name.rpartition("/")[2]) else f"{name}:latest"


def _repository(reference: str) -> str:
    """The last part of the repository, as words: `scipy-notebook`. A name for what is no reference, too."""
    last = re.split(r"[:@]", reference.rpartition("/")[2])[0]
    return re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-") or "lab"


def _name(reference: str, taken: Iterable[str]) -> str:
    plain = _repository(reference)
    plain = (plain if plain[0].isalpha() else f"lab-{plain}")[:_LONGEST].rstrip("-")
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain[: _LONGEST - len(str(number)) - 1]}-{number}"
    return name
