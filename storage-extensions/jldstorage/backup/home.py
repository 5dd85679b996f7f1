"""Writes members of an archive into one home that its owner, and what they run, may change meanwhile.

Each folder is opened relative to the one above it and never through a symbolic link. A file is written beside its name
and then takes the place of what has that name, whatever that is.
"""

import errno
import os
import stat
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jldstorage.backup.folder import BackupFailed
from jldstorage.backup.tree import Notes

_BESIDE = ".jld-restore"
_OPEN_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1024 * 1024
# Something of the person's is in the way, or was put there meanwhile: the other files do not suffer from it.
_IN_THE_WAY = frozenset(
    getattr(errno, name)
    for name in ("EACCES", "EEXIST", "EISDIR", "ELOOP", "ENOENT", "ENOTDIR", "ENOTEMPTY", "EPERM", "EXDEV", "EMLINK")
)


@dataclass
class _Folder:
    name: str
    descriptor: int
    member: tarfile.TarInfo | None  # whose mode and time the folder gets when it is complete


class HomeWriter:
    """One home, by the descriptor of its folder, which the writer closes."""

    def __init__(self, descriptor: int, uid: int, notes: Notes) -> None:
        self._stack = [_Folder("", descriptor, None)]
        self._uid = uid
        self._notes = notes

    def put(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bool:
        """Put one member back. False where it was not possible, which is noted."""
        _, *parts = member.name.split("/")
        if not parts or {"", ".", ".."} & set(parts):
            raise BackupFailed(f"{member.name!a} is no name of a file in a home; this is no archive of JLD's")
        if member.uid != self._uid:
            # It would become the person's own, who could not read it before.
            self._notes.add("of another user", member.name)
            return False
        try:
            folder = self._enter(parts[:-1])
            if member.isdir():
                self._stack.append(_Folder(parts[-1], _make_folder(folder, parts[-1]), member))
            else:
                self._replace(tar, member, folder, parts[-1])
        except OSError as error:
            self._note(error, member.name)
            return False
        return True

    def close(self) -> None:
        while self._stack:
            self._leave()

    def _enter(self, parts: Sequence[str]) -> int:
        """The descriptor of a folder of the home, which is made where it is not there."""
        here = [folder.name for folder in self._stack[1:]]
        while here != list(parts[: len(here)]):
            self._leave()
            here.pop()
        for name in parts[len(here) :]:
            self._stack.append(_Folder(name, _make_folder(self._stack[-1].descriptor, name), None))
        return self._stack[-1].descriptor

    def _leave(self) -> None:
        folder = self._stack.pop()
        try:
            if folder.member:
                os.fchmod(folder.descriptor, folder.member.mode & 0o1777)
                os.utime(folder.descriptor, (folder.member.mtime, folder.member.mtime))
        except OSError as error:
            self._note(error, folder.name)
        finally:
            os.close(folder.descriptor)

    def _note(self, error: OSError, name: str) -> None:
        """Note what could not be put back because of what the person did. Raises any other error."""
        if error.errno == errno.ESTALE and self._stack:
            # What is removed while it is open is stale on a file server; a volume that is lost is stale as a whole.
            os.fstat(self._stack[0].descriptor)
        elif error.errno not in _IN_THE_WAY:
            error.filename = name
            raise error
        self._notes.add("in whose way something is", name)

    def _replace(self, tar: tarfile.TarFile, member: tarfile.TarInfo, folder: int, name: str) -> None:
        with suppress(FileNotFoundError):  # of a restore that was killed
            os.unlink(_BESIDE, dir_fd=folder)
        try:
            if member.isreg():
                _write(tar, member, folder)
            elif member.issym():
                os.symlink(member.linkname, _BESIDE, dir_fd=folder)
            elif member.islnk():
                self._link(member, folder)
            else:
                os.mkfifo(_BESIDE, member.mode & 0o777, dir_fd=folder)
            os.rename(_BESIDE, name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            # Also after the rename: where both are links to one file already, it leaves both.
            with suppress(OSError):
                os.unlink(_BESIDE, dir_fd=folder)

    def _link(self, member: tarfile.TarInfo, folder: int) -> None:
        _, *parts, name = member.linkname.split("/")
        descriptors = [self._stack[0].descriptor]
        try:
            for part in parts:
                descriptors.append(os.open(part, os.O_RDONLY | _OPEN_FOLDER, dir_fd=descriptors[-1]))
            os.link(name, _BESIDE, src_dir_fd=descriptors[-1], dst_dir_fd=folder, follow_symlinks=False)
        finally:
            for descriptor in descriptors[1:]:
                os.close(descriptor)


def _make_folder(parent: int, name: str) -> int:
    """The descriptor of the folder `name`, in place of whatever else has the name."""
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=parent)
            os.mkdir(name, 0o700, dir_fd=parent)
    place = os.open(name, os.O_PATH | _OPEN_FOLDER, dir_fd=parent)
    try:
        mode = stat.S_IMODE(os.fstat(place).st_mode)
        if mode & stat.S_IRWXU != stat.S_IRWXU:  # its owner closed it to themselves; its own mode comes back at the end
            os.chmod(f"/proc/self/fd/{place}", mode | stat.S_IRWXU)  # noqa: PTH101  the descriptor, and no name
        return os.open(".", os.O_RDONLY | _OPEN_FOLDER, dir_fd=place)
    finally:
        os.close(place)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: int) -> None:
    source = tar.fileobj  # what tarfile gives for a member cannot pass over holes in a stream
    assert source is not None  # noqa: S101  it is open
    source.seek(member.offset_data)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    # A file server tells at the latest at the file's end that its disk is full: before the file takes its name.
    with open(os.open(_BESIDE, flags, 0o600, dir_fd=folder), "wb", buffering=0) as file:  # noqa: PTH123
        segments: Any = member.sparse or [(0, member.size)]
        for offset, length in segments:
            file.seek(offset)
            while length:
                if not (data := source.read(min(length, _PIECE))):
                    raise EOFError("it ends in the middle of a file")
                length -= file.write(data)
        file.truncate(member.size)
        os.fchmod(file.fileno(), member.mode & 0o777)
        os.utime(file.fileno(), (member.mtime, member.mtime))
