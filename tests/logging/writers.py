"""Writes logs as containerd and the kubelet do on a node: lines of CRI, rotation by renaming, compression, deletion."""

import gzip
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

NAMESPACE = "science"
TEXT = "x" * 60
FIVE_TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)  # shares of a load


class Writer:
    """A container that logs lines with numbers. Its file is rotated like the kubelet's, which keeps some of them."""

    def __init__(
        self, pods: Path, name: str, *, kept: int = 50, rotate_at: int = 2**20, compress: bool = False
    ) -> None:
        self.name, self.written = name, 0
        self.folder = pods / f"{NAMESPACE}_{name}_{uuid4()}" / "main"
        self.folder.mkdir(parents=True)
        self._kept, self._rotate_at, self._compress = kept, rotate_at, compress
        self._file = (self.folder / "0.log").open("ab", buffering=0)

    def write(self, lines: int, text: str = TEXT, stream: str = "stdout") -> None:
        """So many lines, in one go."""
        for _ in range(lines):
            now = time.time_ns()
            line = f"{self.name} {self.written} {now} {text}"
            self._file.write(f"{stamp()} {stream} F {line}\n".encode())
            self.written += 1
        if self._file.tell() > self._rotate_at:
            self.rotate()

    def write_raw(self, line: str) -> None:
        self._file.write(f"{stamp()} {line}\n".encode())

    def rotate(self) -> None:
        """The kubelet renames the file, and lets containerd open a new one."""
        self._file.close()
        rotated = self.folder / f"0.log.{datetime.now(UTC):%Y%m%d-%H%M%S}.{self.written}"
        (self.folder / "0.log").rename(rotated)
        self._file = (self.folder / "0.log").open("ab", buffering=0)
        older = sorted(self.folder.glob("0.log.*"), key=lambda path: path.stat().st_mtime)
        if self._compress:
            for path in older[:-1]:
                if path.suffix != ".gz":
                    with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
                        shutil.copyfileobj(plain, packed)
                    path.unlink()
        for path in older[: -self._kept]:
            path.unlink(missing_ok=True)

    def delete(self) -> None:
        """As the kubelet deletes the logs of a pod that was deleted."""
        self._file.close()
        shutil.rmtree(self.folder.parent)


def stamp() -> str:
    now = time.time_ns()
    return f"{datetime.fromtimestamp(now // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{now % 10**9:09d}Z"


class Load:
    """Writers that write at a rate, in a thread, until they have written enough."""

    def __init__(self, writers: list[Writer], lines: int, rate: float, text: str = TEXT) -> None:
        """`lines` of all together; `rate` in lines a second, of all together; each ends with `text`."""
        self.writers = writers
        self._lines, self._rate, self._text = lines, rate, text
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    @property
    def written(self) -> dict[str, int]:
        return {writer.name: writer.written for writer in self.writers}

    def wait_until(self, share: float) -> None:
        """Until this share of the lines is written."""
        while sum(self.written.values()) < share * self._lines and self._thread.is_alive():
            time.sleep(0.02)

    def at(self, shares: Iterable[float], act: Callable[[], object]) -> None:
        """Do something whenever one of these shares of the lines is written."""
        for share in shares:
            self.wait_until(share)
            act()

    def _run(self) -> None:
        began, each = time.monotonic(), 20
        total = 0
        while total < self._lines:
            for writer in self.writers:
                writer.write(min(each, self._lines - total), self._text)
                total += min(each, self._lines - total)
            ahead = total / self._rate - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(ahead)
