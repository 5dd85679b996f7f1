"""A run: dated archives, one at a time, of files that people change, and a database that the hub writes."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jldstorage.backup.__main__ import main, run
from jldstorage.backup.folder import BackupFailed

from .conftest import Clock

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")
STAMP = "2026-01-31T{:02}0000Z"


def archive(hour: int, name: str = "home", suffix: str = ".tar.gz") -> str:
    return f"{name}-{STAMP.format(hour)}{suffix}"


def back_up(archives: Clock, homes: Path, keep: int = 2, hub: Path | None = None) -> None:
    run(archives.next_run(), homes.parent, ["home"], hub, keep)


def test_every_run_makes_an_archive_and_the_oldest_go(archives: Clock, homes: Path) -> None:
    for _ in range(4):
        back_up(archives, homes)

    assert archives.names() == [archive(5), archive(6)]
    assert [path.stat().st_mode & 0o777 for path in archives.path.glob("home*")] == [0o600, 0o600]


def test_volumes_have_generations_of_their_own(archives: Clock, homes: Path) -> None:
    (homes.parent / "home-2").mkdir()
    stranger = archives.path / "home-of-somebody.tar.gz"
    stranger.write_text("not ours")
    for _ in range(3):
        run(archives.next_run(), homes.parent, ["home", "home-2"], None, 1)

    assert archives.names() == sorted([archive(5), archive(5, "home-2"), stranger.name])


def test_a_run_beside_another_one_is_refused(archives: Clock, homes: Path) -> None:
    with archives.next_run().locked(), pytest.raises(BackupFailed, match="another backup runs"):
        back_up(archives, homes)

    back_up(archives, homes)


def test_what_a_killed_run_left_is_gone_at_the_next_one(archives: Clock, homes: Path) -> None:
    big = homes / "ada"
    big.mkdir()
    os.mkfifo(archives.path / "ready")
    program = (
        "import os, sys, time; from pathlib import Path; from jldstorage.backup.folder import ArchiveFolder\n"
        f"folder = ArchiveFolder(Path({str(archives.path)!r}))\n"
        "with folder.locked(), folder.writing('home', '.tar.gz') as part:\n"
        "    part.write_text('half'); open(folder.path / 'ready', 'w').close(); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as killed:
        (archives.path / "ready").read_text()  # comes back when it is in the middle
        killed.send_signal(signal.SIGKILL)
    (archives.path / "ready").unlink()
    assert [name.endswith(".part") for name in archives.names()] == [True]

    back_up(archives, homes)

    assert archives.names() == [archive(3)]


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@AS_ROOT
@pytest.mark.parametrize("what", ["home", "hub-db"])
def test_a_full_volume_ends_in_a_sentence_and_leaves_what_there_was(archives: Clock, homes: Path, what: str) -> None:
    with small_disk(archives.path):
        back_up(archives, homes)
        hub = None
        if what == "home":
            (homes / "noise").write_bytes(os.urandom(1024 * 1024))
        else:
            hub = homes.parent / "jupyterhub.sqlite"
            with sqlite3.connect(hub) as database:
                database.execute("create table noise (bytes)")
                database.execute("insert into noise values (randomblob(1000000))")
            database.close()

        with pytest.raises(BackupFailed, match=r"(?s)keep.*fewer generations \(storage.backup.keep\)"):
            back_up(archives, homes, keep=1, hub=hub)

        # Whatever did not fit, what was there stays, and the other one is archived all the same.
        assert archives.names() == [archive(3 if what == "home" else 4)]


def test_a_run_whose_folder_nobody_may_write_says_so(
    homes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--archives", str(tmp_path / "nothing"), "run", "--keep=1", f"--volumes={homes.parent}", "home"]

    assert main(words) == 1
    assert "storage.backup.claim" in capsys.readouterr().err


def test_a_run_tells_what_it_did(homes: Path, archives: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    (homes / "ada").mkdir()
    (homes / "ada" / "night").write_text("data")
    words = ["--archives", str(archives.path), "run", "--keep=1", f"--volumes={homes.parent}", "home"]

    assert main(words) == 0
    said = capsys.readouterr().out
    assert "home: 2 files of 4 bytes in an archive" in said
    assert "nothing changed while it was read" in said
    assert f"there are now {archives.names()[0]}" in said


def test_an_error_of_the_volume_fails_the_run_and_leaves_what_there_was(
    archives: Clock, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(archives, homes)
    (homes / "ada").write_text("data")

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(BackupFailed, match=r"/home/ada cannot be read: Input/output error; look at the volume"):
        back_up(archives, homes, keep=1)

    assert archives.names() == [archive(3)]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_the_database_is_copied_as_it_is_at_one_moment(archives: Clock, homes: Path, mode: str) -> None:
    """Two tables that a writer changes in one transaction, again and again, never differ in a copy."""
    hub = homes.parent / "jupyterhub.sqlite"
    with sqlite3.connect(hub) as database:
        database.execute(f"pragma journal_mode={mode}")
        database.execute("create table one (number)")
        database.execute("create table two (number, filling)")
        database.execute("insert into one values (0)")
        database.execute("insert into two values (0, randomblob(300000))")
    database.close()
    stop = threading.Event()

    def write() -> None:
        writer = sqlite3.connect(hub, timeout=60)
        while not stop.is_set():
            with writer:
                writer.execute("update one set number = number + 1")
                writer.execute("update two set number = number + 1, filling = randomblob(300000)")
        writer.close()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _ in range(5):
            back_up(archives, homes, keep=5, hub=hub)
    finally:
        stop.set()
        writing.join()

    copies = sorted(archives.path.glob("hub-db-*.sqlite"))
    assert [path.name for path in copies] == [archive(hour, "hub-db", ".sqlite") for hour in range(3, 8)]
    for copy in copies:
        assert copy.read_bytes()[18:20] == b"\x01\x01"  # one file, whatever the hub's own mode is
        with sqlite3.connect(copy) as opened:
            assert opened.execute("select one.number = two.number from one, two").fetchall() == [(1,)]
        opened.close()
    assert [name for name in archives.names() if "part" in name] == []


@pytest.mark.parametrize("content", ["this is no database" * 100, None], ids=["none", "missing"])
def test_a_database_that_is_none_fails_the_run_and_homes_are_archived(
    archives: Clock, homes: Path, content: str | None
) -> None:
    hub = homes.parent / "jupyterhub.sqlite"
    if content:
        hub.write_text(content)

    with pytest.raises(BackupFailed, match="look at the hub's log"):
        back_up(archives, homes, hub=hub)

    assert archives.names() == [archive(3)]


def test_every_volume_is_tried_and_all_that_failed_is_told(archives: Clock, homes: Path) -> None:
    with pytest.raises(BackupFailed, match=r"/lost .*; .*/gone "):
        run(archives.next_run(), homes.parent, ["lost", "home", "gone"], None, 2)

    assert archives.names() == [archive(3)]


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """The folder as the pod mounts it: what others write there is seen, and nothing can be written through it."""
    mounted = folder.with_name("mounted")
    mounted.mkdir()
    subprocess.run(["mount", "--bind", str(folder), str(mounted)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(mounted)], check=True)
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def hub_database(homes: Path, mode: str) -> sqlite3.Connection:
    (homes.parent / "hub").mkdir()
    database = sqlite3.connect(homes.parent / "hub" / "jupyterhub.sqlite")
    database.execute(f"pragma journal_mode={mode}")
    database.execute("create table one (number)")
    database.execute("insert into one values (7)")
    database.commit()
    return database


def content(database: Path) -> list[tuple[int]]:
    with sqlite3.connect(database) as opened:
        found = opened.execute("select number from one").fetchall()
    opened.close()
    return found


@AS_ROOT
@pytest.mark.parametrize("stopped", [False, True], ids=["open", "stopped"])
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_the_database_is_copied_from_a_mount_that_cannot_be_written(
    archives: Clock, homes: Path, mode: str, stopped: bool
) -> None:
    """While the hub has it open, and while it is starting again, when nobody has."""
    database = hub_database(homes, mode)
    if stopped:
        database.close()
    with read_only(homes.parent / "hub") as mounted:
        back_up(archives, homes, hub=mounted / "jupyterhub.sqlite")
    database.close()

    assert content(archives.path / archive(3, "hub-db", ".sqlite")) == [(7,)]


@AS_ROOT
@pytest.mark.parametrize("stopped", [False, True], ids=["open", "stopped"])
def test_a_database_that_does_not_fit_is_told_as_such(archives: Clock, homes: Path, stopped: bool) -> None:
    database = hub_database(homes, "wal")
    database.execute("create table noise as select randomblob(1000000)")
    database.commit()
    if stopped:
        database.close()
    with (
        small_disk(archives.path),
        read_only(homes.parent / "hub") as mounted,
        pytest.raises(BackupFailed, match=r"no copy could be made: (database or disk is full|disk I/O error)"),
    ):
        back_up(archives, homes, hub=mounted / "jupyterhub.sqlite")
    database.close()


@AS_ROOT
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_the_database_is_copied_while_a_hub_starts_again_and_again(archives: Clock, homes: Path, mode: str) -> None:
    """Its journal comes and goes at any moment of the copy; each copy is whole."""
    database = hub_database(homes, mode)
    database.close()
    program = """
