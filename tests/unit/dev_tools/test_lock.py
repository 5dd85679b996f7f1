"""Two processes that prepare the same thing at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from jlddev.support import lock

HOLD = """
import sys
from pathlib import Path
from jlddev.support import lock
lock.CACHE = Path(sys.argv[1])
with lock.alone("thing"):
    print("held", flush=True)
    sys.stdin.read()
    print("made", flush=True)
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_second_waits_for_the_first(tmp_path: Path) -> None:
    with hold(tmp_path) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == "held\n"
        with hold(tmp_path) as other:
            with pytest.raises(subprocess.TimeoutExpired):
                other.wait(1)  # it has not ended, and it has said nothing
            assert one.communicate()[0] == "made\n"
            assert other.communicate()[0] == "held\nmade\n"


def test_a_lock_of_a_process_that_was_killed_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hold(tmp_path) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == "held\n"
        one.kill()
    monkeypatch.setattr(lock, "CACHE", tmp_path)
    with lock.alone("thing"), lock.alone("another thing"):
        pass
