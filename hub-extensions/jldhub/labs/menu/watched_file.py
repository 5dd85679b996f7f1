"""A file of a ConfigMap, which the kubelet may bring, replace and take away at any time."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from tornado.log import app_log

Content = TypeVar("Content")


class WatchedFile(Generic[Content]):
    """`content` is what `read` made of the file last. `read` raises ValueError for what it cannot read.

    `is_there` says whether there was a file at the last look; `content` stays where it is gone.
    """

    def __init__(self, what: str, path: Path, read: Callable[[bytes], Content], empty: Content) -> None:
        self.content, self.is_there = empty, False
        self._what, self._path, self._read_content = what, path, read
        self._stamp: tuple[int, ...] | None = None
        self._reading = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the file if it is another one than before. What cannot be read changes nothing."""
        if _stamp(self._path) == self._stamp:
            return
        async with self._reading:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp, self.is_there = stamp, stamp is not None
            try:
                # Thousands of tags, or of nodes, take a tenth of a second.
                self.content = await asyncio.to_thread(self._read)
            except FileNotFoundError:
                return
            except (OSError, ValueError) as mistake:
                app_log.warning("%s in %s is left as it was: %s", self._what, self._path, mistake)

    def _read(self) -> Content:
        return self._read_content(self._path.read_bytes())


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What tells one version of the file from another; None where there is none. The kubelet exchanges the folder of the file."""
    try:
        found = path.stat()  # of what the kubelet links to
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
