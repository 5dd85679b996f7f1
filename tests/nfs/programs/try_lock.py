"""try_lock.py FILE START LENGTH: ask for a byte range without waiting, and say what came of it."""

import fcntl
import sys

from opened import opened

file, start, length = sys.argv[1:]
descriptor = opened(file)
try:
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, int(length), int(start))
except BlockingIOError:
    print("taken")
else:
    print("free")
