"""Copies one old home into the home of its person, who may work there meanwhile, and takes nothing of theirs away.

What the old home holds is read as root and written as the person: each folder is opened relative to the one above it and
never through a symbolic link, and a file gets its name only when it is whole and nothing else has that name.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from jldstorage.backup import sparse
from jldstorage.backup.acting import acting_as
from jldstorage.backup.tree import Entry, Notes, walk

BESIDE = ".jld-take-over"  # a file that is not whole yet
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1024 * 1024
_SECOND = 10**9  # file systems keep times as finely as they can
_OURS = 0o700  # of a folder's mode while it is filled
# Of the person's, in the way or put there meanwhile: the other files do not suffer from it.
_IN_THE_WAY = (errno.EACCES, errno.EEXIST, errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.ESTALE)


@dataclass
class Copied:
    """How much was copied, and how much was there from an earlier run."""

    files: int = 0
    size: int = 0
    there: int = 0


@dataclass
class _Folder:
    name: str
    descriptor: int
    info: os.stat_result | None  # whose mode and times the folder gets when it is complete


class HomeCopier:
    """Copies into one home. `progress` is called after each file."""

    def __init__(self, uid: int, gid: int, notes: Notes, progress: Callable[[Copied], None]) -> None:
        self.copied = Copied()
        self._owner = uid, gid
        self._notes = notes
        self._progress = progress
        self._stack: list[_Folder] = []
        self._left_out = ""  # a folder in whose way something is, with all that it holds
        self._links: dict[tuple[int, int], str] = {}

    def copy(self, old: int, home: int) -> None:
        """From the folder with one descriptor into that with the other. Raises OSError with the name of a file."""
        with acting_as(*self._owner):
            self._stack = [_Folder("", os.open(".", _OPEN_FOLDER, dir_fd=home), None)]
        try:
            for entry in walk(old, self._notes):
                if self._is_of_a_disk(entry):
                    self._left_out = entry.name
                elif not self._left_out or not entry.name.startswith(f"{self._left_out}/"):
                    with acting_as(*self._owner):
                        self._put(entry)
                    self._progress(self.copied)
            with acting_as(*self._owner):
                while len(self._stack) > 1:
                    self._leave()
        finally:
            for folder in self._stack:  # of a run that goes on later, and finds them open for itself
                os.close(folder.descriptor)

    def _is_of_a_disk(self, entry: Entry) -> bool:
        return entry.name == "lost+found" and entry.info.st_uid == 0

    def _put(self, entry: Entry) -> None:
        *parts, name = entry.name.split("/")
        while [folder.name for folder in self._stack[1:]] != parts:
            self._leave()
        folder = self._stack[-1].descriptor
        try:
            if stat.S_ISDIR(entry.info.st_mode):
                self._enter(entry, folder, name)
            elif not self._is_there(entry, folder, name):
                self._make(entry, folder, name)
        except sparse.TooManyHoles:
            self._notes.add("left out, too many holes", entry.name)
        except OSError as error:
            self._note(error, entry.name)
            self._left_out = entry.name

    def _enter(self, entry: Entry, folder: int, name: str) -> None:
        mode = stat.S_IMODE(entry.info.st_mode) & 0o1777 | _OURS
        made = True
        try:
            os.mkdir(name, mode, dir_fd=folder)
        except FileExistsError:
            made = False
        descriptor = os.open(name, _OPEN_FOLDER, dir_fd=folder)
        if made:
            os.fchmod(descriptor, mode)
        # Also one that a killed run made. One of the person's with another mode stays as it is.
        is_ours = stat.S_IMODE(os.fstat(descriptor).st_mode) == mode
        self._stack.append(_Folder(name, descriptor, entry.info if is_ours else None))

    def _leave(self) -> None:
        folder = self._stack.pop()
        try:
            if folder.info:
                os.utime(folder.descriptor, ns=(folder.info.st_atime_ns, folder.info.st_mtime_ns))
                os.fchmod(folder.descriptor, stat.S_IMODE(folder.info.st_mode) & 0o1777)
        except OSError as error:
            self._note(error, folder.name)
        finally:
            os.close(folder.descriptor)

    def _note(self, error: OSError, name: str) -> None:
        """Note what the person has in the way. Raises any other error."""
        is_closed = error.errno == errno.EACCES and len(self._stack) == 1  # the home as a whole
        if error.errno not in _IN_THE_WAY or is_closed:
            error.filename = name
            raise error
        os.fstat(self._stack[0].descriptor)  # stale, where the volume is lost
        self._notes.add("in whose way something is", name)

    def _is_there(self, entry: Entry, folder: int, name: str) -> bool:
        """Whether something has the name already: of an earlier run, or the person's own, which stays."""
        try:
            there = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if _same(there, entry.info) and (not entry.link or os.readlink(name, dir_fd=folder) == entry.link):
            self.copied.there += 1
            if entry.info.st_nlink > 1:
                self._links.setdefault((entry.info.st_dev, entry.info.st_ino), entry.name)
        else:
            self._notes.add("in whose way something is", entry.name)
        return True

    def _make(self, entry: Entry, folder: int, name: str) -> None:
        mode = (
            stat.S_IMODE(entry.info.st_mode) & 0o777
        )  # without setuid: it would be the person's, and work for everybody
        if stat.S_ISLNK(entry.info.st_mode):
            os.symlink(entry.link, name, dir_fd=folder)
        elif stat.S_ISFIFO(entry.info.st_mode):
            os.mkfifo(name, mode, dir_fd=folder)
        else:
            self._make_file(entry, folder, name, mode)
        times = entry.info.st_atime_ns, entry.info.st_mtime_ns
        os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)
        self.copied.files += 1

    def _make_file(self, entry: Entry, folder: int, name: str, mode: int) -> None:
        key = entry.info.st_dev, entry.info.st_ino
        first = self._links.setdefault(key, entry.name) if entry.info.st_nlink > 1 else entry.name
        if first != entry.name:
            self._link(first, folder, name)
            return
        with suppress(FileNotFoundError):  # of a run that was killed
            os.unlink(BESIDE, dir_fd=folder)
        descriptor = os.open(BESIDE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
        try:
            if not self._write(entry, descriptor):
                self._notes.add("changed while it was read", entry.name)
            os.fchmod(descriptor, mode)
            # Not by a rename, which would take the place of what the person has made at this moment.
            os.utime(descriptor, ns=(entry.info.st_atime_ns, entry.info.st_mtime_ns))
            os.link(BESIDE, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except BaseException:
            self._links.pop(key, None)
            raise
        finally:
            os.close(descriptor)
            with suppress(OSError):
                os.unlink(BESIDE, dir_fd=folder)

    def _write(self, entry: Entry, descriptor: int) -> bool:
        """Whether all that the file promised was there. What is a hole stays one."""
        whole = True
        for start, length in sparse.segments(entry.descriptor, entry.info):
            at, end = start, start + length
            while at < end and (data := os.pread(entry.descriptor, min(_PIECE, end - at), at)):
                at += _written(descriptor, data, at)
            whole = whole and at == end
            self.copied.size += at - start
        os.ftruncate(descriptor, entry.info.st_size)
        return whole

    def _link(self, first: str, folder: int, name: str) -> None:
        *parts, source = first.split("/")
        descriptors = [self._stack[0].descriptor]
        try:
            for part in parts:
                descriptors.append(os.open(part, _OPEN_FOLDER, dir_fd=descriptors[-1]))
            os.link(source, name, src_dir_fd=descriptors[-1], dst_dir_fd=folder, follow_symlinks=False)
        finally:
            for descriptor in descriptors[1:]:
                os.close(descriptor)


def _written(descriptor: int, data: bytes, at: int) -> int:
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], at + done)
    return done


def _same(there: os.stat_result, old: os.stat_result) -> bool:
    """Whether one is a copy of the other, by what rsync looks at too."""
    if stat.S_IFMT(there.st_mode) != stat.S_IFMT(old.st_mode):
        return False
    if not stat.S_ISREG(old.st_mode):
        return True
    return there.st_size == old.st_size and abs(there.st_mtime_ns - old.st_mtime_ns) < _SECOND
