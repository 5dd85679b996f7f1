"""Which log files filebeat has open: of a real process, and of a /proc as it may look."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from jldlogging.exporter.open_files import FilesHidden, OpenFiles, open_files

CONTENT = b"x" * 10_000


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "pods"
    folder.mkdir()
    return folder


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc in which filebeat runs beside others and has nothing open."""
    for number, name in {"1": "pause", "7": "filebeat", "20": "python3"}.items():
        (tmp_path / "proc" / number / "fd").mkdir(parents=True)
        (tmp_path / "proc" / number / "comm").write_text(f"{name}\n")
    (tmp_path / "proc" / "meminfo").write_text("")
    return tmp_path / "proc"


def log(folder: Path, name: str) -> Path:
    file = folder / name / "0.log"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    return file


def opened(proc: Path, process: int, *files: Path) -> None:
    for number, file in enumerate(files, 3):
        (proc / str(process) / "fd" / str(number)).symlink_to(file)


@contextmanager
def running(folder: Path, *files: Path) -> Iterator[Path]:
    """A process of the name filebeat that has these files open. Gives a /proc with that process alone."""
    program = folder / "filebeat"
    program.symlink_to(shutil.which("cat") or "/bin/cat")
    with ExitStack() as stack:
        numbers = [stack.enter_context(file.open()).fileno() for file in files]
        process = stack.enter_context(
            subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, pass_fds=numbers)
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"run\n")
        assert process.stdout.readline() == b"run\n"  # it has its name now
        alone = folder / "proc-of-filebeat"
        alone.mkdir()
        (alone / str(process.pid)).symlink_to(f"/proc/{process.pid}")
        yield alone


@contextmanager
def other_user() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_deleted_file_is_counted_with_what_it_takes_on_the_disk(tmp_path: Path, logs: Path) -> None:
    kept, renamed, deleted = (log(logs, name) for name in ("kept", "renamed", "deleted"))
    elsewhere = log(tmp_path, "elsewhere")
    taken = deleted.stat().st_blocks * 512
    with running(tmp_path, kept, renamed, deleted, elsewhere) as proc:
        assert open_files(proc, logs) == OpenFiles(open=3, deleted=0, deleted_bytes=0)

        shutil.rmtree(deleted.parent)
        renamed.rename(renamed.with_name("0.log.20260101-000000"))
        elsewhere.unlink()

        assert open_files(proc, logs) == OpenFiles(open=3, deleted=1, deleted_bytes=taken)
    assert taken >= len(CONTENT)


def test_a_filebeat_that_has_no_log_open_has_none(proc: Path, logs: Path) -> None:
    opened(proc, 7, Path(os.devnull), logs.with_name("pods-of-others") / "0.log", logs)

    assert open_files(proc, logs) == OpenFiles(open=0, deleted=0, deleted_bytes=0)


def test_a_file_counts_once_and_for_filebeat_alone(proc: Path, logs: Path) -> None:
    first, second = log(logs, "first"), log(logs, "second")
    opened(proc, 7, first, first, second)
    opened(proc, 20, log(logs, "third"))

    assert open_files(proc, logs) == OpenFiles(open=2, deleted=0, deleted_bytes=0)


def test_what_is_closed_meanwhile_does_not_count(proc: Path, logs: Path) -> None:
    opened(proc, 7, log(logs, "first"), logs / "closed" / "0.log")
    (proc / "30").mkdir()  # a process that ends: its name cannot be read any more

    assert open_files(proc, logs) == OpenFiles(open=1, deleted=0, deleted_bytes=0)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda proc: shutil.rmtree(proc / "7"), "shows no process filebeat"),
        (lambda proc: (proc / "7" / "fd").rmdir(), "7/fd: No such file or directory"),
        (lambda proc: shutil.rmtree(proc), "No such file or directory"),
    ],
    ids=["no common process space", "another user", "no /proc"],
)
def test_what_cannot_be_seen_is_named_with_what_the_pod_needs(
    change: Callable[[Path], None], cause: str, proc: Path, logs: Path
) -> None:
    change(proc)

    with pytest.raises(FilesHidden) as hidden:
        open_files(proc, logs)

    assert cause in str(hidden.value)
    assert str(hidden.value).endswith("the pod needs shareProcessNamespace, and the exporter filebeat's user and group")


@pytest.mark.skipif(os.geteuid() != 0, reason="to become another user one has to be root")
def test_another_user_may_not_look(tmp_path: Path, logs: Path) -> None:
    with (
        running(tmp_path, log(logs, "first")),
        other_user(),
        pytest.raises(FilesHidden, match="/fd: Permission denied"),
    ):
        open_files(Path("/proc"), logs)
