"""many_files.py FOLDER WRITERS SECONDS: so many threads write small files, each fsynced, for so long. A file holds its own
name over and over. Prints how many files each thread wrote, and what went wrong."""

import json
import os
import sys
import threading
import time
from pathlib import Path

SIZE = 4096


def write(folder: Path, writer: int, end: float, counts: list[int], errors: list[str]) -> None:
    try:
        while time.monotonic() < end:
            name = f"{writer:03}-{counts[writer]:06}\n".encode()
            descriptor = os.open(folder / name.decode().strip(), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            os.write(descriptor, (name * SIZE)[:SIZE])
            os.fsync(descriptor)
            os.close(descriptor)
            counts[writer] += 1
    except OSError as error:
        errors.append(f"writer {writer}, file {counts[writer]}: {error}")


def main(folder: Path, writers: int, seconds: float) -> None:
    counts, errors = [0] * writers, list[str]()
    folder.mkdir()
    began = time.monotonic()
    arguments = [(folder, writer, began + seconds, counts, errors) for writer in range(writers)]
    threads = [threading.Thread(target=write, args=each) for each in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"counts": counts, "errors": errors, "seconds": time.monotonic() - began}))


main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
