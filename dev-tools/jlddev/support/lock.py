"""One process at a time: several test processes, or two commands in two terminals, may want the same thing prepared."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from jlddev.support.paths import CACHE


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Hold the lock of that name; whoever else wants it waits. It is free again when its process ends, however it ends.

    It may not be taken twice by one process at a time.
    """
    folder = CACHE / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / what).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
