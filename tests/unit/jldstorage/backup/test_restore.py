"""Homes come back as their owners had them, and nobody else's file is touched, whatever the owner does meanwhile."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jldstorage.backup.__main__ import main
from jldstorage.backup.archive import write_archive
from jldstorage.backup.folder import BackupFailed
from jldstorage.backup.restore import restore_homes

from .conftest import Clock

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of somebody else")
ADA, BOB, MALLORY = 1234, 1235, 1236


def own(path: Path, uid: int) -> None:
    for each in [path, *path.rglob("*")]:
        os.chown(each, uid, uid, follow_symlinks=False)


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    """The homes of ada and bob, where everybody may look for their own: as claims are."""
    for folder in [tmp_path, *tmp_path.parents[:2]]:
        folder.chmod(0o755)
    homes = tmp_path / "volumes" / "home"
    for name, uid in (("ada", ADA), ("bob", BOB)):
        (homes / name / "notes").mkdir(parents=True)
        (homes / name / "notes" / "night").write_text(f"of {name}")
        (homes / name).chmod(0o700)
        own(homes / name, uid)
    return homes


@pytest.fixture
def archive(homes: Path) -> Path:
    part = homes.parent / "home.tar.gz"
    write_archive(homes, part)
    return part


def seen(home: Path) -> dict[str, tuple[object, ...]]:
    """Everything in a home, with what a restore has to bring back."""
    found = {}
    for path in sorted(home.rglob("*")):
        info = path.lstat()
        text = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        link = path.readlink() if path.is_symlink() else ""
        found[str(path.relative_to(home))] = (
            *(info.st_mode, info.st_uid, info.st_gid, info.st_nlink if not path.is_dir() else 0),
            *(text, link, int(info.st_mtime) if path.is_dir() or text else 0),
        )
    return found


@AS_ROOT
def test_a_home_comes_back_as_it_was(homes: Path) -> None:
    home = homes / "ada"
    (home / "a").write_text("data")
    (home / "b").hardlink_to(home / "a")
    (home / "link").symlink_to("/home/ada/notes")
    os.mkfifo(home / "fifo")
    (home / "closed").mkdir()
    (home / "closed" / "file").write_text("kept from myself")
    (home / "notes" / "run").write_text("#!/bin/sh")
    (home / "notes" / "run").chmod(0o755)
    (home / os.fsdecode(b"\xff\n")).write_text("odd")
    with (home / "sparse").open("wb") as file:
        file.seek(2**24)
        file.write(b"end")
    own(home, ADA)
    (home / "closed").chmod(0o500)
    os.utime(home / "notes", (10**9, 10**9))
    before = seen(home)
    part = homes.parent / "home.tar.gz"
    write_archive(homes, part)
    (home / "closed").chmod(0o100)
    (home / "a").unlink()
    (home / "a").symlink_to(homes / "bob" / "notes" / "night")
    (home / "notes" / "night").write_text("changed")
    (home / "notes" / "run").unlink()
    (home / "link").unlink()
    (home / "link").write_text("a file")
    (home / "sparse").unlink()

    done = restore_homes(part, homes, ["ada"])

    assert (done.homes, done.notes.counts) == ({"ada"}, {})
    assert seen(home) == before
    assert (home / "sparse").stat().st_blocks < 100
    assert seen(homes / "bob")["notes/night"][4] == b"of bob"


@AS_ROOT
def test_files_that_the_archive_does_not_hold_stay(homes: Path, archive: Path) -> None:
    (homes / "ada" / "new").write_text("of today")

    restore_homes(archive, homes, ["ada"])

    assert (homes / "ada" / "new").read_text() == "of today"


@AS_ROOT
def test_only_the_homes_that_are_asked_for_come_back(homes: Path, archive: Path) -> None:
    for name in ("ada", "bob"):
        (homes / name / "notes" / "night").write_text("of today")

    assert restore_homes(archive, homes, ["bob"]).files == 2

    assert (homes / "ada" / "notes" / "night").read_text() == "of today"
    assert (homes / "bob" / "notes" / "night").read_text() == "of bob"


@AS_ROOT
@pytest.mark.parametrize("there", ["nothing", "the empty folder that a kubelet makes"])
def test_all_homes_come_back_where_none_is_left(homes: Path, archive: Path, there: str) -> None:
    before = {name: seen(homes / name) for name in ("ada", "bob")}
    for name in ("ada", "bob"):
        (homes / name).rename(homes.parent / name)
    if there != "nothing":
        (homes / "ada").mkdir(mode=0o755)

    restore_homes(archive, homes, [])

    assert {name: seen(homes / name) for name in ("ada", "bob")} == before
    for name, uid in (("ada", ADA), ("bob", BOB)):
        info = (homes / name).stat()
        assert (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) == (0o700, uid, uid)


@AS_ROOT
@pytest.mark.parametrize("there", ["another person's", "a link", "a file", "root's, with files"])
def test_what_is_not_the_home_of_the_archive_is_left_alone(homes: Path, archive: Path, there: str) -> None:
    home = homes / "ada"
    home.rename(homes.parent / "away")
    if there == "a link":
        home.symlink_to(homes / "bob")
    elif there == "a file":
        home.write_text("file")
    else:
        home.mkdir()
        (home / "mine").write_text("of the new ada")
        own(home, MALLORY if there == "another person's" else 0)
    before = [seen(homes), home.lstat()]

    done = restore_homes(archive, homes, ["ada"])

    assert done.homes == set()
    assert [each.partition(":")[0] for each in done.refused] == ["ada"]
    assert [seen(homes), home.lstat()] == before


@AS_ROOT
def test_a_file_of_somebody_else_does_not_become_the_persons(homes: Path) -> None:
    secret = homes / "ada" / "secret"
    secret.write_text("of bob")
    os.chown(secret, BOB, BOB)
    part = homes.parent / "home.tar.gz"
    write_archive(homes, part)
    secret.unlink()

    assert restore_homes(part, homes, ["ada"]).notes.counts == {"of another user": 1}
    assert not secret.exists()


@AS_ROOT
def test_a_program_comes_back_without_the_right_to_act_for_its_owner(homes: Path) -> None:
    program = homes / "ada" / "program"
    program.write_text("#!/bin/sh")
    own(homes / "ada", ADA)
    program.chmod(0o6755)
    part = homes.parent / "home.tar.gz"
    write_archive(homes, part)

    restore_homes(part, homes, ["ada"])

    assert stat.S_IMODE(program.stat().st_mode) == 0o755


@AS_ROOT
def test_a_folder_in_a_files_place_stays_and_is_told(homes: Path, archive: Path) -> None:
    night = homes / "ada" / "notes" / "night"
    night.unlink()
    night.mkdir()
    (night / "new").touch()
    own(homes / "ada", ADA)

    assert restore_homes(archive, homes, ["ada"]).notes.counts == {"in whose way something is": 1}
    assert [path.name for path in (homes / "ada" / "notes").iterdir()] == ["night"]


def test_what_is_not_put_back_fails_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(tmp_path)
    words = ["--archives", str(tmp_path), "restore", f"--homes={tmp_path}"]
    assert main([*words, "latest", "ada"]) == 1
    assert "no archive latest of home; there are: none" in capsys.readouterr().err

    (tmp_path / "homes" / "ada").mkdir(parents=True)
    with clock.next_run().writing("home", ".tar.gz") as part:
        write_archive(tmp_path / "homes", part)
    assert main([*words, "latest", "grace"]) == 1
    assert "has no home grace" in capsys.readouterr().err
    assert main([*words, "home-2026.tar.gz", "ada"]) == 1
    assert f"there are: {clock.names()[0]}" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut", "changed", "no archive"])
def test_a_damaged_archive_ends_in_a_sentence(homes: Path, archive: Path, damage: str) -> None:
    data = bytearray(archive.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "changed":
        data[len(data) // 2 : len(data) // 2 + 20] = bytes(20)
    else:
        data = bytearray(b"none")
    archive.write_bytes(data)

    with pytest.raises(BackupFailed, match=r"home.tar.gz is damaged: .*; choose another archive"):
        restore_homes(archive, homes, [])


# Swaps the folder and the file that are put back for links to another person's, as fast as it can.
SWAP = """
import os, sys
home, victim = sys.argv[1:3]
os.chroot(home)  # as in a lab, which sees this home and no other
os.chdir("/")
os.setgid(1236); os.setuid(1236)
print("swapping", flush=True)
beside = 0
while True:
    for name, target in (("notes", victim), ("notes/night", victim + "/night"), ("notes/.jld-restore", victim + "/night")):
        beside += 1
        try:
            os.symlink(target, f"link{beside}")
            if name == "notes":
                os.rename("notes", f"away{beside}")
            os.rename(f"link{beside}", name)
            if name == "notes" and beside % 2:
                os.unlink("notes")
        except OSError:
            pass
