"""try_lock.py FILE START LENGTH: ask for a byte range without waiting, and say what came of it."""

import fcntl
import os
import sys

file, start, length = sys.argv[1:]
descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o666)
try:
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, int(length), int(start))
except BlockingIOError:
    print("taken")
else:
    print("free")
