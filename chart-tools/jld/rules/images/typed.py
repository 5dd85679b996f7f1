"""Images that are in no list, whose references some people may type."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, list_at

_TYPED: KeyPath = ("hub", "lab", "typedImages")
_DOCKER_HUB = ("index.docker.io", "registry-1.docker.io")


def typing_has_patterns(effective: JsonMap) -> Violations:
    """With `hub.lab.typedImages.groups` there is `hub.lab.typedImages.allow`."""
    if list_at(effective, *_TYPED, "groups") and not list_at(effective, *_TYPED, "allow"):
        yield (
            (*_TYPED, "groups"),
            'these could type nothing; write hub.lab.typedImages.allow too, like allow: ["quay.io/jupyter/*"]',
        )


def typed_patterns_match_something(effective: JsonMap) -> Violations:
    """The patterns of `hub.lab.typedImages.allow` are such as an image's whole name matches: at Docker Hub `docker.io/library/python:*`."""
    for index, pattern in enumerate(list_at(effective, *_TYPED, "allow")):
        host, slash, rest = str(pattern).partition("/")
        if host.lower() in _DOCKER_HUB:
            sentence = f"images of {host} are known by the name docker.io; write docker.io/{rest}"
            yield (*_TYPED, "allow", index), sentence
        elif slash and host.lower() == "docker.io" and "/" not in rest and "*" not in rest.partition(":")[0]:
            sentence = f"an image without an owner belongs to library; write docker.io/library/{rest}"
            yield (*_TYPED, "allow", index), sentence


def somebody_types(effective: JsonMap) -> Violations:
    if list_at(effective, *_TYPED, "allow") and not list_at(effective, *_TYPED, "groups"):
        yield (
            (*_TYPED, "allow"),
            "has no effect, because nobody may type an image; write hub.lab.typedImages.groups too, or remove it",
        )


RULES: tuple[Rule, ...] = (typing_has_patterns, typed_patterns_match_something)
WARNINGS: tuple[Rule, ...] = (somebody_types,)
