"""Puts homes back from an archive, each with its owner's rights and never through a symbolic link."""

import gzip
import os
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path

from jldstorage.backup.acting import acting_as
from jldstorage.backup.folder import BackupFailed
from jldstorage.backup.home import HomeWriter
from jldstorage.backup.owner import HomeRefused, require_home
from jldstorage.backup.tree import Notes

_PIECE = 1024 * 1024


@dataclass
class Restored:
    """What was put back, and what was not."""

    homes: set[str] = field(default_factory=set)
    files: int = 0
    refused: list[str] = field(default_factory=list)  # homes, each with the reason
    notes: Notes = field(default_factory=Notes)


def restore_homes(archive: Path, homes: Path, wanted: Sequence[str]) -> Restored:
    """Put back the homes with the names `wanted`, or all where there is none, below the folder `homes`.

    A home that is not there is made. Files that the archive does not hold stay. Raises BackupFailed.
    """
    done = Restored()
    try:
        top = os.open(homes, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with (
                gzip.open(archive) as unpacked,
                tarfile.open(fileobj=unpacked, mode="r|", encoding="utf-8", errors="surrogateescape") as tar,
            ):
                _Run(tar, top, set(wanted), done).restore()
                while not wanted and unpacked.read(_PIECE):
                    pass  # to the end, where gzip's checksum is
        finally:
            os.close(top)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BackupFailed(f"{archive.name} is damaged: {error}; choose another archive") from error
    except OSError as error:
        where = ascii(error.filename) if isinstance(error.filename, str) else archive.name
        raise BackupFailed(
            f"{where} could not be put back: {error.strerror}. "
            "What was put back before it stays; mend the cause and run the restore again"
        ) from error
    if missing := sorted(set(wanted) - done.homes - {each.partition(":")[0] for each in done.refused}):
        raise BackupFailed(
            f"{archive.name} has no home {', '.join(missing)}; choose another archive, or correct the name"
        )
    return done


class _Run:
    """One pass through an archive, which tells all homes first, and then what is in each of them, one after the other."""

    def __init__(self, tar: tarfile.TarFile, top: int, wanted: set[str], done: Restored) -> None:
        self._tar = tar
        self._top = top
        self._wanted = wanted
        self._done = done
        self._owners: dict[str, tarfile.TarInfo] = {}
        self._complete: set[str] = set()

    def restore(self) -> None:
        for home, members in groupby(self._members(), key=lambda member: member.name.partition("/")[0]):
            if not self._wanted or home in self._wanted:
                self._restore_some(home, members)
            elif self._complete == self._wanted:
                return

    def _members(self) -> Iterator[tarfile.TarInfo]:
        while (member := self._tar.next()) is not None:
            self._tar.members = []  # type: ignore[attr-defined]  # it keeps each one otherwise
            yield member

    def _restore_some(self, home: str, members: Iterator[tarfile.TarInfo]) -> None:
        for member in members:
            if member.name != home:
                if home in self._owners:
                    self._fill(self._owners[home], chain([member], members))
                    self._complete.add(home)
            elif (self._wanted or _is_a_persons(member)) and _make_home(self._top, member, self._done):
                self._owners[home] = member

    def _fill(self, owner: tarfile.TarInfo, members: Iterator[tarfile.TarInfo]) -> None:
        """Everything that the archive holds of one home."""
        # As root only the place: what is opened for reading and writing is opened as the person.
        place = os.open(owner.name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._top)
        try:
            with acting_as(owner.uid, owner.gid):
                descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place)
                writer = HomeWriter(descriptor, owner.uid, self._done.notes)
                try:
                    for member in members:
                        self._done.files += writer.put(self._tar, member)
                finally:
                    writer.close()
        finally:
            os.close(place)


def _make_home(top: int, member: tarfile.TarInfo, done: Restored) -> bool:
    """Whether the home is there for its owner; made where it was not."""
    try:
        if not _is_a_persons(member):
            raise HomeRefused("it is no person's folder in the archive")
        require_home(top, member.name, member.uid, member.gid, "archive")
    except HomeRefused as reason:
        done.refused.append(f"{ascii(member.name)[1:-1]}: {reason}")
        return False
    done.homes.add(member.name)
    return True


def _is_a_persons(member: tarfile.TarInfo) -> bool:
    return member.isdir() and member.uid > 0
