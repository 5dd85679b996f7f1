"""read_again.py FOLDER PAUSE: look at each file of a folder, then open and read each, and after PAUSE seconds the same again. Prints
seconds and requests to the server of the second time, of both steps, and how many of the requests open and close files."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

OPENINGS = ("OPEN", "OPEN_NOATTR", "CLOSE")


def requests(mounted: Path) -> dict[str, int]:
    """How many requests of each kind the mount has sent."""
    here, among, sent = False, False, {}
    for line in Path("/proc/self/mountstats").read_text().splitlines():
        words = line.split()
        if line.startswith("device "):
            here, among = words[4] == str(mounted), False
        elif line.strip() == "per-op statistics":
            among = True
        elif here and among and words:
            sent[words[0].rstrip(":")] = int(words[1])
    return sent


def look(file: Path) -> None:
    file.stat()


def read(file: Path) -> None:
    file.read_bytes()


def done(step: Callable[[Path], None], files: list[Path]) -> dict[str, float]:
    before, began = requests(files[0].parent), time.monotonic()
    for file in files:
        step(file)
    seconds, after = time.monotonic() - began, requests(files[0].parent)
    sent = {kind: number - before.get(kind, 0) for kind, number in after.items()}
    openings = sum(sent.get(kind, 0) for kind in OPENINGS)
    return {"seconds": seconds, "requests": sum(sent.values()), "openings": openings}


folder, pause = Path(sys.argv[1]), float(sys.argv[2])
files = [Path(entry.path) for entry in os.scandir(folder) if entry.is_file()]
for wait in (pause, 0.0):
    report = {step.__name__: done(step, files) for step in (look, read)}
    time.sleep(wait)
print(json.dumps(report))
