"""hold_lock.py FILE START LENGTH HELD RELEASE: hold a byte range, make the file HELD when it is held, and when RELEASE is
there write into the range and end."""

import fcntl
import os
import sys
import time
from pathlib import Path

from opened import opened

file, start, length, held, release = sys.argv[1:]
descriptor = opened(file)
fcntl.lockf(descriptor, fcntl.LOCK_EX, int(length), int(start))
Path(held).touch()
while not Path(release).exists():
    time.sleep(0.1)
os.pwrite(descriptor, b"held"[: int(length)], int(start))
os.fsync(descriptor)
print("written")