"""


@contextmanager
def hostile_owner(home: Path, victim: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", SWAP, str(home), str(victim)], stdout=subprocess.PIPE, text=True
    ) as it:
        assert it.stdout
        assert it.stdout.readline() == "swapping\n"
        try:
            yield
            assert it.poll() is None
        finally:
            it.kill()


@AS_ROOT
def test_a_person_who_swaps_links_in_reaches_nobody_elses_file(homes: Path, tmp_path: Path) -> None:
    """Not even one that everybody may write: it is not only the owner's rights that keep the restore in the home."""
    home = homes / "mallory"
    (home / "notes").mkdir(parents=True)
    for number in range(20):
        (home / "notes" / f"{number}").write_text("of mallory")
        (home / "notes" / "night").write_text("of mallory")
    own(home, MALLORY)
    home.chmod(0o700)
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "night").write_text("of the victim")
    for path in (victim, victim / "night"):
        path.chmod(0o777)
    part = homes.parent / "home.tar.gz"
    write_archive(homes, part)

    put_back = 0
    with hostile_owner(home, victim):
        for _ in range(200):
            put_back += restore_homes(part, homes, ["mallory"]).files

    assert put_back > 200
    assert [path.name for path in victim.iterdir()] == ["night"]
    assert (victim / "night").read_text() == "of the victim"
    assert (homes / "ada" / "notes" / "night").read_text() == "of ada"


