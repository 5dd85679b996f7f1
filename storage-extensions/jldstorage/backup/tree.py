"""Walks a tree that people change meanwhile, and follows no symbolic link of theirs.

Each folder is opened relative to its parent's descriptor, so whoever swaps a folder for a link while the walk is on
leads it nowhere. What is not there any more, or became something else, is noted; what cannot be read raises.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

DEEPEST = 500  # folders in each other: each costs a descriptor, of which a process may have 1024
_SHOWN = 10
_OWN = ".jld-"  # what the chart itself keeps on a volume, such as the keepalive's folder
GONE = (errno.ENOENT, errno.ESTALE)
# Of an open with O_NOFOLLOW, O_DIRECTORY and O_NONBLOCK: it became a link, a file, or a socket.
_SWAPPED = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)


@dataclass
class Notes:
    """What did not go as it should for one file or another: how often, and the first of their names."""

    counts: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def add(self, kind: str, name: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if len(self.names) < _SHOWN:
            self.names.append(f"{name!a} ({kind})")

    def sentence(self) -> str:
        """Empty where nothing was noted."""
        if not self.counts:
            return ""
        counted = ", ".join(f"{number} {kind}" for kind, number in self.counts.items())
        total = sum(self.counts.values())
        shown = ", ".join(self.names) + (f" and {total - len(self.names)} more" if total > len(self.names) else "")
        return f"{counted}: {shown}"


@dataclass(frozen=True)
class Entry:
    """Something in the tree. `descriptor` is open for a folder or a regular file, and valid until the next entry."""

    name: str  # from the top of the tree, with /
    info: os.stat_result
    descriptor: int = -1
    link: str = ""  # of a symbolic link: what it says


@dataclass
class _Folder:
    name: str
    descriptor: int
    entries: Iterator[str]


def walk(top: int, notes: Notes) -> Iterator[Entry]:
    """Everything below the folder with the descriptor `top`: a folder before what it holds, depth first."""
    stack = [_Folder("", os.dup(top), iter(_names(top, "")))]
    try:
        while stack:
            name = next(stack[-1].entries, None)
            if name is None:
                os.close(stack.pop().descriptor)
                continue
            path = f"{stack[-1].name}{name}"
            if len(stack) == 1 and name.startswith(_OWN):
                continue
            for entry in _entry(stack[-1].descriptor, name, path, notes):
                if not stat.S_ISDIR(entry.info.st_mode):
                    yield entry
                elif len(stack) > DEEPEST:
                    notes.add("left out, too deep", path)
                else:
                    yield entry
                    stack.append(_Folder(f"{path}/", os.dup(entry.descriptor), iter(_names(entry.descriptor, path))))
    finally:
        for folder in stack:
            os.close(folder.descriptor)


def tops(top: int) -> Iterator[Entry]:
    """The folders in the folder with the descriptor `top`, which are the homes where it holds homes."""
    for name in sorted(_names(top, "")):
        if not name.startswith(_OWN):
            yield from (entry for entry in _entry(top, name, name, Notes()) if stat.S_ISDIR(entry.info.st_mode))


def _names(descriptor: int, path: str) -> list[str]:
    try:
        return os.listdir(descriptor)
    except OSError as error:
        if error.errno in GONE:
            return []
        error.filename = path or "."
        raise


def _entry(folder: int, name: str, path: str, notes: Notes) -> Iterator[Entry]:
    """The entry with its descriptor open, closed afterwards. Nothing where it is gone."""
    descriptor = -1
    try:
        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
        kind = stat.S_IFMT(info.st_mode)
        link = os.readlink(name, dir_fd=folder) if kind == stat.S_IFLNK else ""
        if kind in (stat.S_IFDIR, stat.S_IFREG):
            only = os.O_DIRECTORY if kind == stat.S_IFDIR else 0
            # O_NONBLOCK: a FIFO that was put in the file's place would keep the run waiting for a writer.
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | only, dir_fd=folder)
            info = os.fstat(descriptor)
            if stat.S_IFMT(info.st_mode) != kind:
                notes.add("became something else", path)
                return
        elif kind not in (stat.S_IFLNK, stat.S_IFIFO):
            notes.add("left out, a socket or a device", path)
            return
        yield Entry(path, info, descriptor, link)
    except OSError as error:
        if error.errno in GONE:
            notes.add("vanished", path)
        elif error.errno in (*_SWAPPED, errno.EINVAL):
            notes.add("became something else", path)
        else:
            error.filename = path
            raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)
