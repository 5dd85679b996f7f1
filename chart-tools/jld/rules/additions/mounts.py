"""`files` and `volumes` of the hub and of labs: where they lie, and how they are called."""

from __future__ import annotations

from collections.abc import Iterator

from jld.rules.additions.parts import LABS, PARTS, Part, mounts
from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, dotted, map_at, value_at
from jld.support.quantities import amount

MOST_BYTES = 131072  # of all texts: they share an object of 1 MiB with much else, and `kubectl apply` keeps 256 KiB
SHARED_MEMORY = "/dev/shm"  # noqa: S108
# Folders of an image that nothing may hide, and those below which a site may have folders of its own.
_CLOSED = frozenset(["bin", "boot", "dev", "lib", "lib32", "lib64", "proc", "sbin", "sys"])
_OPEN_BELOW = frozenset(["etc", "home", "opt", "root", "run", "usr", "var"])
# What Kubernetes itself mounts, by both of its names.
_ACCOUNT = ("/var/run/secrets/kubernetes.io", "/run/secrets/kubernetes.io")


def _paths(part: Part, effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Where something is added, and its path in the pod: volumes first. What is no path, the schema refuses."""
    for name, volume in part.added(effective, "volumes"):
        if isinstance(path := value_at(volume, "mountPath"), str) and path.startswith("/"):
            yield (*part.path, "volumes", name, "mountPath"), path
    for path, _ in part.added(effective, "files"):
        if path.startswith("/"):
            yield (*part.path, "files", path), path


def paths_are_apart(effective: JsonMap) -> Violations:
    """No two of `files` and `volumes` of the hub or of labs lie in each other, over a folder of the image's or JLD's, or in `storage.volumes`."""
    for part in PARTS:
        taken = mounts(part, effective) | dict.fromkeys(_ACCOUNT, "where Kubernetes itself puts credentials")
        for key, path in _paths(part, effective):
            top = path.split("/")[1]
            if path == SHARED_MEMORY and "volumes" in key:
                pass
            elif top in _CLOSED or (top in _OPEN_BELOW and path == f"/{top}"):
                yield key, f"would hide what the image has in /{top}; write a path of its own, like /opt/site"
                continue
            if found := next((each for each in taken if _overlap(path, each)), None):
                yield key, f"{path} and {found} lie in each other, and {found} is {taken[found]}; write another path"
            taken.setdefault(path, "an earlier one's")


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def names_are_free(effective: JsonMap) -> Violations:
    """No name in `hub.volumes` and `hub.lab.volumes` is that of a volume of JLD's own."""
    for part in PARTS:
        for name, volume in part.added(effective, "volumes"):
            is_shm = name == "shm" and part is LABS and value_at(volume, "mountPath") != SHARED_MEMORY
            if name in part.volumes or is_shm or (part is LABS and name.startswith("volume-")):
                yield (*part.path, "volumes", name), f"{name} is a volume of JLD's own; write another name"


def shared_memory_is_memory(effective: JsonMap) -> Violations:
    """What `hub.volumes` or `hub.lab.volumes` has at `/dev/shm` is an `emptyDir` in memory."""
    for part in PARTS:
        for name, volume in part.added(effective, "volumes"):
            memory = value_at(volume, "emptyDir", "medium") == "Memory"
            if value_at(volume, "mountPath") == SHARED_MEMORY and not memory:
                source = dotted((*part.path, "volumes", name, "emptyDir"))
                sentence = f"has to be memory; write {source} with medium: Memory and a sizeLimit"
                yield (*part.path, "volumes", name, "mountPath"), sentence


def texts_fit_into_an_object(effective: JsonMap) -> Violations:
    """The texts in `hub.files`, and those in `hub.lab.files`, are together at most 128 KiB."""
    for part in PARTS:
        texts = [text for _, text in part.added(effective, "files") if isinstance(text, str)]
        if (size := sum(len(text.encode()) for text in texts)) > MOST_BYTES:
            sentence = (
                f"the texts have {size} bytes together, and at most {MOST_BYTES} fit; put the large ones into a Secret"
            )
            yield (*part.path, "files"), f"{sentence}, which `files` and `volumes` take by name"


def shared_memory_fits_into_a_lab(effective: JsonMap) -> Violations:
    for name, volume in LABS.added(effective, "volumes"):
        path = (*LABS.path, "volumes", name, "emptyDir", "sizeLimit")
        limit = amount(value_at(effective, *path)) or 0
        for size, each in map_at(effective, "hub", "lab", "sizes").items():
            own = value_at(volume, "mountPath") == SHARED_MEMORY and value_at(each, "shmSize")
            if (
                value_at(volume, "emptyDir", "medium") == "Memory"
                and not own
                and limit > (amount(value_at(each, "memory")) or limit)
            ):
                sentence = f"counts as a lab's memory, of which the size {size} has {each['memory']}"
                yield path, f"{sentence}; a lab that fills it is stopped"
                break


RULES: tuple[Rule, ...] = (paths_are_apart, names_are_free, shared_memory_is_memory, texts_fit_into_an_object)
WARNINGS: tuple[Rule, ...] = (shared_memory_fits_into_a_lab,)