import itertools, random, sqlite3, sys, time
numbers = itertools.count(8)
while True:
    hub = sqlite3.connect(sys.argv[1], timeout=60)
    for number in itertools.islice(numbers, random.randrange(3)):
        with hub:
            hub.execute("insert into one values (?)", (number,))
        time.sleep(random.random() / 50)
    hub.close()
    print("ended", flush=True)
    time.sleep(random.random() / 50)
"""
    command = [sys.executable, "-c", program, homes.parent / "hub" / "jupyterhub.sqlite"]
    hub = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert hub.stdout is not None
    try:
        with read_only(homes.parent / "hub") as mounted:
            for _ in range(50):
                hub.stdout.readline()
                back_up(archives, homes, keep=50, hub=mounted / "jupyterhub.sqlite")
        assert hub.poll() is None
    finally:
        hub.kill()
        hub.communicate()

    counts = []
    for copy in sorted(archives.path.glob("hub-db-*.sqlite")):
        numbers = [number for (number,) in content(copy)]
        assert numbers == list(range(7, 7 + len(numbers)))
        counts.append(len(numbers))
    assert counts == sorted(counts)
    assert len(counts) == 50


def test_a_database_comes_back(archives: Clock, homes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub = homes.parent / "jupyterhub.sqlite"
    with sqlite3.connect(hub) as database:
        database.execute("create table one (number)")
    database.close()
    kept = hub.read_bytes()
    back_up(archives, homes, hub=hub)
    hub.write_text("lost")
    hub.with_name("jupyterhub.sqlite-wal").write_text("of the lost one")
    owner = str(os.geteuid())

    words = ["--archives", str(archives.path), "restore-database", "--database", str(hub), "--owner", owner, "latest"]
    assert main(words) == 0

    assert hub.read_bytes()[100:] == kept[100:]
    assert [path.name for path in hub.parent.iterdir() if path.is_file()] == ["jupyterhub.sqlite"]
