"""Brings a branch to a newer commit and merges what its owner changed. Any of its steps may be the last.

The versions of each file that changes are laid out below .git/jld: `base` is that of the branch, `theirs` that of the
newer commit, `mine` a copy of the owner's where it is another. What the owner had is kept (jld_kept.py) before anything
changes. Then a rename replaces each file, another one the index, and the branch moves last. After an interruption the
same steps lead to the same end, because a file that is as in the newer commit stays as it is.
"""

from __future__ import annotations

import filecmp
import glob
import itertools
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jld_git import Git, LeftAlone
from jld_kept import keep_files, kept_names, link_target, now
from jld_lock import locked, work_folder
from jld_notebook import is_notebook

_SUBMODULE = "160000"


@dataclass(frozen=True)
class Change:
    """A path that differs between two trees, and its mode and object in each."""

    path: str
    before: str
    after: str

    @property
    def was(self) -> bool:
        return not self.before.startswith("000000")

    @property
    def will_be(self) -> bool:
        return not self.after.startswith("000000")


@dataclass(frozen=True)
class Step:
    """`new` takes the place of the file at a path, which looks like `seen`; None of them is no file."""

    path: str
    seen: tuple[int, ...] | None
    new: Path | None
    own: Path | None = None  # a copy of the owner's version, where it is in neither commit
    collides: bool = False


def move(git: Git, branch: str, commit: str) -> str:
    """Move the branch that is checked out to `commit`. Returns what was done, for the owner. Raises LeftAlone."""
    filecmp.clear_cache()
    with locked(git):
        return _move(git, branch, git.do("rev-parse", "--verify", "HEAD"), commit, work_folder(git))


def _move(git: Git, branch: str, head: str, commit: str, work: Path) -> str:
    changes = _changes(git.paths("diff-tree", "-r", "-z", "--raw", "--no-renames", head, commit))
    _lay_out(git, work / "base", head, [each.path for each in changes if each.was])
    _lay_out(git, work / "theirs", commit, [each.path for each in changes if each.will_be])
    if blocked := next(_in_the_way(git.folder, work, changes), ""):
        raise LeftAlone(f"{blocked} is new in the newest version, and you have a file of your own there; rename yours")
    steps = [step for each in changes if (step := _plan(git, work, each.path))]
    index = work / "index"
    shutil.copyfile(git.folder / ".git" / "index", index)
    env = {"GIT_INDEX_FILE": str(index)}
    versions = {each.path: (each.before, each.after) for each in changes}
    staged = _changes(git.paths("diff-index", "--cached", "-z", "--raw", "--no-renames", head, env=env))
    own = {step.path: step.own for step in steps if step.own}
    if own or any(each.will_be and each.after not in versions.get(each.path, each.after) for each in staged):
        keep_files(git, head, index, own)
    # Paths that go come first: a folder may take the place of a file, and a file that of a folder.
    entries = [os.fsencode(f"{each.after}\t{each.path}\0") for each in sorted(changes, key=lambda each: each.will_be)]
    git.do("update-index", "-z", "--index-info", feed=b"".join(entries), env=env)
    notes = [_note(git.folder, step) for step in steps if step.collides]
    for step in sorted(steps, key=lambda step: step.new is not None):
        _take(git.folder, step)
    for each in changes:
        if each.after.startswith(_SUBMODULE):
            (git.folder / each.path).mkdir(parents=True, exist_ok=True)
    git.run("update-index", "-q", "--refresh", env=env)
    index.replace(git.folder / ".git" / "index")
    kept = kept_names(git, head)
    git.do("update-ref", "-m", "jld: refresh", f"refs/heads/{branch}", commit, head)
    return ". ".join(_sentences(notes, bool(own), kept))


def _sentences(notes: Sequence[str], merged: bool, kept: Sequence[str]) -> Iterator[str]:
    yield "brought up to date"
    if notes:
        yield f"Changed by you and by others: {', '.join(notes)}"
    elif merged:
        yield "Your changes are in place"
    if kept:
        yield f"What you had is kept as {', '.join(kept)}"


def _changes(raw: Sequence[str]) -> list[Change]:
    """The changes in git's raw format, see git-diff-tree(1)."""
    changes = []
    for head, path in itertools.zip_longest(raw[::2], raw[1::2]):
        mode, new_mode, name, new_name, _ = head.lstrip(":").split()
        changes.append(Change(path, f"{mode} {name}", f"{new_mode} {new_name}"))
    return changes


def _lay_out(git: Git, folder: Path, commit: str, paths: Sequence[str]) -> None:
    """Write the files of a commit into `folder`, in the form in which git writes them into a work tree."""
    folder.mkdir(parents=True)
    git_directory = git.folder / ".git"
    env = {"GIT_DIR": str(git_directory), "GIT_WORK_TREE": str(folder), "GIT_INDEX_FILE": str(folder) + ".index"}
    git.do("read-tree", commit, env=env)
    git.do("checkout-index", "-z", "--stdin", feed=os.fsencode("\0".join(paths)), env=env)


