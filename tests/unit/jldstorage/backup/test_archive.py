"""What an archive holds of a tree that people change, fill with odd things, and turn against the run."""

import os
import socket
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from jldstorage.backup import archive as archives
from jldstorage.backup import sparse, tree
from jldstorage.backup.archive import Report, write_archive

LONG = "n" * 255


def packed(homes: Path) -> tuple[Report, Path]:
    part = homes.parent / "archive.tar.gz"
    return write_archive(homes, part), part


def members(part: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(part, encoding="utf-8", errors="surrogateescape") as tar:
        return {member.name: member for member in tar}


def content(part: Path, name: str) -> bytes:
    with tarfile.open(part, encoding="utf-8", errors="surrogateescape") as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


def test_files_come_with_owner_mode_and_time(homes: Path) -> None:
    (homes / "ada").mkdir(mode=0o700)
    file = homes / "ada" / "night"
    file.write_text("data")
    file.chmod(0o640)
    os.utime(file, (-5, -5))
    (homes / "ada" / "link").symlink_to("/etc/passwd")
    os.mkfifo(homes / "ada" / "fifo")

    report, part = packed(homes)

    assert (report.files, report.size, report.notes.counts) == (4, 4, {})
    found = members(part)
    assert (found["ada/night"].uid, found["ada/night"].mode, found["ada/night"].mtime) == (os.geteuid(), 0o640, -5)
    assert content(part, "ada/night") == b"data"
    assert (found["ada/link"].linkname, found["ada/fifo"].type) == ("/etc/passwd", tarfile.FIFOTYPE)


def test_all_homes_are_told_before_what_is_in_them_and_our_own_folder_is_not(homes: Path) -> None:
    for name in ("bob", "ada", ".jld-keepalive"):
        (homes / name).mkdir()
        (homes / name / "file").touch()

    assert list(members(packed(homes)[1]))[:2] == ["ada", "bob"]
    assert set(members(packed(homes)[1])) == {"ada", "bob", "ada/file", "bob/file"}


@pytest.mark.parametrize(
    "name", [b"line\nbreak", b"\xff\xfe not unicode", b"blank ", b"\xc3\xa9" * 120, b"-rf", b"a\\b", b"\x01\x7f"]
)
def test_any_name_is_a_name(homes: Path, name: bytes) -> None:
    (homes / "ada").mkdir()
    path = os.fsencode(homes) + b"/ada/" + name
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"data" * 1000)
        file.truncate(1024 * 1024)

    report, part = packed(homes)

    assert report.notes.counts == {}
    assert content(part, f"ada/{os.fsdecode(name)}").rstrip(b"\0") == b"data" * 1000


