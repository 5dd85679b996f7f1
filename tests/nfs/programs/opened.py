"""How the other programs open a file. They run in a guest that has none of these files: `place.program` gives them this one."""

import errno
import os
import time


def opened(file: str, seconds: float = 60) -> int:
    """On a busy machine the first opening in an emulated guest was answered EIO; most likely its lease had ended meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return os.open(file, os.O_CREAT | os.O_RDWR, 0o666)
        except OSError as error:
            if error.errno != errno.EIO or time.monotonic() > deadline:
                raise
            time.sleep(1)
