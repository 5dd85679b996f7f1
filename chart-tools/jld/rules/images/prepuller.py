"""The controller that follows images in their registries, and pulls them to nodes."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, map_at, value_at


def series_are_followed(effective: JsonMap) -> Violations:
    """`prepuller.enabled` is true where one of `hub.lab.images` has `tags`."""
    if value_at(effective, "prepuller", "enabled") is not False:
        return
    for name, image in map_at(effective, "hub", "lab", "images").items():
        if value_at(image, "tags"):
            series = f"hub.lab.images.{name} is a series, and nobody would look for its tags"
            sentence = f"{series}; remove this, or name one image by its tag in its place"
            yield ("prepuller", "enabled"), sentence
            return


def unwanted_images_are_looked_for(effective: JsonMap) -> Violations:
    """`prepuller.purge` is `never` where nodes are not looked at: without `prepuller.enabled`, and with `nodesAtOnce: 0`."""
    if value_at(effective, "prepuller", "purge") in (None, "never"):
        return
    for key, value in (("enabled", False), ("nodesAtOnce", 0)):
        if value_at(effective, "prepuller", key) == value:
            yield (
                ("prepuller", "purge"),
                f"nobody looks at nodes with prepuller.{key}: {str(value).lower()}; write never",
            )
            return


RULES: tuple[Rule, ...] = (series_are_followed, unwanted_images_are_looked_for)
WARNINGS: tuple[Rule, ...] = ()
