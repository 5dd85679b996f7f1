"""Old homes come to their people whole, after any kill, and nothing is taken from them or opened to others on the way."""

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jldstorage.backup.tree import Entry
from jldstorage.takeover import copying
from jldstorage.takeover.__main__ import main
from jldstorage.takeover.names import slug

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of somebody else")
pytestmark = AS_ROOT
OLD_UID, OLD_GID = 1000, 100  # of everybody in Zero to JupyterHub
ADA, BOB = 4000001, 4000002


@pytest.fixture
def old(tmp_path: Path) -> Path:
    for folder in [tmp_path, *tmp_path.parents[:2]]:
        folder.chmod(0o755)
    (tmp_path / "new").mkdir()
    for name in ("ada", "bob"):
        (tmp_path / "old" / name / "notes").mkdir(parents=True)
        (tmp_path / "old" / name / "notes" / "night").write_text(f"of {name}")
    return tmp_path / "old"


@pytest.fixture
def new(old: Path) -> Path:
    return old.with_name("new")


@pytest.fixture
def take(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs the program with lines of the list: its exit code, and its report."""

    def run(*lines: str) -> tuple[int, str]:
        (old.parent / "people.txt").write_text("\n".join(lines))
        before = os.umask(0)
        try:
            code = main(["--old", str(old), "--new", str(new), "--people", str(old.parent / "people.txt")])
        finally:
            os.umask(before)
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def own(path: Path, uid: int = OLD_UID, gid: int = OLD_GID) -> None:
    for each in [path, *path.rglob("*")]:
        os.chown(each, uid, gid, follow_symlinks=False)


def seen(home: Path) -> dict[str, tuple[object, ...]]:
    """Everything in a home but its owners: modes, times, links and contents."""
    found = {}
    for path in sorted(home.rglob("*")):
        info = path.lstat()
        text = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
        link = str(path.readlink()) if path.is_symlink() else ""
        names = info.st_nlink if not stat.S_ISDIR(info.st_mode) else 0
        found[str(path.relative_to(home))] = (info.st_mode, names, text, link, info.st_mtime_ns)
    return found


def owners(home: Path) -> set[tuple[int, int]]:
    return {(path.lstat().st_uid, path.lstat().st_gid) for path in [home, *home.rglob("*")]}


def full_home(home: Path) -> None:
    (home / "a").write_text("data")
    (home / "sub" / "deep").mkdir(parents=True)
    (home / "sub" / "deep" / "b").hardlink_to(home / "a")
    (home / "link").symlink_to("/home/jovyan/notes")
    os.mkfifo(home / "fifo")
    (home / "closed").mkdir()
    (home / "closed" / "file").write_text("kept from myself")
    (home / "notes" / "run").write_text("#!/bin/sh")
    (home / "notes" / "run").chmod(0o755)
    (home / os.fsdecode(b"\xff\n")).write_text("odd")
    (home / "empty").touch()
    with (home / "sparse").open("wb") as file:
        file.seek(2**24)
        file.write(b"end")
        file.truncate(2**25)
    own(home)
    for path in home.rglob("*"):
        os.utime(path, (1e9, 1.1e9), follow_symlinks=False)
    (home / "closed").chmod(0o500)
    (home / "notes").chmod(0o750)


def test_a_home_comes_over_as_it_was_and_is_its_persons(
    old: Path, new: Path, take: Callable[..., tuple[int, str]]
) -> None:
    full_home(old / "ada")
    before = seen(old / "ada")

    code, said = take(f"ada {ADA}", f"bob {BOB} 50000")

    assert code == 0, said
    assert "jld: 2 of 2 homes are there:" in said
    assert f"from 'ada' to user {ADA}, group {ADA}" in said
    assert seen(new / "ada") == before
    assert seen(old / "ada") == before
    assert owners(new / "ada") == {(ADA, ADA)}
    assert owners(new / "bob") == {(BOB, 50000)}
    assert stat.S_IMODE((new / "ada").stat().st_mode) == 0o700
    assert (new / "ada" / "sparse").stat().st_blocks < 1000
    assert (new / "ada" / "a").samefile(new / "ada" / "sub" / "deep" / "b")


def test_a_done_home_is_not_copied_again_whatever_its_person_did_since(
    old: Path, new: Path, take: Callable[..., tuple[int, str]]
) -> None:
    take(f"ada {ADA}")
    (new / "ada" / "notes" / "night").unlink()
    (old / "ada" / "later").write_text("the old hub runs on")

    code, said = take(f"ada {ADA}", f"bob {BOB}")

    assert (code, list((new / "ada" / "notes").iterdir()), (new / "ada" / "later").exists()) == (0, [], False)
    assert "  ada: already there; copied from 'ada': 1 files of 6 bytes" in said
    assert "  bob: copied from 'bob': 1 files of 6 bytes" in said


@pytest.mark.parametrize("kept", [0, 1, 2, 7, 30, 59, 60])
def test_a_run_that_was_killed_goes_on(
    old: Path, new: Path, take: Callable[..., tuple[int, str]], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_home(old / "ada")
    for number in range(50):
        (old / "ada" / "notes" / f"file-{number}").write_text(f"of {number}")
    own(old / "ada" / "notes")
    (old / "ada" / "notes").chmod(0o500)
    before = seen(old / "ada")

    class Killed(BaseException):
        pass

    make = copying.HomeCopier._put
    left = [kept]

    def put(copier: copying.HomeCopier, entry: Entry) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        make(copier, entry)

    with monkeypatch.context() as patched:
        patched.setattr(copying.HomeCopier, "_put", put)
        with pytest.raises(Killed):
            take(f"ada {ADA}")
    code, said = take(f"ada {ADA}")

    assert (code, seen(new / "ada")) == (0, before), said
    assert "not copied" not in said


def test_a_kill_in_the_middle_of_a_file_leaves_nothing_half(
    old: Path, new: Path, take: Callable[..., tuple[int, str]]
) -> None:
    with (old / "ada" / "large").open("wb") as file:
        for number in range(400):
            file.write(bytes([number % 256]) * 2**20)
    own(old / "ada")
    before = seen(old / "ada")
    words = [
        sys.executable,
        "-m",
        "jldstorage.takeover",
        "--old",
        str(old),
        "--new",
        str(new),
        "--person",
        f"ada {ADA}",
    ]
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while not (new / "ada" / copying.BESIDE).exists() and running.poll() is None:
        time.sleep(0.001)
    running.send_signal(signal.SIGKILL)

    assert running.wait() == -signal.SIGKILL
    assert (new / "ada" / copying.BESIDE).exists()
    assert not (new / "ada" / "large").exists()
    code, said = take(f"ada {ADA}")
    assert (code, seen(new / "ada")) == (0, before), said


def test_what_the_person_has_made_since_stays(old: Path, new: Path, take: Callable[..., tuple[int, str]]) -> None:
    for name in ("notes/night", "plan", "was-folder/inside", "was-file", "link"):
        (old / "ada" / name).parent.mkdir(exist_ok=True)
        (old / "ada" / name).write_text("old")
    (old / "ada" / "untouched").write_text("old")
    own(old / "ada")
    home = new / "ada"
    (home / "notes").mkdir(parents=True, mode=0o711)
    (home / "was-file").mkdir()
    for name in ("notes/night", "notes/mine", "plan", "was-folder"):
        (home / name).write_text("new and longer")
    (home / "link").symlink_to("notes/mine")
    own(home, ADA, 50000)
    home.chmod(0o700)
    before = seen(home)

    code, said = take("ada")  # the home itself tells whose it is

    after = seen(home)
    assert code == 0, said
    assert {name: after[name] for name in before if name != "notes"} == {
        name: before[name] for name in before if name != "notes"
    }
    assert set(after) - set(before) == {"untouched"}
    assert after["notes"][0] == before["notes"][0]
    assert owners(home) == {(ADA, 50000)}
    assert "not copied: 5 in whose way something is" in said


def test_links_devices_and_setuid_files_open_nothing(
    old: Path, new: Path, take: Callable[..., tuple[int, str]]
) -> None:
    secret = old.parent / "secret"
    secret.mkdir()
    (secret / "key").write_text("root's")
    secret.chmod(0o700)
    home = old / "ada"
    (home / "root").symlink_to("/")
    (home / "up").symlink_to("../../secret")
    os.mknod(home / "disk", 0o666 | stat.S_IFBLK, os.makedev(7, 0))
    (home / "sh").write_text("#!/bin/sh")
    (home / "group").mkdir()
    own(home)
    (home / "sh").chmod(0o6755)
    (home / "group").chmod(0o2777)
    # The person of the new home leads where the old one has a folder, and a link to root's where it has a file.
    (new / "ada").mkdir()
    (new / "ada" / "notes").symlink_to(secret)
    (new / "ada" / copying.BESIDE).symlink_to(secret / "key")
    own(new / "ada", ADA, ADA)

    code, said = take(f"ada {ADA}")

    assert code == 0, said
    assert [each.name for each in secret.iterdir()] == ["key"]
    assert ((secret / "key").read_text(), (secret / "key").stat().st_uid) == ("root's", 0)
    assert (new / "ada" / "root").readlink() == Path("/")
    assert stat.S_IMODE((new / "ada" / "sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((new / "ada" / "group").stat().st_mode) == 0o777
    assert not (new / "ada" / "disk").exists()
    assert "'disk' (left out, a socket or a device)" in said


def test_the_disks_own_folder_stays_behind(old: Path, new: Path, take: Callable[..., tuple[int, str]]) -> None:
    (old / "ada" / "lost+found" / "#12").mkdir(parents=True)
    (old / "lost+found").mkdir()

    code, said = take(f"ada {ADA}", f"bob {BOB}")

    assert (code, sorted(seen(new / "ada"))) == (0, ["notes", "notes/night"])
    assert "does not name" not in said


LEFT = [
    (["zoe 4000009"], "zoe: left, because there is no old home 'zoe'; write its name after was="),
    (
        ["ada"],
        "ada: left, because nobody knows the person's number yet; let them start a lab once, or write the number into the list",
    ),
    (["taken 4000005 was=ada"], "taken: left, because it belongs to user 4000006, and in the list to user 4000005"),
    (["file 4000005 was=ada"], "file: left, because it is a link or a file and no folder; move it away"),
    (["link 4000005 was=ada"], "link: left, because it is a link or a file and no folder; move it away"),
    (["roots 4000005 was=ada"], "roots: left, because it belongs to root and is not empty; move it away"),
    (["away 4000005 was=led-away"], "away: left, because there is no old home 'led-away'"),
    (
        ["jane@uni 4000005"],
        f"jane@uni: left, because there are several old homes, '{slug('jane@uni')}' and 'jane-40uni'; write was= and the folder",
    ),
    (
        ["kim-40uni 4000005"],
        "kim-40uni: left, because the old home 'kim-40uni' may be that of 'kim@uni'; write was=kim-40uni if it is kim-40uni's",
    ),
    (
        ["kim@uni 4000005", "kim 4000006 was=kim-40uni"],
        "kim: left, because several lines of the list mean the old home 'kim-40uni'",
    ),
]


@pytest.mark.parametrize(("lines", "sentence"), LEFT)
def test_a_home_that_is_left_says_why_and_the_others_come(
    old: Path, new: Path, take: Callable[..., tuple[int, str]], lines: list[str], sentence: str
) -> None:
    (new / "taken").mkdir()
    os.chown(new / "taken", 4000006, 4000006)
    (new / "file").write_text("")
    (new / "link").symlink_to("/")
    (new / "roots" / "full").mkdir(parents=True)
    (old / "led-away").symlink_to("ada")
    for name in (slug("jane@uni"), "jane-40uni", "kim-40uni"):
        (old / name).mkdir()

    code, said = take(*lines, f"bob {BOB}")

    assert code == 1
    assert sentence in said
    assert "  bob: copied from 'bob': 1 files of 6 bytes" in said
    assert sorted(each.name for each in new.iterdir() if not each.is_symlink()) == [
        ".jld-taken-over",
        "bob",
        "file",
        "roots",
        "taken",
    ]


def test_old_homes_that_nobody_is_named_for_are_told(old: Path, take: Callable[..., tuple[int, str]]) -> None:
    code, said = take(f"ada {ADA}")

    assert code == 0
    assert "old homes that the list does not name: 'bob'" in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EPERM])
def test_a_home_that_cannot_be_written_is_not_called_done(
    new: Path, take: Callable[..., tuple[int, str]], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(copying.os, "link", failing)
        code, said = take(f"ada {ADA}")
    assert code == 1
    assert f"ada: left, because 'notes/night': {os.strerror(number)}; mend the cause and create the Job again" in said

    assert take(f"ada {ADA}")[0] == 0
    assert (new / "ada" / "notes" / "night").read_text() == "of ada"


def test_two_jobs_do_not_copy_one_home(old: Path, new: Path, take: Callable[..., tuple[int, str]]) -> None:
    (old / "ada" / "large").write_bytes(bytes(2**28))
    with StoppedJob(old, new):
        code, said = take(f"ada {ADA}")

    assert (code, "ada: left, because another Job copies it now; wait for its end" in said) == (1, True)


class StoppedJob:
    """Another run, which stands still in the middle of a home."""

    def __init__(self, old: Path, new: Path) -> None:
        words = ["--old", str(old), "--new", str(new), "--person", f"ada {ADA}"]
        self._words = [sys.executable, "-m", "jldstorage.takeover", *words]
        self._home = new / "ada"

    def __enter__(self) -> None:
        self._running = subprocess.Popen(self._words, stdout=subprocess.DEVNULL)
        while not (self._home / copying.BESIDE).exists() and self._running.poll() is None:
            time.sleep(0.001)
        self._running.send_signal(signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        self._running.send_signal(signal.SIGCONT)
        assert self._running.wait() == 0


@pytest.fixture(autouse=True)
def nobody_stays_the_person() -> Iterator[None]:
    yield
    assert (os.geteuid(), os.getegid()) == (0, 0)