@AS_ROOT
@pytest.mark.parametrize("call", ["open", "mkdir", "stat", "rename"])
def test_a_folder_that_becomes_a_link_at_the_worst_moment_leads_nowhere(
    homes: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    victim.chmod(0o777)
    notes = homes / "ada" / "notes"
    real, swapped = getattr(os, call), []

    def swap(name: object, *words: object, **options: object) -> object:
        if name in ("notes", ".jld-restore") and not swapped:
            swapped.append(name)
            notes.rename(homes / "ada" / "away")
            notes.symlink_to(victim)
        return real(name, *words, **options)

    monkeypatch.setattr(os, call, swap)
    restore_homes(archive, homes, ["ada"])
    monkeypatch.undo()

    assert swapped
    assert list(victim.iterdir()) == []


@AS_ROOT
@pytest.mark.parametrize("call", ["open", "rename", "fchmod", "utime", "mkdir", "stat"])
@pytest.mark.parametrize(
    ("number", "lost"), [(errno.ESTALE, False), (errno.ENOENT, False), (errno.ESTALE, True), (errno.EIO, False)]
)
def test_what_is_removed_at_any_moment_stops_no_other_file_and_a_lost_volume_stops_all(
    homes: Path, archive: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, lost: bool
) -> None:
    """A file server says ESTALE of what is removed while it is open."""
    own(homes / "ada", ADA)
    (homes / "ada" / "notes" / "night").unlink()
    real, fstat, failed = getattr(os, call), os.fstat, []

    def fail(*words: object, **options: object) -> object:
        if os.geteuid() == ADA and words[0] != "." and not failed:
            failed.append(words)
            raise OSError(number, os.strerror(number))
        return real(*words, **options)

    def fstat_of_a_home(descriptor: int) -> object:
        if failed and lost:
            raise OSError(number, os.strerror(number))
        return fstat(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        patched.setattr(os, "fstat", fstat_of_a_home)
        if lost or number == errno.EIO:
            with pytest.raises(BackupFailed, match=os.strerror(number)):
                restore_homes(archive, homes, [])
            return
        done = restore_homes(archive, homes, [])
    assert failed
    assert done.homes == {"ada", "bob"}
    assert list(done.notes.counts) == ["in whose way something is"]


@AS_ROOT
def test_a_full_home_ends_in_a_sentence(homes: Path, tmp_path: Path) -> None:
    (homes / "ada" / "big").write_bytes(os.urandom(2**20))
    own(homes / "ada", ADA)
    part = tmp_path / "home.tar.gz"
    write_archive(homes, part)
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "none", str(small)], check=True)
    try:
        with pytest.raises(BackupFailed, match=r"'ada/big' could not be put back: No space left on device"):
            restore_homes(part, small, ["ada"])
        assert ".jld-restore" not in [path.name for path in (small / "ada").iterdir()]
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)
