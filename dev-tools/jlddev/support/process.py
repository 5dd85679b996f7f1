"""Processes that outlive the command which started them, identified by PID and start time."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jlddev.support.errors import MachineError
from jlddev.support.run import tail


@dataclass(frozen=True)
class Process:
    """A process. The start time distinguishes it from a later process with the same PID."""

    pid: int
    started: int | None  # clock ticks after boot, field 22 of proc_pid_stat(5); None: it ended before it was read

    def runs(self) -> bool:
        """Whether this process runs, and not another one with its PID."""
        ticks = start_ticks(self.pid)
        return ticks is not None and ticks == self.started

    def end(self, seconds: float = 20.0) -> None:
        """Kill it and wait up to `seconds` for its end.

        As process 1 of a PID namespace, it ends after all others in it.
        """
        if not self.runs():
            return
        with suppress(ProcessLookupError):  # it may have ended meanwhile
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        deadline = time.monotonic() + seconds
        while self.runs() and time.monotonic() < deadline:
            time.sleep(0.05)


def child_of(pid: int, log: Path | None = None) -> int:
    """The PID of the one child of a process, such as `unshare --fork`. Raises MachineError unless it starts within five seconds.

    `log` is where the process would say why.
    """
    for _ in range(100):
        with suppress(FileNotFoundError):
            if children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                return int(children[0])
        time.sleep(0.05)
    raise MachineError(f"Process {pid} started nothing." + (f" The end of {log}:\n{tail(log)}" if log else ""))


def start_ticks(pid: int) -> int | None:
    """The start time of a process in clock ticks after boot. None where there is no such process, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])
