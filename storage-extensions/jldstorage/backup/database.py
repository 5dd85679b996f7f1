"""A consistent copy of the hub's SQLite database, while the hub writes it."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from jldstorage.backup.folder import BackupFailed

NAME = "hub-db"
SUFFIX = ".sqlite"
_PATIENCE = 60.0  # seconds to wait for the hub's own write, or until it has opened the database
_PAUSE = 0.1
# Where a database file says whether it has a write-ahead log beside it, and what it says where it has none.
_VERSIONS_AT = 18
_ALONE = b"\x01\x01"


class _State(NamedTuple):
    """What changes when somebody writes a database, in nanoseconds and bytes, and whether it has a journal beside it."""

    written: int
    size: int
    beside: bool


def copy_database(database: Path, part: Path) -> None:
    """Copy with SQLite's own backup, which sees one moment of the database, and check the copy. Raises BackupFailed."""
    try:
        _copy_once_opened(database, part)
        with part.open("r+b") as file:
            file.seek(_VERSIONS_AT)
            file.write(_ALONE)
        with _copy(part) as copy:
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise BackupFailed(
            f"{database}: no copy could be made: {error}. When the volume of the archives is full, make it larger or keep "
            "fewer generations (storage.backup.keep); else look at the hub's log"
        ) from error
    if found != "ok":
        raise BackupFailed(f"{database} is damaged: {found}; restore it from an earlier archive")


def _copy_once_opened(database: Path, part: Path) -> None:
    """Copy it whether somebody has it open or not.

    The volume is mounted read-only, and there SQLite opens a database with a write-ahead log only while somebody else has it
    open, and none at the moment in which its journal goes. So one that lies still is read as a file, and one that a hub is
    just opening or closing is tried again.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            _copy_from(database, "mode=ro", part)
            return
        except sqlite3.OperationalError as error:
            if not _is_unopened(error) or not database.is_file() or time.monotonic() > deadline:
                raise
        if _copied_as_file(database, part):
            return
        time.sleep(_PAUSE)


def _copied_as_file(database: Path, part: Path) -> bool:
    """Whether it was copied while nobody had it open."""
    before = _state(database)
    if before.beside:
        return False
    try:
        _copy_from(database, "immutable=1", part)
    except sqlite3.OperationalError as error:
        if (
            not _is_unopened(error) and _state(database) == before
        ):  # nobody meddled: the archives' disk is full, for example
            raise
        return False
    return _state(database) == before


def _is_unopened(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN


def _copy_from(database: Path, options: str, part: Path) -> None:
    os.truncate(part, 0)  # half a copy with the header of a write-ahead log could not be opened again without locks
    with _opened(database, options) as source, _copy(part) as copy:
        copy.execute("PRAGMA synchronous=OFF")  # the file is synced as a whole
        copy.execute("PRAGMA journal_mode=MEMORY")  # nothing beside it that a killed run would leave
        source.backup(copy)


def _state(database: Path) -> _State:
    file = database.stat()
    beside = any(database.with_name(database.name + rest).exists() for rest in ("-journal", "-wal"))
    return _State(file.st_mtime_ns, file.st_size, beside)


def _opened(file: Path, options: str) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{quote(str(file))}?{options}", uri=True, timeout=_PATIENCE))


def _copy(part: Path) -> closing[sqlite3.Connection]:
    # Nobody else opens the copy before it has its name, so it needs no locks.
    return _opened(part, "mode=rw&nolock=1")
