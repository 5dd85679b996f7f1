"""The tags of LSST's images: `r29_2_0`, `w_2026_21`, `d_2026_05_27`, and their forms of before March 2019: `r140`, `w201745`, `d20171113`."""

import re
from collections.abc import Callable
from datetime import date

from jldhub.images.tags.tag import (
    CANDIDATE,
    DAILY,
    EXPERIMENTAL,
    FINAL,
    NO_VERSION,
    RELEASE,
    WEEKLY,
    Stage,
    Tag,
    Version,
    split_architecture,
)

CLASSES = (RELEASE, WEEKLY, DAILY, CANDIDATE, EXPERIMENTAL)
ALIASES = ("latest", "latest_release", "latest_weekly", "latest_daily")

# What may follow the version: a cycle of the telescope's control software with its build, a build of the image, a word.
_TAIL = r"(?:_c(?P<cycle>[0-9]{4})\.(?P<cycle_build>[0-9]+))?(?:_rsp(?P<build>[0-9]+))?(?:_(?P<extra>[A-Za-z0-9_.-]+))?"
_RELEASE = re.compile(rf"r([0-9]+)_([0-9]+)_([0-9]+)(?:_rc(?P<candidate>[0-9]+))?{_TAIL}")
_WEEKLY = re.compile(rf"w_(20[0-9]{{2}})_([0-9]{{2}}){_TAIL}")
_DAILY = re.compile(rf"d_(20[0-9]{{2}})_([0-9]{{2}})_([0-9]{{2}}){_TAIL}")
_OLD_RELEASE = re.compile(r"r([0-9]{2})_?([0-9])")
_OLD_WEEKLY = re.compile(r"w(20[0-9]{2})_?([0-9]{2})")
_OLD_DAILY = re.compile(r"d(20[0-9]{2})_?([0-9]{2})_?([0-9]{2})")
_EXPERIMENTAL = "exp_"


def read(name: str) -> Tag | None:
    """The tag of this name, or None where it is none of LSST's."""
    plain, architecture = split_architecture(name)
    if plain.startswith(_EXPERIMENTAL):
        return _experimental(name, plain.removeprefix(_EXPERIMENTAL), architecture)
    return _versioned(name, plain, architecture)


def _experimental(name: str, plain: str, architecture: str) -> Tag | None:
    if not plain:
        return None
    meant = _versioned(name, plain, architecture)
    label, version = (meant.label, meant.version) if meant else (plain, NO_VERSION)
    return Tag(name, EXPERIMENTAL, f"Experimental {label}", version, architecture)


def _versioned(name: str, plain: str, architecture: str) -> Tag | None:
    reader = _READERS.get(plain[0])
    return reader(name, plain, architecture) if reader else None


def _release(name: str, plain: str, architecture: str) -> Tag | None:
    if found := _RELEASE.fullmatch(plain):
        numbers = tuple(map(int, found.group(1, 2, 3)))
        label = f"Release {'.'.join(map(str, numbers))}"
        if found["candidate"]:
            number = int(found["candidate"])
            return _tag(name, CANDIDATE, f"{label}-rc{number}", numbers, found, architecture, ((0, number, ""),))
        return _tag(name, RELEASE, label, numbers, found, architecture)
    if found := _OLD_RELEASE.fullmatch(plain):
        major, minor = map(int, found.groups())
        return Tag(name, RELEASE, f"Release {major}.{minor}", Version((major, minor)), architecture)
    return None


def _weekly(name: str, plain: str, architecture: str) -> Tag | None:
    found = _WEEKLY.fullmatch(plain) or _OLD_WEEKLY.fullmatch(plain)
    if not found or not 1 <= int(found[2]) <= 53:
        return None
    numbers = int(found[1]), int(found[2])
    return _tag(name, WEEKLY, f"Weekly {found[1]}_{found[2]}", numbers, found, architecture)


def _daily(name: str, plain: str, architecture: str) -> Tag | None:
    found = _DAILY.fullmatch(plain) or _OLD_DAILY.fullmatch(plain)
    if not found:
        return None
    numbers = int(found[1]), int(found[2]), int(found[3])
    try:
        date(*numbers)
    except ValueError:
        return None
    return _tag(name, DAILY, f"Daily {found[1]}_{found[2]}_{found[3]}", numbers, found, architecture)


_READERS: dict[str, Callable[[str, str, str], Tag | None]] = {"r": _release, "w": _weekly, "d": _daily}


def _tag(
    name: str,
    tag_class: str,
    label: str,
    numbers: tuple[int, ...],
    found: re.Match[str],
    architecture: str,
    stage: Stage = FINAL,
) -> Tag:
    """With what follows the version, which names of the old form do not have."""
    tail = {"cycle": None, "cycle_build": None, "build": None, "extra": None} | found.groupdict()
    if tail["cycle"]:
        label += f", cycle {tail['cycle']}.{tail['cycle_build']}"
    if tail["build"]:
        label += f", build {tail['build']}"
    if tail["extra"]:
        label += f" [{tail['extra']}]"
    cycle, cycle_build, build = (int(tail[part] or -1) for part in ("cycle", "cycle_build", "build"))
    return Tag(
        name, tag_class, label, Version(numbers, stage, cycle, cycle_build, build, tail["extra"] or ""), architecture
    )
