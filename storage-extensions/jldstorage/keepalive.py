"""Writes through the mount at an interval, so that a server that hangs is detected before a person notices.

`keepalive.py write FOLDER INTERVAL` writes without end. `keepalive.py check FOLDER INTERVAL` is the probe: it fails
when the last write is older than three intervals. An interval is as in the values: 90s, 1m. Imports the standard
library only, because the probe starts a new process every few seconds.
"""

import os
import sys
import time
from pathlib import Path

NAME = "last-write"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def write(folder: Path) -> None:
    """Write the current time, with fsync, so that it reaches the server's disk. Raises OSError."""
    with (folder / NAME).open("w", encoding="ascii") as file:
        file.write(f"{time.time():.0f}\n")
        file.flush()
        os.fsync(file.fileno())


def age(folder: Path) -> float:
    """Seconds since the last write. Raises OSError or ValueError when there was none."""
    return time.time() - float((folder / NAME).read_text(encoding="ascii"))


def main(arguments: list[str]) -> int:
    command, folder = arguments[0], Path(arguments[1])
    interval = int(arguments[2][:-1]) * _SECONDS[arguments[2][-1]]
    if command == "check":
        try:
            old = age(folder)
        except (OSError, ValueError) as error:
            print(f"nothing was written yet: {error}")
            return 1
        print(f"last write {old:.0f} s ago")
        return 0 if old <= 3 * interval else 1
    while True:
        try:
            write(folder)
        except OSError as error:  # a full disk or a restarting server: log it and retry
            print(f"{folder}: cannot be written: {error.strerror}", file=sys.stderr, flush=True)
        time.sleep(interval)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
