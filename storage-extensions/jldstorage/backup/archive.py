"""Writes one archive of a tree: a tar in gzip that GNU tar reads too, of files that people change meanwhile."""

import errno
import gzip
import io
import os
import stat
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jldstorage.backup import sparse
from jldstorage.backup.folder import BackupFailed, written_badly
from jldstorage.backup.tree import GONE, Entry, Notes, tops, walk

SUFFIX = ".tar.gz"
_BUFFER = 1024 * 1024
_FASTEST = 1  # of gzip's levels: the others take several times as long and save a tenth
_REMEDIES = {
    errno.EACCES: "does the file server map root to nobody? Export it with no_root_squash",
    errno.EPERM: "does the file server map root to nobody? Export it with no_root_squash",
    errno.EIO: "look at the volume and its server: the archive would lack this file",
}


@dataclass
class Report:
    """What an archive holds, and what it does not."""

    files: int = 0
    size: int = 0
    notes: Notes = field(default_factory=Notes)


def write_archive(tree: Path, part: Path) -> Report:
    """Everything below `tree` into the file `part`. Raises BackupFailed where something cannot be read or written."""
    report = Report()
    try:
        top = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with (
                _Sink(part) as sink,
                # Without a name and a time in gzip's header.
                gzip.GzipFile("", "wb", _FASTEST, fileobj=sink, mtime=0) as packed,
                tarfile.open(
                    fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
                ) as tar,
            ):
                _fill(_Writer(tar, report), top)
        finally:
            os.close(top)
    except OSError as error:
        where = f"{tree}/{error.filename}" if isinstance(error.filename, str) else str(tree)
        remedy = _REMEDIES.get(error.errno or 0, "look at the volume and its server")
        raise BackupFailed(f"{ascii(where)[1:-1]} cannot be read: {error.strerror}; {remedy}") from error
    return report


def _fill(writer: "_Writer", top: int) -> None:
    # The folders at the top come first: whoever reads the archive knows at once whose homes it holds.
    first = set()
    for entry in tops(top):
        writer.add(entry)
        first.add(entry.name)
    for entry in walk(top, writer.report.notes):
        if entry.name not in first:
            writer.add(entry)


class _Sink(io.RawIOBase):
    """The archive's file: what fails here is no fault of the tree that is read."""

    def __init__(self, part: Path) -> None:
        self._part = part
        self._file = part.open("wb", buffering=_BUFFER)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        try:
            return int(self._file.write(data))
        except OSError as error:
            raise written_badly(self._part, error) from error

    def close(self) -> None:
        if not self.closed:
            super().close()
            try:
                self._file.close()
            except OSError as error:
                raise written_badly(self._part, error) from error


class _Writer:
    """Adds entries to an archive. A home's hard links are links again, those between homes are files of their own."""

    def __init__(self, tar: tarfile.TarFile, report: Report) -> None:
        self.report = report
        self._tar = tar
        self._home = ""
        self._links: dict[tuple[int, int], str] = {}

    def add(self, entry: Entry) -> None:
        member = _member(entry)
        if stat.S_ISREG(entry.info.st_mode):
            self._add_file(entry, member)
        else:
            self._tar.addfile(member)
        self.report.files += 1
        self._tar.members = []  # type: ignore[attr-defined]  # tarfile keeps each one otherwise, and a tree has millions

    def _add_file(self, entry: Entry, member: tarfile.TarInfo) -> None:
        first = self._first_link(entry)
        if first:
            member.type, member.linkname = tarfile.LNKTYPE, first
            self._tar.addfile(member)
            return
        try:
            found = sparse.segments(entry.descriptor, entry.info)
        except sparse.TooManyHoles:
            self._links.pop((entry.info.st_dev, entry.info.st_ino), None)
            self.report.notes.add("left out, too many holes", entry.name)
            return
        before = b""
        if sparse.is_sparse(found, entry.info.st_size):
            before = sparse.table(found, entry.info.st_size)
            member.pax_headers = dict(sparse.headers(entry.name, entry.info.st_size))
        member.size = len(before) + sum(length for _, length in found)
        reading = _Reading(entry, before, found)
        self._tar.addfile(member, reading)
        self.report.size += member.size
        if reading.vanished:
            self.report.notes.add("vanished", entry.name)
        elif reading.short or _changed(entry):
            self.report.notes.add("changed while it was read", entry.name)

    def _first_link(self, entry: Entry) -> str:
        """The name under which this home's files hold the same file already."""
        home = entry.name.partition("/")[0]
        if home != self._home:
            self._home, self._links = home, {}
        if entry.info.st_nlink < 2:
            return ""
        key = (entry.info.st_dev, entry.info.st_ino)
        first = self._links.setdefault(key, entry.name)
        return "" if first == entry.name else first


def _changed(entry: Entry) -> bool:
    now = os.fstat(entry.descriptor)
    return any(getattr(now, each) != getattr(entry.info, each) for each in ("st_size", "st_mtime_ns", "st_ctime_ns"))


def _member(entry: Entry) -> tarfile.TarInfo:
    types = {stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE, stat.S_IFIFO: tarfile.FIFOTYPE}
    member = tarfile.TarInfo(entry.name)
    member.type = types.get(stat.S_IFMT(entry.info.st_mode), tarfile.REGTYPE)
    member.mode = stat.S_IMODE(entry.info.st_mode)
    member.uid, member.gid = entry.info.st_uid, entry.info.st_gid
    member.mtime = int(entry.info.st_mtime)
    member.linkname = entry.link
    return member


class _Reading:
    """The bytes of a file's segments: as many as were promised, with zeros for what is not there any more."""

    def __init__(self, entry: Entry, before: bytes, found: sparse.Segments) -> None:
        self.short = False
        self.vanished = False
        self._descriptor = entry.descriptor
        self._name = entry.name
        self._before = before
        self._left = list(reversed(found))

    def read(self, amount: int = -1) -> bytes:
        """`amount` bytes. tarfile asks for no more than the member has."""
        data, self._before = self._before[:amount], self._before[amount:]
        pieces = [data]
        missing = amount - len(data)
        while missing:
            offset, length = self._left.pop()
            wanted = min(length, missing)
            pieces.append(self._piece(offset, wanted))
            if length > wanted:
                self._left.append((offset + wanted, length - wanted))
            missing -= wanted
        return b"".join(pieces)

    def _piece(self, offset: int, wanted: int) -> bytes:
        pieces, missing = [], wanted
        while missing and not self.short and not self.vanished:
            try:
                data = os.pread(self._descriptor, missing, offset + wanted - missing)
            except OSError as error:
                if error.errno not in GONE:
                    error.filename = self._name
                    raise
                self.vanished = True
                break
            self.short = not data
            pieces.append(data)
            missing -= len(data)
        return b"".join(pieces) + bytes(missing)
