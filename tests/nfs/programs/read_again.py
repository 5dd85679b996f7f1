"""read_again.py FOLDER PAUSE: look at each file of a folder, then open and read each, and after PAUSE seconds the same again. Prints
seconds and requests to the server of the second time, of both steps."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path


def requests(mounted: Path) -> int:
    """How many requests the mount has sent."""
    here, among, sent = False, False, 0
    for line in Path("/proc/self/mountstats").read_text().splitlines():
        words = line.split()
        if line.startswith("device "):
            here, among = words[4] == str(mounted), False
        elif line.strip() == "per-op statistics":
            among = True
        elif here and among and words:
            sent += int(words[1])
    return sent


def look(file: Path) -> None:
    file.stat()


def read(file: Path) -> None:
    file.read_bytes()


def done(step: Callable[[Path], None], files: list[Path]) -> dict[str, float]:
    before, began = requests(files[0].parent), time.monotonic()
    for file in files:
        step(file)
    return {"seconds": time.monotonic() - began, "requests": requests(files[0].parent) - before}


folder, pause = Path(sys.argv[1]), float(sys.argv[2])
files = [Path(entry.path) for entry in os.scandir(folder) if entry.is_file()]
for wait in (pause, 0.0):
    report = {step.__name__: done(step, files) for step in (look, read)}
    time.sleep(wait)
print(json.dumps(report))
