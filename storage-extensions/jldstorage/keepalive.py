"""Writes through the mount all the time, so that a server which idles or hangs is seen before a person meets it.

`keepalive.py write FOLDER INTERVAL` writes for ever; `keepalive.py check FOLDER INTERVAL` fails when the last write is older
than three intervals. An interval is as in the values: 90s, 1m.
Nothing but Python's standard library: the check runs every few seconds.
"""

import os
import sys
import time
from pathlib import Path

NAME = "last-write"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def write(folder: Path) -> None:
    """Write the time, as far as the server's disk."""
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
        except OSError as error:  # a full disk or a server that restarts: said, and tried again
            print(f"{folder}: cannot be written: {error.strerror}", file=sys.stderr, flush=True)
        time.sleep(interval)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
