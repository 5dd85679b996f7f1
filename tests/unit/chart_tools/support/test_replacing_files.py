"""A file is replaced as a whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from jld.support.errors import EnvironmentUnfit
from jld.support.files import replace_file


def test_the_new_content_and_mode_are_there(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    assert replace_file(file, b"new")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    replace_file(file, b"same")
    before = file.stat()
    assert not replace_file(file, b"same")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("step", ["fsync", "fchmod"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_keeps_the_old_file_and_leaves_nothing_behind(
    step: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "values.yaml"
    file.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises((EnvironmentUnfit, KeyboardInterrupt)) as caught:
        replace_file(file, b"new")
    if isinstance(error, OSError):
        sentence = "cannot be written (No space left on device); make its folder writable, or name another file"
        assert str(caught.value) == f"{file}: {sentence}"
    assert [path.name for path in tmp_path.iterdir()] == ["values.yaml"]
    assert file.read_bytes() == b"old"


def test_a_symbolic_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "values.yaml"
    link.symlink_to(tmp_path / "real" / "values.yaml")
    replace_file(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "values.yaml").read_bytes() == b"new"