def _version(root: Path, path: str) -> Path | None:
    """What is at `path` below `root`, unless it is a folder or lies behind a symbolic link."""
    file = root / path
    if any((root / parent).is_symlink() for parent in PurePosixPath(path).parents):
        return None
    return file if file.is_symlink() or (os.path.lexists(file) and not file.is_dir()) else None


def _same(one: Path | None, other: Path | None) -> bool:
    """Whether both are a file with the same content, executable or not, or the same symbolic link, or nothing."""
    if one is None or other is None:
        return one is other
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and link_target(one) == link_target(other)
    alike = (one.stat().st_mode ^ other.stat().st_mode) & 0o100 == 0
    return alike and filecmp.cmp(one, other, shallow=False)


def _in_the_way(root: Path, work: Path, changes: Sequence[Change]) -> Iterator[str]:
    """The paths of the newer commit where the owner has something of which git knows nothing, or nothing but a part."""
    known = {each.path for each in changes if each.was}

    def stays(path: str) -> bool:
        return path not in known or not _same(_version(root, path), _version(work / "base", path))

    for each in changes:
        file, own = root / each.path, _version(root, each.path)
        parents = [root / parent for parent in PurePosixPath(each.path).parents][:-1]
        blocking = [parent for parent in parents if parent.is_symlink() or (parent.exists() and not parent.is_dir())]
        if own and not own.is_symlink() and not own.is_file():  # a socket or a pipe
            yield each.path
        elif not each.will_be:
            continue
        elif blocking:
            if any(str(parent.relative_to(root)) not in known for parent in blocking):
                yield each.path
        elif own:
            if each.path not in known and not _same(own, _version(work / "theirs", each.path)):
                yield each.path
        elif not each.after.startswith(_SUBMODULE) and any(
            stays(str((Path(folder) / name).relative_to(root)))
            for folder, folders, files in os.walk(file)
            for name in [*files, *(name for name in folders if (Path(folder) / name).is_symlink())]
        ):
            yield each.path


def _plan(git: Git, work: Path, path: str) -> Step | None:
    """What is to be done with the file at a path; None where it is as it will be."""
    there, base, theirs = _version(git.folder, path), _version(work / "base", path), _version(work / "theirs", path)
    seen = _look(there)
    if _same(there, theirs):
        return None
    if there is None or _same(there, base):
        return Step(path, seen, theirs, collides=there is None and base is not None)
    mine = work / "mine" / path
    mine.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(there, mine, follow_symlinks=False)
    merged = _merge(git, work / "merged" / path, mine, base, theirs)
    return Step(path, seen, theirs if merged is None else merged, mine, collides=merged is None)


def _merge(git: Git, result: Path, mine: Path, base: Path | None, theirs: Path | None) -> Path | None:
    """Merge the lines of three versions of a file into `result`. Returns it, or None on a conflict."""
    if base is None or theirs is None or any(each.is_symlink() for each in (mine, base, theirs)):
        return None
    done = git.run("merge-file", "-p", "--quiet", "--", str(mine), str(base), str(theirs))
    if done.returncode or (mine.suffix == ".ipynb" and not is_notebook(done.stdout)):
        return None
    modes = [each.stat().st_mode for each in (mine, base, theirs)]
    executable = (modes[2] if (modes[0] ^ modes[1]) & 0o100 == 0 else modes[0]) & 0o111
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_bytes(done.stdout)
    result.chmod(stat.S_IMODE(modes[0]) & ~0o111 | executable)
    return result


def _look(file: Path | None) -> tuple[int, ...] | None:
    """What changes when somebody writes a file."""
    if file is None:
        return None
    status = file.lstat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode


def _note(root: Path, step: Step) -> str:
    """Put the owner's version beside the newest one, once. Returns what is said about it."""
    if step.own is None:
        return f"{step.path} (you had removed it)"
    place = root / step.path
    for earlier in sorted(place.parent.glob(f"{glob.escape(place.stem)}.yours-*{glob.escape(place.suffix)}")):
        if _same(earlier, step.own):
            return f"{step.path} (yours is {earlier.name})"
    names = (f"{place.stem}.yours-{now()}{f'-{number}' if number else ''}" for number in itertools.count())
    beside = next(file for name in names if not os.path.lexists(file := place.with_name(name + place.suffix)))
    step.own.rename(beside)
    return f"{step.path} (yours is {beside.name})"


def _take(root: Path, step: Step) -> None:
    """Put the new version of a file into its place. Raises LeftAlone when its owner just wrote it."""
    file = root / step.path
    there = _version(root, step.path)
    if _look(there) != step.seen:
        raise LeftAlone(f"you changed {step.path} at this moment; the next start of a lab refreshes it")
    if step.new is None:
        file.unlink()
        with suppress(OSError):  # folders that are empty now
            for parent in itertools.takewhile(lambda parent: parent != root, file.parents):
                parent.rmdir()
        return
    if there is None and file.is_dir():
        for folder, _, _ in os.walk(file, topdown=False):
            Path(folder).rmdir()
    file.parent.mkdir(parents=True, exist_ok=True)
    step.new.replace(file)
