"""The controller that follows images in their registries, and pulls them to nodes."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, map_at, value_at

_OF_REGISTRIES = (("certificateAuthorities",), ("proxy", "https"), ("proxy", "except"))


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


def authorities_are_certificates(effective: JsonMap) -> Violations:
    """`prepuller.certificateAuthorities` holds certificates that can be read."""
    text = value_at(effective, "prepuller", "certificateAuthorities")
    if isinstance(text, str) and text.strip():
        from jld.secrets.certificates import chain_of  # most sites name none

        if isinstance(chain_of(text.encode()), str):
            yield ("prepuller", "certificateAuthorities"), "a certificate in it cannot be read; copy all of them again"


def exceptions_are_of_a_proxy(effective: JsonMap) -> Violations:
    if value_at(effective, "prepuller", "proxy", "except") and not value_at(effective, "prepuller", "proxy", "https"):
        yield ("prepuller", "proxy", "except"), "has no effect without prepuller.proxy.https; write it, or remove this"


def there_are_images_to_follow(effective: JsonMap) -> Violations:
    if map_at(effective, "hub", "lab", "images"):
        return
    for path in _OF_REGISTRIES:
        if value_at(effective, "prepuller", *path):
            yield ("prepuller", *path), "has no effect without hub.lab.images; name an image there, or remove this"


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


def purging_has_a_use(effective: JsonMap) -> Violations:
    if value_at(effective, "prepuller", "purge") != "remove" and value_at(effective, "prepuller", "runtimeSocket"):
        yield (
            ("prepuller", "runtimeSocket"),
            "has no effect without prepuller.purge: remove; write that, or remove this",
        )


RULES: tuple[Rule, ...] = (series_are_followed, authorities_are_certificates, unwanted_images_are_looked_for)
WARNINGS: tuple[Rule, ...] = (exceptions_are_of_a_proxy, there_are_images_to_follow, purging_has_a_use)
