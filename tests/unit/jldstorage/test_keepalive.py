"""The age of the last write tells whether the mount is alive."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from jldstorage import keepalive


@pytest.fixture
def written(tmp_path: Path) -> Path:
    keepalive.write(tmp_path)
    return tmp_path


def test_a_fresh_write_is_ready(written: Path) -> None:
    assert keepalive.main(["check", str(written), "1m"]) == 0


def test_a_write_of_long_ago_is_not_ready(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (written / keepalive.NAME).write_text(f"{time.time() - 200:.0f}\n")

    assert keepalive.main(["check", str(written), "1m"]) == 1
    assert "last write 200 s ago" in capsys.readouterr().out
    assert keepalive.main(["check", str(written), "2m"]) == 0


def test_nothing_written_is_not_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert keepalive.main(["check", str(tmp_path), "1m"]) == 1
    assert "nothing was written yet" in capsys.readouterr().out


def test_it_needs_no_package_and_goes_on_after_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "not-yet"
    command = [sys.executable, "-I", "-S", keepalive.__file__, "write", str(folder), "1s"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "cannot be written: No such file or directory" in process.stderr.readline()
        folder.mkdir()
        deadline = time.monotonic() + 30
        while not (folder / keepalive.NAME).exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.terminate()
