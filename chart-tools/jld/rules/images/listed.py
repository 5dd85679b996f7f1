"""The images that people choose from by name: the default, their references, and the sizes with which they start."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from jld.rules.images.series import IMAGES
from jld.rules.rule import Rule, Violations
from jld.schema.suggestions import nearest_name
from jld.support.key_paths import JsonMap, KeyPath, dotted, list_at, map_at, value_at

_DEFAULT: KeyPath = ("hub", "lab", "defaultImage")
_PORT = re.compile(r"[^/]*:([0-9]+)/")
_ADDRESS = re.compile(r"\[([^/]*)\]")
_LONGEST = 255  # characters of registry and repository


def default_image_exists(effective: JsonMap) -> Violations:
    """`hub.lab.defaultImage` is one of the names in `hub.lab.images`, one without `groups`, and one that starts with `hub.lab.defaultSize`. Without images there is none."""
    images, chosen = map_at(effective, *IMAGES), value_at(effective, *_DEFAULT)
    size = value_at(effective, "hub", "lab", "defaultSize")
    if not isinstance(chosen, str) or not (images or chosen):
        return
    if not images:
        yield _DEFAULT, "there are no images to choose from; remove it, or write hub.lab.images"
    elif not chosen:
        yield _DEFAULT, f"which of hub.lab.images is chosen when nobody chose? Write one of {', '.join(images)}"
    elif chosen not in images:
        close = nearest_name(chosen, list(images))
        hint = f"did you mean {close}?" if close else f"write one of {', '.join(images)}"
        yield _DEFAULT, f'there is no image "{chosen}" in hub.lab.images; {hint}'
    elif value_at(images, chosen, "groups"):
        yield (
            _DEFAULT,
            f"{dotted((*IMAGES, chosen, 'groups'))} says that it is for these only; name one that everybody may have",
        )
    elif (sizes := list_at(images, chosen, "sizes")) and size not in sizes:
        yield (
            _DEFAULT,
            f"it does not start with hub.lab.defaultSize ({size}); add that to {dotted((*IMAGES, chosen, 'sizes'))}, or "
            "name another one",
        )


def sizes_of_images_exist(effective: JsonMap) -> Violations:
    """The `sizes` of each of `hub.lab.images` are names in `hub.lab.sizes`."""
    known = map_at(effective, "hub", "lab", "sizes")
    for name, image in map_at(effective, *IMAGES).items():
        for index, size in enumerate(list_at(image, "sizes")):
            if isinstance(size, str) and size not in known:
                close = nearest_name(size, list(known))
                hint = f"did you mean {close}?" if close else f"write one of {', '.join(known)}"
                yield (*IMAGES, name, "sizes", index), f'there is no size "{size}" in hub.lab.sizes; {hint}'


def _is_ipv6(address: str) -> bool:
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True


def references_are_names_of_images(effective: JsonMap) -> Violations:
    """The `reference` of each of `hub.lab.images` has a port below 65536, an address that is one, and at most 255 characters before tag and digest."""
    for name, image in map_at(effective, *IMAGES).items():
        reference = str(value_at(image, "reference") or "")
        port = _PORT.match(reference)
        if port and int(port[1]) > 65535:
            yield (*IMAGES, name, "reference"), f"there is no port {port[1]}; write a number below 65536"
        elif (address := _ADDRESS.match(reference)) and not _is_ipv6(address[1]):
            yield (*IMAGES, name, "reference"), f"{address[0]} is no IPv6 address; write one, or the registry's name"
        elif len(re.sub(r"(:[^:/@]*)?(@.*)?$", "", reference)) > _LONGEST:
            yield (
                (*IMAGES, name, "reference"),
                f"registry and repository have more than {_LONGEST} characters, and no runtime pulls that; write a shorter one",
            )


def images_differ(effective: JsonMap) -> Violations:
    seen: dict[str, str] = {}
    for name, image in map_at(effective, *IMAGES).items():
        reference = str(value_at(image, "reference"))
        if reference in seen:
            other = dotted((*IMAGES, seen[reference]))
            yield (*IMAGES, name, "reference"), f"{other} has the same reference; remove one of the two"
        seen.setdefault(reference, name)


def some_image_starts_with_each_size(effective: JsonMap) -> Violations:
    limits = [list_at(image, "sizes") for image in map_at(effective, *IMAGES).values()]
    if not limits or not all(limits):
        return
    for size in map_at(effective, "hub", "lab", "sizes"):
        if not any(size in each for each in limits):
            yield (
                IMAGES,
                f"none of them starts with {dotted(('hub', 'lab', 'sizes', size))}; add it to the sizes of one, or write "
                f"hub: {{lab: {{sizes: {{{size}: null}}}}}}",
            )


RULES: tuple[Rule, ...] = (default_image_exists, sizes_of_images_exist, references_are_names_of_images)
WARNINGS: tuple[Rule, ...] = (images_differ, some_image_starts_with_each_size)
