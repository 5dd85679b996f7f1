"""hold_lock.py FILE START LENGTH HELD RELEASE: hold a byte range, make the file HELD when it is held, and when RELEASE is
there write into the range and end."""

import errno
import fcntl
import os
import sys
import time
from pathlib import Path


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


file, start, length, held, release = sys.argv[1:]
descriptor = opened(file)
fcntl.lockf(descriptor, fcntl.LOCK_EX, int(length), int(start))
Path(held).touch()
while not Path(release).exists():
    time.sleep(0.1)
os.pwrite(descriptor, b"held"[: int(length)], int(start))
os.fsync(descriptor)
print("written")
