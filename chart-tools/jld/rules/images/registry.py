"""The registry of JLD's own images: whether nodes find them there."""

from __future__ import annotations

import re

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, map_at, value_at

REGISTRY: KeyPath = ("global", "imageRegistry")
# The images that are below it.
OWN: tuple[KeyPath, ...] = tuple(
    (*part, "image")
    for part in (
        *(("hub",), ("hub", "lab"), ("nginx",), ("storage",), ("storage", "nfs")),
        ("logging", "relay"),
    )
)
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}|localhost")


def _is_of_one_machine(effective: JsonMap) -> bool:
    """Whether no node can pull: with a port there may be a registry on each."""
    return str(value_at(effective, *REGISTRY)).partition("/")[0] == "localhost"


def images_are_in_a_registry(effective: JsonMap) -> Violations:
    """A site for people outside of one machine names the registry, for nobody brings images to its nodes."""
    hostname = str(value_at(effective, "global", "hostname"))
    is_trial = hostname.rpartition(".")[2] == "localhost" or "dummy" in map_at(effective, "hub", "auth")
    if hostname and not is_trial and _is_of_one_machine(effective):
        sentence = (
            f"nodes have images of {value_at(effective, *REGISTRY)} only where somebody loaded them into each; "
            "write where `make images PUSH=...` pushed them, like registry.example.org/jld"
        )
        yield REGISTRY, sentence


def _with_a_registry(effective: JsonMap) -> Violations:
    registry = value_at(effective, *REGISTRY)
    for path in OWN:
        repository, tag = (value_at(effective, *path, key) for key in ("repository", "tag"))
        if not isinstance(repository, str) or "/" not in repository or not _HOST.fullmatch(repository.split("/")[0]):
            continue
        pulled = f"{registry}/{repository}:{tag or '(the version of the chart)'}"
        remedy = "write an image of another registry in hub.lab.images, with its tag"
        if path != ("hub", "lab", "image"):
            remedy = f"write the name below {registry} alone"
        yield (*path, "repository"), f"it is below global.imageRegistry, so nodes pull {pulled}; {remedy}"


def repositories_are_below_the_registry(effective: JsonMap) -> Violations:
    """`image.repository` of hub, labs, nginx, storage and the relay names no registry: `global.imageRegistry` stands before it."""
    for path, sentence in _with_a_registry(effective):
        if _is_of_one_machine(effective) or not value_at(effective, *path[:-1], "tag"):
            yield path, sentence


def repositories_are_those_of_a_mirror(effective: JsonMap) -> Violations:
    """A registry that mirrors others has folders of their names."""
    for path, sentence in _with_a_registry(effective):
        if not _is_of_one_machine(effective) and value_at(effective, *path[:-1], "tag"):
            yield path, sentence


RULES: tuple[Rule, ...] = (repositories_are_below_the_registry,)
WARNINGS: tuple[Rule, ...] = (repositories_are_those_of_a_mirror,)
# What is told of a key that a site lacks, too.
WARNINGS_OF_WHAT_IS_MISSING: tuple[Rule, ...] = (images_are_in_a_registry,)
