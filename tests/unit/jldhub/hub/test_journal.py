"""SQLite's journal: WAL on a local disk and nowhere else, back from it, and no committed row lost by a kill."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path, PurePath

import pytest
from jldhub.hub import journal
from jldhub.hub.database import ready_database
from jldhub.hub.errors import DatabaseError
from jldhub.hub.journal import file_system, settle_journal

LOCAL = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
NOT_LOCAL = ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuse.sshfs", "ceph", "lustre", "gpfs", "virtiofs", "new"]
MOUNTS = (
    LOCAL
    + """\
22 27 0:21 / /proc rw,nosuid - proc proc rw
604 598 0:52 / /srv/jupyterhub rw,relatime shared:1 master:2 - nfs4 10.0.0.1:/export rw,vers=4.2
605 598 0:53 / /srv/hub\\040of\\040ours rw - cifs //server/share rw
606 598 0:54 / /srv/twice rw - nfs 10.0.0.1:/old rw
607 598 8:1 / /srv/twice rw - xfs /dev/sda1 rw
608 598 0:55 / /srv/jupyterhub/below rw - fuse.glusterfs server:/volume rw
"""
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jupyterhub.sqlite"


def beside(file: Path, end: str) -> Path:
    return file.with_name(file.name + end)


def ask(file: Path, statement: str) -> object:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(statement).fetchall()


def mode(file: Path) -> object:
    return ask(file, "PRAGMA journal_mode")


def mounted(kind: str) -> str:
    return f"{LOCAL}30 27 0:31 / / rw - {kind} source rw\n"


def write_and_be_killed(file: Path) -> None:
    """A row that is committed and only in the write-ahead log."""
    program = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("CREATE TABLE IF NOT EXISTS written (number INTEGER)")
database.execute("INSERT INTO written VALUES (1)")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program, file], check=False).returncode < 0
    assert beside(file, "-wal").stat().st_size


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/srv/jupyterhubs/x.sqlite", "ext4"),
        ("/srv/jupyterhub/x.sqlite", "nfs4"),
        ("/srv/jupyterhub", "nfs4"),
        ("/srv/jupyterhub/below/x.sqlite", "fuse.glusterfs"),
        ("/srv/hub of ours/x.sqlite", "cifs"),
        ("/srv/twice/x.sqlite", "xfs"),
    ],
)
def test_the_file_system_of_a_path_is_the_one_mounted_nearest_and_last(path: str, kind: str) -> None:
    assert file_system(PurePath(path), MOUNTS) == kind
    assert file_system(PurePath(path), "") == ""


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs"])
def test_a_local_disk_has_wal(file: Path, kind: str) -> None:
    for _ in range(2):
        assert settle_journal(str(file), mounted(kind)) == f"SQLite at {file} has journal mode WAL."
        assert mode(file) == [("wal",)]


@pytest.mark.parametrize("kind", NOT_LOCAL)
def test_what_is_not_known_to_be_local_has_none(file: Path, kind: str) -> None:
    told = f"journal mode DELETE, because the file system ({kind}) is not known to be a local one."
    assert told in settle_journal(str(file), mounted(kind))
    assert mode(file) == [("delete",)]


def test_a_file_that_moved_to_a_file_server_comes_back_from_wal_with_its_rows(file: Path) -> None:
    settle_journal(str(file), LOCAL)
    write_and_be_killed(file)
    settle_journal(str(file), mounted("nfs4"))
    assert not beside(file, "-wal").exists()
    assert mode(file) == [("delete",)]
    assert ask(file, "SELECT number FROM written") == [(1,)]


@pytest.mark.parametrize("had_wal", [False, True])
def test_where_memory_cannot_be_shared_there_is_no_wal(file: Path, had_wal: bool) -> None:
    if had_wal:
        write_and_be_killed(file)
        beside(file, "-shm").unlink()
    beside(file, "-shm").mkdir()  # so that nobody can make the file of that name which is mapped
    assert settle_journal(str(file), LOCAL).endswith(
        "journal mode DELETE, because the file system (ext4) does not do WAL."
    )
    assert mode(file) == [("delete",)]
    if had_wal:
        assert ask(file, "SELECT number FROM written") == [(1,)]


def test_a_program_that_holds_the_file_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_PATIENCE", 0)
    settle_journal(str(file), LOCAL)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN").execute("SELECT * FROM t")
        with pytest.raises(DatabaseError, match="in use by another program"):
            settle_journal(str(file), mounted("nfs"))
        other.execute("COMMIT")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="in use by another program"):
            settle_journal(str(file), LOCAL)


def test_a_file_that_is_made_ready_is_whole_without_its_log(file: Path, tmp_path: Path) -> None:
    write_and_be_killed(file)
    ready_database(f"sqlite:///{file}", may_change=True, mountinfo=LOCAL)
    copy = Path(shutil.copy(file, tmp_path / "copy"))
    assert ask(copy, "SELECT number FROM written") == [(1,)]
    assert ask(copy, "SELECT version_num FROM jld_alembic_version") == [("0001",)]


def test_a_reader_cannot_make_the_copy_incomplete(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_PATIENCE", 0)
    ready_database(f"sqlite:///{file}", may_change=True, mountinfo=LOCAL)
    with (
        closing(sqlite3.connect(file, isolation_level=None)) as reader,
        closing(sqlite3.connect(file, isolation_level=None)) as writer,
    ):
        reader.execute("BEGIN").execute("SELECT * FROM jld_people").fetchall()
        writer.execute("CREATE TABLE t (x)")
        with pytest.raises(DatabaseError, match="in use by another program"):
            ready_database(f"sqlite:///{file}", may_change=True, mountinfo=LOCAL)


def test_every_connection_waits_for_the_disk(file: Path) -> None:
    program = """
import sqlite3, sys
from jldhub.hub.journal import sync_every_commit
from sqlalchemy import create_engine
def connect():  # as with an SQLite that was built to be quick
    connection = sqlite3.connect(sys.argv[1])
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection
sync_every_commit()
with create_engine("sqlite://", creator=connect).connect() as connection:
    print(connection.exec_driver_sql("PRAGMA synchronous").scalar())
"""
    done = subprocess.run([sys.executable, "-c", program, file], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "2"  # FULL


@pytest.mark.parametrize("mounts", [LOCAL, mounted("nfs")], ids=["WAL", "DELETE"])
def test_a_kill_in_the_middle_of_writing_loses_no_committed_row(file: Path, mounts: str) -> None:
    program = """
import itertools, sys
from jldhub.hub.journal import sync_every_commit
from sqlalchemy import create_engine, text
sync_every_commit()
engine = create_engine(sys.argv[1])
for number in itertools.count():
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO written VALUES (:number)"), {"number": number})
    print(number, flush=True)
"""
    settle_journal(str(file), mounts)
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE written (number INTEGER)")
    start = [sys.executable, "-c", program, f"sqlite:///{file}"]
    with subprocess.Popen(start, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(50):
            writer.stdout.readline()
        writer.kill()
        last = 49 + len(writer.stdout.readlines())
    ready_database(f"sqlite:///{file}", may_change=True, mountinfo=mounts)
    numbers = [number for (number,) in ask(file, "SELECT number FROM written ORDER BY number")]  # type: ignore[attr-defined]
    assert numbers[: last + 1] == list(range(last + 1))
    assert len(numbers) <= last + 2  # the last commit may not have been told
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]
