"""A refresh in a process of its own that something happens to at a chosen step, and what an owner can still reach."""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jld_repositories import Git, refresh_all

from tests.unit.inside_lab.world import World, git

# What `sys.addaudithook` tells about, before it happens.
_WRITES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.chmod", "os.truncate"}
_MOVES_REFS = {"fetch", "update-ref", "stash", "merge", "reset", "checkout", "rm"}


def _is_step(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether the event changes something outside of the refresh's own folder: git's refs, or the owner's files."""
    if event == "subprocess.Popen":
        return bool(_MOVES_REFS & set(arguments[1]))
    if event == "open" and isinstance(arguments[0], str):
        return bool(arguments[2] & (os.O_WRONLY | os.O_RDWR)) and "/.git/jld/" not in arguments[0]
    places = [str(each) for each in arguments if isinstance(each, str | Path)]
    # `rmtree` names what is in a folder relative to it. It removes that folder only.
    return event in _WRITES and any(place.startswith("/") and "/.git/jld" not in place for place in places)


@dataclass(frozen=True)
class Refreshed:
    said: str
    steps: int


def refresh_until(world: World, number: int, happens: Callable[[], None]) -> Refreshed | None:
    """Refresh in a process in which something happens before its nth step. Returns None when it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        steps = 0

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal steps
            if event in _WRITES | {"open", "subprocess.Popen"} and _is_step(event, arguments):
                steps += 1
                if steps == number:
                    happens()

        try:
            sys.addaudithook(hook)
            said = " ".join(refresh_all(world.home, [world.repository], _make))
            os.write(writing, json.dumps([said, steps]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:  # noqa: PTH123 - a file descriptor
        text = answer.read()
    os.waitpid(child, 0)
    return Refreshed(*json.loads(text)) if text else None


def _make(folder: Path, deadline: float) -> Git:
    return Git(folder, deadline, protocols="file")


def files(clone: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(clone):
        if ".git" in folders:
            folders.remove(".git")
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        yield from (Path(folder) / name for name in [*names, *links])


def content(file: Path) -> bytes:
    return os.fsencode(os.readlink(file)) if file.is_symlink() else file.read_bytes()  # noqa: PTH115


def reachable(clone: Path, named: Iterable[str] = ("--all",)) -> set[str]:
    """The objects that the owner can come to: files, what is staged, and commits with a name, stashes among them."""
    there = {hashlib.sha1(b"blob %d\0" % len(data := content(file)) + data).hexdigest() for file in files(clone)}  # noqa: S324
    staged = [entry.split()[:2] for entry in git(clone, "ls-files", "--stage").splitlines()]
    stashes = git(clone, "stash", "list", "--format=%H").splitlines()
    objects = git(clone, "rev-list", "--objects", "--no-object-names", "HEAD", *named, *stashes).splitlines()
    return there | {name for mode, name in staged if mode != "160000"} | set(objects)