def deep(homes: Path, levels: int) -> None:
    """Folders in each other whose path is longer than any call takes."""
    folder = os.open(homes, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(LONG, dir_fd=folder)
        below = os.open(LONG, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)


def test_a_path_may_be_longer_than_any_call_takes(homes: Path) -> None:
    deep(homes, 40)

    report, part = packed(homes)

    assert "/".join([LONG] * 40 + ["file"]) in members(part)
    assert report.notes.counts == {}


def test_a_path_that_is_too_deep_is_left_out_and_told(homes: Path) -> None:
    (homes / "bob").mkdir()
    deep(homes, tree.DEEPEST + 1)

    report, part = packed(homes)

    assert report.notes.counts == {"left out, too deep": 1}
    assert "bob" in members(part)


def test_sockets_and_devices_are_left_out_and_told(homes: Path) -> None:
    with socket.socket(socket.AF_UNIX) as kernel:
        kernel.bind(str(homes / "socket"))

    assert (
        packed(homes)[0].notes.sentence()
        == "1 left out, a socket or a device: 'socket' (left out, a socket or a device)"
    )


def test_a_file_with_holes_is_not_written_out(homes: Path) -> None:
    file = homes / "sparse"
    with file.open("wb") as opened:
        for at in (0, 2**33, 2**40):
            opened.seek(at)
            opened.write(b"data")
        opened.truncate(2**41)

    report, part = packed(homes)

    assert report.size < 100_000
    member = members(part)["sparse"]
    assert member.size == 2**41
    assert [at for at, length in member.sparse or [] if length] == [0, 2**33, 2**40]


def test_gnu_tar_reads_the_archive(homes: Path, tmp_path: Path) -> None:
    (homes / "ada").mkdir()
    with (homes / "ada" / os.fsdecode(b"sparse \xff")).open("wb") as opened:
        opened.seek(2**24)
        opened.write(b"data")
        opened.truncate(2**25)
    (homes / "ada" / "twin").hardlink_to(homes / "ada" / os.fsdecode(b"sparse \xff"))

    _, part = packed(homes)
    subprocess.run(["tar", "--extract", "--directory", tmp_path, "--file", part], check=True)

    assert (
        subprocess.run(["diff", "--recursive", homes, tmp_path], capture_output=True, check=False).stdout.splitlines()[
            1:
        ]
        == []
    )
    assert (tmp_path / "ada" / "twin").stat().st_nlink == 2


def test_a_hole_that_the_server_does_not_tell_does_not_keep_the_run(
    homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (homes / "endless").open("wb") as file:
        file.truncate(2**43)

    def unknown(*_: int) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "lseek", unknown)

    assert packed(homes)[0].notes.counts == {"left out, too many holes": 1}


def test_hard_links_are_links_within_a_home_and_files_between_homes(homes: Path) -> None:
    for name in ("ada", "bob"):
        (homes / name).mkdir()
    (homes / "ada" / "a").write_text("data")
    for twin in ("ada/b", "bob/c"):
        (homes / twin).hardlink_to(homes / "ada" / "a")

    _, part = packed(homes)

    found = members(part)
    assert sorted([found["ada/a"].type, found["ada/b"].type]) == [tarfile.REGTYPE, tarfile.LNKTYPE]
    assert (found["bob/c"].type, content(part, "bob/c")) == (tarfile.REGTYPE, b"data")


Act = Callable[[Path], object]


def meanwhile(monkeypatch: pytest.MonkeyPatch, place: str, act: Callable[[], object]) -> None:
    """`act` happens once, before the run's first call of os.`place`."""
    real, left = getattr(os, place), [act]

    def called(*words: object, **options: object) -> object:
        if left and (place != "open" or words[0] == "file"):
            left.pop()()
        return real(*words, **options)

    monkeypatch.setattr(os, place, called)


@pytest.mark.parametrize(
    ("act", "size"),
    [
        (lambda file: file.write_text("x" * 9000), 9000),
        (lambda file: file.write_text("y" * 20), 20),
        (lambda file: file.write_text(""), 0),
    ],
    ids=["grows", "shrinks", "is emptied"],
)
def test_a_file_that_changes_while_it_is_read_is_told_and_fails_nothing(
    homes: Path, monkeypatch: pytest.MonkeyPatch, act: Act, size: int
) -> None:
    (homes / "file").write_text("x" * 5000)
    (homes / "other").write_text("as before")
    meanwhile(monkeypatch, "pread", lambda: act(homes / "file"))

    report, part = packed(homes)

    assert report.notes.counts == {"changed while it was read": 1}
    assert len(content(part, "file")) == 5000
    assert content(part, "other") == b"as before"


def turn_into(kind: str) -> Act:
    def act(file: Path) -> None:
        file.unlink()
        if kind == "link":
            file.symlink_to("/etc/passwd")
        elif kind == "fifo":
            os.mkfifo(file)
        elif kind == "folder":
            file.mkdir()
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as opened:
                opened.bind(str(file))

    return act


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("nothing", "vanished"),
        ("link", "became something else"),
        ("fifo", "became something else"),
        ("folder", "became something else"),
        ("socket", "became something else"),
    ],
)
def test_a_file_that_vanishes_or_becomes_something_else_is_told_and_fails_nothing(
    homes: Path, monkeypatch: pytest.MonkeyPatch, kind: str, told: str
) -> None:
    (homes / "ada").mkdir()
    (homes / "ada" / "file").write_text("data")
    (homes / "other").write_text("as before")
    meanwhile(monkeypatch, "open", lambda: turn_into(kind)(homes / "ada" / "file"))

    report, part = packed(homes)

    assert report.notes.counts == {told: 1}
    assert set(members(part)) == {"ada", "other"}


def test_a_file_whose_server_forgot_it_is_told(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (homes / "file").write_text("data")

    def stale(*_: object) -> bytes:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(os, "pread", stale)

    assert packed(homes)[0].notes.counts == {"vanished": 1}


def test_a_folder_that_becomes_a_link_leads_the_run_nowhere(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is swapped when its files are known and not opened yet."""
    for name in ("ada/notes", "mallory/notes"):
        (homes / name).mkdir(parents=True)
        (homes / name / "file").write_text(f"of {name}")
    folder = homes / "mallory" / "notes"

    def swap() -> None:
        folder.rename(homes / "mallory" / "away")
        folder.symlink_to(homes / "ada" / "notes")

    real = os.stat

    def called(name: str, **options: object) -> os.stat_result:
        if name == "file" and not folder.is_symlink() and folder.exists():
            swap()
        return real(name, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(tree.os, "stat", called)
    _, part = packed(homes)
    monkeypatch.undo()

    found = members(part)
    held = {name: content(part, name) for name, member in found.items() if member.isreg()}
    assert all(text != b"of ada/notes" for name, text in held.items() if name.startswith("mallory"))
    assert held["ada/notes/file"] == b"of ada/notes"


def test_memory_does_not_grow_with_the_number_of_files(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        (homes / str(number)).touch()
    kept: list[int] = []
    real = archives._Writer.add

    def add(self: archives._Writer, entry: tree.Entry) -> None:
        real(self, entry)
        kept.append(len(self._tar.members))

    monkeypatch.setattr(archives._Writer, "add", add)
    packed(homes)

    assert set(kept) == {0}


def test_names_that_are_told_show_no_control_characters(homes: Path) -> None:
    notes = tree.Notes()
    for number in range(30):
        notes.add("vanished", f"\x1b[31m{number}\n")

    said = notes.sentence()
    assert said.startswith("30 vanished: ")
    assert said.endswith(" and 20 more")
    assert said.isprintable()


def test_a_table_of_segments_fills_whole_blocks() -> None:
    assert {len(sparse.table([(0, 1)] * number, 9)) % 512 for number in range(200)} == {0}
