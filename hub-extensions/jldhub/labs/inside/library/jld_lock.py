"""Keeps the owner's git out of a clone while it changes, and takes away what a refresh that was killed left behind."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from jld_git import Git, Killed, another_git

_OURS = "jld"  # what our index.lock points to. A symbolic link is there at once, with its content.


def work_folder(git: Git) -> Path:
    """A folder for copies, on the file system of the clone, from which they are renamed into their places."""
    return git.folder / ".git" / "jld"


@contextmanager
def locked(git: Git) -> Iterator[None]:
    """Hold the lock that git takes before it changes the index. Raises LeftAlone when another has it."""
    lock = _lock(git)
    try:
        lock.symlink_to(_OURS)
    except FileExistsError:
        raise another_git(str(lock)) from None
    try:
        yield
    except Killed:
        recover(git)
        raise
    finally:
        shutil.rmtree(work_folder(git), ignore_errors=True)
        lock.unlink(missing_ok=True)


def recover(git: Git) -> None:
    """Take away the locks of a refresh that was killed, and those of its git, which writes refs within ours only."""
    shutil.rmtree(work_folder(git), ignore_errors=True)
    lock = _lock(git)
    if not lock.is_symlink() or str(lock.readlink()) != _OURS:
        return
    refs = git.folder / ".git" / "refs"
    for each in chain(
        [git.folder / ".git" / "HEAD.lock"],
        *((refs / kind).rglob("*.lock") for kind in ("heads", "remotes/origin", "jld")),
    ):
        each.unlink(missing_ok=True)
    lock.unlink()


def _lock(git: Git) -> Path:
    return git.folder / ".git" / "index.lock"
