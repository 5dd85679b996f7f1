"""Processes that outlive the command which started them: found again by number and start time, ended by number."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process, told from a later one with the same number by its start time."""

    pid: int
    started: int | None  # clock ticks after boot, field 22 of /proc/PID/stat; None: it ended before it was asked

    def runs(self) -> bool:
        """Whether this very process still runs."""
        ticks = start_ticks(self.pid)
        return ticks is not None and ticks == self.started

    def end(self, seconds: float = 20.0) -> None:
        """Kill it and wait for its end; the kernel ends the others of its PID namespace before it lets go."""
        if not self.runs():
            return
        with suppress(ProcessLookupError):  # it may end by itself just now
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        deadline = time.monotonic() + seconds
        while self.runs() and time.monotonic() < deadline:
            time.sleep(0.05)


def start_ticks(pid: int) -> int | None:
    """When a process started; None when there is no such process, or only its corpse."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])
