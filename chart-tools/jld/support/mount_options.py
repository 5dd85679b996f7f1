"""Options of mount(8) for NFS: what each sets, as nfs(5) has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_FLAGS = {
    **{name: ("recovery", name) for name in ("hard", "soft", "softerr")},
    **{name: ("proto", name) for name in ("tcp", "udp", "rdma")},
    **{name: ("access", name) for name in ("ro", "rw")},
    **{name: ("writing", name) for name in ("sync", "async")},
    **{name: ("waiting", name) for name in ("bg", "fg")},
    **{name: ("atime", name) for name in ("atime", "noatime", "relatime", "strictatime")},
    **{f"v{version}": ("version", version) for version in "234"},
}
_SAME = {"vers": "version", "nfsvers": "version"}


@dataclass(frozen=True)
class Option:
    """One option. Two that set the same to different values contradict each other."""

    text: str
    sets: str
    value: str


def parsed(text: str) -> Option:
    """An option as a site writes it: `hard`, `noac`, `nfsvers=4.2`."""
    name, equals, value = text.partition("=")
    if equals:
        return Option(text, _SAME.get(name, name), value)
    if name in _FLAGS:
        return Option(text, *_FLAGS[name])
    return Option(text, name.removeprefix("no"), "no" if name.startswith("no") else "yes")


def versions(options: Sequence[Option]) -> dict[int, str]:
    """The version of NFS that each option which names one asks for, by its index: `4.1` for `vers=4` with `minorversion=1`."""
    minor = next((f".{option.value}" for option in options if option.sets == "minorversion"), "")
    return {
        index: f"4.{option.value}"
        if option.sets == "minorversion"
        else option.value + (minor if option.value == "4" else "")
        for index, option in enumerate(options)
        if option.sets in ("version", "minorversion")
    }
