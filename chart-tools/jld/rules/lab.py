"""Labs: sizes, quotas, and repositories."""

from __future__ import annotations

import re
from itertools import product

from jld.rules.access.admission import offered_to
from jld.rules.rule import Rule, Violations
from jld.schema.suggestions import nearest_name
from jld.support.key_paths import JsonMap, dotted, list_at, map_at, value_at
from jld.support.quantities import amount

_GITHUB_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}(:[A-Za-z0-9_][A-Za-z0-9._-]{0,99})?")


def default_size_exists(effective: JsonMap) -> Violations:
    """`hub.lab.defaultSize` is one of the names in `hub.lab.sizes`, and one without `groups`."""
    sizes, chosen = value_at(effective, "hub", "lab", "sizes"), value_at(effective, "hub", "lab", "defaultSize")
    if isinstance(sizes, dict) and sizes and isinstance(chosen, str) and chosen and chosen not in sizes:
        close = nearest_name(chosen, list(sizes))
        hint = f"did you mean {close}?" if close else f"write one of {', '.join(sizes)}"
        yield ("hub", "lab", "defaultSize"), f'there is no size "{chosen}" in hub.lab.sizes; {hint}'
    elif isinstance(chosen, str) and value_at(sizes, chosen, "groups"):
        sentence = f'the size "{chosen}" is for members of its groups only; name one that everybody may have'
        yield ("hub", "lab", "defaultSize"), sentence


def groups_can_be_had(effective: JsonMap) -> Violations:
    """The `groups` of `hub.lab.sizes`, `hub.lab.images` and `hub.lab.typedImages` are such as the way of `hub.auth` knows."""
    auth = map_at(effective, "hub", "auth")
    for path, group in offered_to(effective):
        if isinstance(auth.get("dummy"), dict):
            sentence = "nobody is in a group with hub.auth.dummy, so nobody would be offered this; leave groups out"
            yield path, sentence
        elif isinstance(auth.get("github"), dict) and not _GITHUB_GROUP.fullmatch(group):
            yield path, f'GitHub has no organization or team "{group}"; write my-org, or my-org:my-team'


def one_lab_fits_the_quota(effective: JsonMap) -> Violations:
    """One lab of each of `hub.lab.sizes` fits into `hub.lab.quota`, `hub.lab.perUser.quota` and `hub.lab.perUser.limitRange`."""
    sizes = map_at(effective, "hub", "lab", "sizes")
    for limits, resource in product((("quota",), ("perUser", "quota"), ("perUser", "limitRange")), ("cpu", "memory")):
        path = ("hub", "lab", *limits, resource)
        limit = amount(value_at(effective, *path))
        for name, size in sizes.items():
            if limit and (amount(value_at(size, resource)) or 0) > limit:
                text = f"a lab of the size {name} may use {size[resource]}, so none would ever start"
                yield path, f"{text}; raise it, or take hub.lab.sizes.{name} away"


def parts_of_a_size_fit_into_it(effective: JsonMap) -> Violations:
    """`guaranteedCpu`, `guaranteedMemory` and `shmSize` of each of `hub.lab.sizes` are at most what its labs may use."""
    for name, size in map_at(effective, "hub", "lab", "sizes").items():
        for key, whole in (("guaranteedCpu", "cpu"), ("guaranteedMemory", "memory"), ("shmSize", "memory")):
            part, limit = amount(value_at(size, key)), amount(value_at(size, whole))
            if part and limit and part > limit:
                path, all_of_it = ("hub", "lab", "sizes", name, key), dotted(("hub", "lab", "sizes", name, whole))
                yield path, f"a lab of this size may use {size[whole]}; write less, or raise {all_of_it}"


def gpu_resource_has_gpus(effective: JsonMap) -> Violations:
    """`gpuResource` in one of `hub.lab.sizes` stands beside `gpus`."""
    for name, size in map_at(effective, "hub", "lab", "sizes").items():
        if value_at(size, "gpuResource") and not value_at(size, "gpus"):
            yield (
                ("hub", "lab", "sizes", name, "gpuResource"),
                "has no effect without gpus; write gpus: 1, or remove it",
            )


def repositories_have_their_own_folders(effective: JsonMap) -> Violations:
    """No two of `hub.lab.repositories` end in the same name, which is that of their folder."""
    seen = set()
    for index, text in enumerate(list_at(effective, "hub", "lab", "repositories")):
        folder = str(text).partition("@")[0].rpartition("/")[2].removesuffix(".git").lower()
        if folder in seen:
            yield ("hub", "lab", "repositories", index), f"the folder {folder} is another one's already; leave one out"
        seen.add(folder)


RULES: tuple[Rule, ...] = (
    *(default_size_exists, groups_can_be_had, one_lab_fits_the_quota),
    *(parts_of_a_size_fit_into_it, repositories_have_their_own_folders),
)
WARNINGS: tuple[Rule, ...] = (gpu_resource_has_gpus,)
