"""append.py FILE STOP [NEW]: append records, each fsynced, until the file STOP is there; with NEW, also make that file anew
each time, which a server does not allow in its grace period. Prints how many were acknowledged and the longest wait."""

import json
import os
import sys
import time
from pathlib import Path

file, stop, *new = sys.argv[1:]
descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
acknowledged, longest, last = 0, 0.0, time.monotonic()
while not Path(stop).exists():
    os.write(descriptor, b"%015d\n" % acknowledged)
    os.fsync(descriptor)
    for name in new:
        Path(name).unlink(missing_ok=True)
        Path(name).write_text("new")
    now = time.monotonic()
    longest, last = max(longest, now - last), now
    acknowledged += 1
print(json.dumps({"acknowledged": acknowledged, "longest_wait": longest}))
