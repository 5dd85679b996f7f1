"""Programs in Linux namespaces and cgroups of their own: all of them end with one process, and nothing of them is left."""

import json
import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from jlddev.clusters import cgroups
from jlddev.support.errors import MachineError
from jlddev.support.process import Process, child_of, start_ticks

ALL = ["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child=SIGKILL"]


class Holder(ABC):
    """The process that holds such namespaces."""

    what: ClassVar[str]  # in messages, with what to do where it does not run
    remedy: ClassVar[str]

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name, and that of its cgroups."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """All that it keeps on this machine's disk."""

    @property
    def record(self) -> Path:
        """The file that tells of the process."""
        return self.folder / "process.json"

    @property
    def log(self) -> Path:
        """What was said before the programs had logs of their own."""
        return self.folder / "node.log"

    def process(self) -> Process | None:
        """The process of the last start, running or not. None without a record of one."""
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            record = json.loads(self.record.read_text())
            return Process(record["pid"], record["started"])
        return None

    def runs(self) -> bool:
        """Whether it was started from this cache folder and runs."""
        process = self.process()
        return process is not None and process.runs()

    def pid(self) -> int:
        """The PID, on this machine, of its process 1. Raises MachineError unless it runs."""
        process = self.process()
        if process is None or not process.runs():
            raise MachineError(f"{self.what} {self.name} does not run: {self.remedy}.")
        return child_of(process.pid, self.log)

    def enter(self, *namespaces: str) -> list[str]:
        """The beginning of a command that runs in some of its namespaces, such as `net`."""
        return ["nsenter", "--target", str(self.pid()), *(f"--{each}" for each in namespaces), "--"]

    def start(self, script: Sequence[str | Path], within: Sequence[str] = ()) -> int:
        """Run a script in new namespaces and cgroups. Returns the PID, on this machine, of its process 1.

        `within` is the beginning of a command that enters namespaces inside of which these are to be.
        """
        folders = cgroups.make_all(self.name)

        def join_cgroups() -> None:
            for folder in folders:
                (folder / "cgroup.procs").write_text(str(os.getpid()))

        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [*within, "unshare", *ALL, "--", *map(str, script)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=join_cgroups,
            )
        pid = child_of(process.pid, self.log) if within else process.pid
        self.record.write_text(json.dumps({"pid": pid, "started": start_ticks(pid)}))
        inside = child_of(pid, self.log)
        cgroups.settle(self.name)
        return inside
