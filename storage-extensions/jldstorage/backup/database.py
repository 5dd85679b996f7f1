"""A consistent copy of the hub's SQLite database, while the hub writes it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from jldstorage.backup.folder import BackupFailed

NAME = "hub-db"
SUFFIX = ".sqlite"
_PATIENCE = 60.0  # seconds to wait for the hub's own write
# Where a database file says whether it has a write-ahead log beside it, and what it says where it has none.
_VERSIONS_AT = 18
_ALONE = b"\x01\x01"


def copy_database(database: Path, part: Path) -> None:
    """Copy with SQLite's own backup, which sees one moment of the database, and check the copy. Raises BackupFailed."""
    try:
        with _opened(database, "mode=ro") as source, _copy(part) as copy:
            copy.execute("PRAGMA synchronous=OFF")  # the file is synced as a whole
            copy.execute("PRAGMA journal_mode=MEMORY")  # nothing beside it that a killed run would leave
            source.backup(copy)
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


def _opened(file: Path, options: str) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{quote(str(file))}?{options}", uri=True, timeout=_PATIENCE))


def _copy(part: Path) -> closing[sqlite3.Connection]:
    # Nobody else opens the copy before it has its name, so it needs no locks.
    return _opened(part, "mode=rw&nolock=1")
