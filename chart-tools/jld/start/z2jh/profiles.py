"""`profileList` as images and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jld.site.tree import Node, plain
from jld.start.images import with_registry
from jld.start.legacy_values import NotMigrated
from jld.start.z2jh import forms
from jld.support.key_paths import JsonMap
from jld.support.quantities import amount

SIZE, CPU, MEMORY = "standard", 1, "2Gi"  # of a file that says nothing of limits: the chart's default size
_SIZE_KEYS = {
    "cpu_limit": ("cpu", forms.cores),
    "cpu_guarantee": ("guaranteedCpu", forms.cores),
    "mem_limit": ("memory", forms.bytes_of),
    "mem_guarantee": ("guaranteedMemory", forms.bytes_of),
    "node_selector": (
        "nodeSelector",
        lambda node: {key: forms.text(each) for key, each in forms.entries(node).items()},
    ),
    "tolerations": ("tolerations", forms.tolerations),
}
_GPU_MAKERS = ("nvidia.com", "amd.com", "gpu.intel.com", "habana.ai")


class Menu:
    """Images and sizes that people choose from."""

    def __init__(self, base: JsonMap) -> None:
        self._base = base  # what every lab has, in the words of a size
        self.images: JsonMap = {}
        self.sizes: JsonMap = {}
        self.default_image = self.default_size = ""
        self.left_out: list[str] = []

    def add(self, profile: dict[str, Node], base_image: str) -> None:
        """One profile of the list. Raises NotMigrated where it is none."""
        title = forms.text(profile["display_name"]) if "display_name" in profile else ""
        slug = name_of(forms.text(profile["slug"]) if "slug" in profile else title)
        override = profile.get("kubespawner_override", Node({}))
        images = [(slug, title, self._image_of(override) or base_image)]
        sizes = [(slug, override)] if self._has_size(override) else []
        choices = list(_choices(profile))
        if any(self._image_of(each) for _, _, each in choices):
            images = [
                (f"{slug}-{name}", label, image) for name, label, each in choices if (image := self._image_of(each))
            ]
        if any(self._has_size(each) for _, _, each in choices):
            sizes = [(f"{slug}-{name}", each) for name, _, each in choices if self._has_size(each)]
        own = [self._add_size(name, override, each) for name, each in sizes] or [
            self._add_size(SIZE, override, Node({}))
        ]
        is_default = plain(profile["default"]) is True if "default" in profile else False
        for name, label, reference in images:
            if reference:
                added = self._add_image(name, label, reference, own, profile if len(images) == 1 else {})
                self.default_image = added if is_default and images[0][0] == name else self.default_image or added
        self.default_size = own[0] if is_default or not self.default_size else self.default_size

    def _image_of(self, override: Node) -> str:
        found = override.value.get("image") if isinstance(override.value, dict) else None
        return with_registry(forms.text(found)) if found else ""

    def _has_size(self, override: Node) -> bool:
        keys = override.value if isinstance(override.value, dict) else {}
        for key in keys:
            if key not in (*_SIZE_KEYS, "image", "extra_resource_limits", "extra_resource_guarantees"):
                self.left_out.append(key)
        return bool({*_SIZE_KEYS, "extra_resource_limits"} & keys.keys())

    def _add_size(self, name: str, *overrides: Node) -> str:
        size = completed(self._base | {k: v for each in overrides for k, v in size_of(each).items()})
        for other, found in self.sizes.items():
            if found == size:
                return other
        name = _free(name, self.sizes)
        self.sizes[name] = size
        return name

    def _add_image(self, name: str, title: str, reference: str, sizes: list[str], profile: dict[str, Node]) -> str:
        for other, found in self.images.items():
            if found["reference"] == reference:
                found["sizes"] = list(dict.fromkeys([*found["sizes"], *sizes]))
                return other
        name = _free(name, self.images)
        self.images[name] = {"reference": reference, "sizes": sizes}
        about = _line(profile["description"]) if "description" in profile else ""
        self.images[name] |= {
            key: text for key, text in (("title", title[:80].strip()), ("description", about)) if text
        }
        return name


def _choices(profile: dict[str, Node]) -> Iterator[tuple[str, str, Node]]:
    """What people choose below a profile: name, title, and what each sets."""
    options = profile.get("profile_options")
    for option in forms.entries(options).values() if options and options.value else ():
        choices = forms.entries(option).get("choices", Node({}))
        for name, choice in forms.entries(choices).items():
            keys = forms.entries(choice)
            label = forms.text(keys["display_name"]) if "display_name" in keys else name
            yield name_of(name), label, keys.get("kubespawner_override", Node({}))


def size_of(override: Node) -> JsonMap:
    """What an override says, in the words of a size."""
    if override.value is None:
        return {}
    size: JsonMap = {}
    for key, node in forms.entries(override).items():
        if key in _SIZE_KEYS and node.value is not None:
            name, form = _SIZE_KEYS[key]
            size[name] = form(node)
        elif key == "extra_resource_limits" and node.value:
            size |= gpus_of(node)
    return size


def gpus_of(node: Node) -> JsonMap:
    """GPUs among further resources. Raises NotMigrated for any other."""
    found = {name: each for name, each in forms.entries(node).items() if each.value is not None}
    if len(found) != 1 or next(iter(found)).partition("/")[0] not in _GPU_MAKERS:
        raise NotMigrated(
            f"a size has GPUs of one kind and no other resources, and this has {', '.join(found) or 'none'}"
        )
    resource, number = next(iter(found.items()))
    kind = {} if resource == "nvidia.com/gpu" else {"gpuResource": resource}
    return {"gpus": forms.whole(number), **kind}


def completed(size: JsonMap) -> JsonMap:
    """With the limits that a size must have, which no guarantee exceeds."""
    whole: JsonMap = {"cpu": CPU, "memory": MEMORY, **size}
    for limit, least in (("cpu", "guaranteedCpu"), ("memory", "guaranteedMemory")):
        if least in whole and (amount(whole[least]) or 0) > (amount(whole[limit]) or 0):
            whole[limit if limit not in size else least] = whole[least if limit not in size else limit]
    return whole


def name_of(text: str) -> str:
    """A name of lower case letters, digits and -."""
    plain_text = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    plain_text = plain_text if plain_text[:1].isalpha() else f"lab-{plain_text}"
    return plain_text[:28].strip("-")


def _free(name: str, taken: dict[str, Any]) -> str:
    name = name[:28].strip("-")
    free, number = name, 2
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _line(node: Node) -> str:
    return " ".join(re.sub(r"<[^<>]{0,200}>", "", forms.text(node)).split())[:500].strip() if node.value else ""
