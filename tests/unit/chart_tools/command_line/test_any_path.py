"""Whatever a person names as a file, the tool answers with a sentence, waits for nothing for ever, and writes nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import yaml
from jld.support import files

from ..conftest import GITHUB, Desk

LONG = "a" * 300
GIGABYTE = 2**30


@pytest.fixture
def odd(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A folder with everything that is no ordinary file."""
    monkeypatch.setattr(files, "_WAIT", 0.2)
    desk.write("site.yaml", GITHUB)
    (desk.folder / "folder").mkdir()
    os.mkfifo(desk.folder / "pipe")
    (desk.folder / "circle").symlink_to("circle")
    desk.write("huge", b"")
    os.truncate(desk.folder / "huge", GIGABYTE)  # takes no room on the disk
    desk.write("locked", b"")
    opened = os.open

    def refuse(path: object, *arguments: int, **options: int) -> int:
        """As for somebody who is not root."""
        if Path(str(path)).name == "locked":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    return desk


PATHS = [
    *("", "/", ".", "..", "folder", "pipe", "circle", "circle/x", "huge", "locked", "nowhere", "site.yaml/x"),
    *("/dev/zero", "/dev/full", LONG, f"folder/{LONG}", "b/" * 2500, "caf\u00e9\n.yaml"),
]
NO_TEXT = "\udcff.yaml"  # a byte that is no UTF-8, as the shell hands it over; YAML cannot hold it
COMMANDS = {
    "a site": ("check", "PATH"),
    "a second site": ("values", "site.yaml", "PATH"),
    "secrets": ("values", "site.yaml", "--secrets", "PATH"),
    "an identity": ("values", "site.yaml", "--secrets", "age.yaml", "--identity", "PATH"),
    "one of two to compare": ("diff", "PATH", "site.yaml"),
    "the other one": ("diff", "site.yaml", "PATH"),
    "values to rotate": ("rotate", "PATH"),
    "values with a password": ("password", "PATH"),
    "an old file": ("init", "--from", "PATH", "-o", "new.yaml"),
    "a certificate": ("init", "--hostname", "a.example.org", "--certificate", "PATH", "--key", "site.yaml"),
    "a chart": ("check", "site.yaml", "--chart", "PATH"),
    "a site to look at": ("doctor", "PATH"),
}


@pytest.mark.parametrize("path", [*PATHS, NO_TEXT], ids=ascii)
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_path_that_cannot_be_read_is_told(path: str, words: tuple[str, ...], odd: Desk) -> None:
    odd.write("age.yaml", b"age-encryption.org/v1\n-> X25519 x\n")
    before = sorted(odd.folder.iterdir())
    result = odd.run(*(path if word == "PATH" else word for word in words), JLD_GITHUB_CLIENT_SECRET="abc123")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2)
    assert result.stderr.strip()
    assert sorted(odd.folder.iterdir()) == before


@pytest.mark.parametrize(
    "path",
    ["", "/", ".", "folder", "pipe", "circle", "circle/x", "site.yaml/x", "/dev/full", "nowhere/x", LONG, "b/" * 2500],
)
@pytest.mark.parametrize(
    "words", [("values", "site.yaml"), ("init", "--from", "old.yaml", "--force")], ids=["values", "init"]
)
def test_a_path_that_cannot_be_written_is_told(path: str, words: tuple[str, ...], odd: Desk) -> None:
    odd.write("old.yaml", "hostname: a.example.org\n")
    before = sorted(odd.folder.iterdir())
    device = Path("/dev/full").stat().st_mode
    result = odd.run(*words, "-o", path, JLD_GITHUB_CLIENT_SECRET="abc123")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2)
    assert result.stderr.strip()
    assert sorted(odd.folder.iterdir()) == before
    assert Path("/dev/full").stat().st_mode == device


@pytest.mark.parametrize("path", PATHS, ids=ascii)
@pytest.mark.parametrize("name", ["certificate", "key"])
def test_a_path_in_a_site_file_that_cannot_be_read_is_told(path: str, name: str, odd: Desk) -> None:
    site = yaml.safe_load(GITHUB)
    site["nginx"]["tls"] = {"certificate": "nowhere", "key": "nowhere", name: path}
    odd.write("site.yaml", yaml.safe_dump(site))
    result = odd.run("check", "site.yaml", JLD_GITHUB_CLIENT_SECRET="abc123")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2)
    assert "nginx.tls" in result.stderr or "locked: cannot be read" in result.stderr


def test_a_pipe_is_read_to_its_end_however_slowly_it_is_written(odd: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `--secrets <(sops decrypt ...)` gives it."""
    monkeypatch.setattr(files, "_WAIT", 30.0)
    pipe = odd.folder / "pipe"

    def write() -> None:
        with pipe.open("wb", buffering=0) as stream:
            for line in GITHUB.splitlines(keepends=True):
                stream.write(line.encode())
                threading.Event().wait(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    assert files.read_start(pipe, 10_000) == GITHUB.encode()
    writer.join()


def test_a_name_that_is_as_long_as_a_name_may_be_is_written(odd: Desk) -> None:
    name = "v" * 250 + ".yaml"
    result = odd.run("values", "site.yaml", "-o", name, JLD_GITHUB_CLIENT_SECRET="abc123")
    assert result.exit_code == 0
    assert Path(name).stat().st_mode & 0o777 == 0o600
