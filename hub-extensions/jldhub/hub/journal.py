"""SQLite's journal: a write-ahead log (WAL) on a local disk, and a rollback journal elsewhere.

With WAL a commit waits for the disk once; with a rollback journal, several times. WAL needs memory that all programs with
the file open share, which file systems on a network do not give. The mode is in the file and stays until it is changed.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path, PurePath
from typing import Any

from sqlalchemy import Engine, event

from jldhub.hub.errors import DatabaseError

# Others are not known to be local, and FUSE and 9p may be either.
_LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "overlay", "tmpfs"})
_PATIENCE = 20  # seconds to wait for another program


def settle_journal(file: str, mountinfo: str) -> str:
    """Set the journal mode that the file's place allows. Returns a sentence for the log. Raises DatabaseError."""
    kind = file_system(Path(file).resolve(), mountinfo) or "unknown"
    if kind in _LOCAL and _use_wal(file):
        return f"SQLite at {file} has journal mode WAL."
    _use_rollback_journal(file)
    reason = f"the file system ({kind}) " + ("does not do WAL" if kind in _LOCAL else "is not known to be a local one")
    return f"SQLite at {file} has journal mode DELETE, because {reason}."


def empty_journal(file: str) -> None:
    """Write everything to the file itself, so that a copy of the file alone is whole. Raises DatabaseError."""
    with closing(_open(file)) as database:
        if database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise _in_use(file)


def sync_every_commit() -> None:
    """Let every connection of this process wait for the disk at each commit: with WAL, not every SQLite does so by itself."""
    event.listen(Engine, "connect", _sync)


def file_system(path: PurePath, mountinfo: str) -> str:
    """The type of the file system that holds a path, by the text of /proc/self/mountinfo (proc(5)). Empty where none is told."""
    deepest, found = 0, ""
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        escaped = mount.split(" ")[4]
        point = PurePath(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), escaped))
        # Of several mounts at one place the last one is seen.
        if path.is_relative_to(point) and len(point.parts) >= deepest:
            deepest, found = len(point.parts), source.split(" ")[0]
    return found


def _use_wal(file: str) -> bool:
    with closing(_open(file)) as database:
        try:
            (mode,) = database.execute("PRAGMA journal_mode=WAL").fetchone()
            database.execute("BEGIN IMMEDIATE").execute("ROLLBACK")  # fails where memory cannot be shared
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise _in_use(file) from None
            return False
    return bool(mode == "wal")


def _use_rollback_journal(file: str) -> None:
    with closing(_open(file)) as database:
        database.execute("PRAGMA locking_mode=EXCLUSIVE")  # with it, WAL is read without shared memory
        try:
            database.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise _in_use(file) from None
            raise


def _open(file: str) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)


def _in_use(file: str) -> DatabaseError:
    return DatabaseError(
        f"The database {file} is in use by another program. End that program; the hub tries again by itself."
    )


def _sync(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=FULL")
