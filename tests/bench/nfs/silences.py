"""What a client that was cut off from the server still holds when it is back."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rich.table import Table

from tests.nfs.place import SETTINGS, Place
from tests.nfs.raw import GRACE, Client, File, Refused, insist

SILENCES = {6: (5, 7, 12), 20: (18, 22, 35), 60: (55, 63, 80)}  # seconds, by the length of the lease


def tables(root: Path, folder: Path) -> Iterator[Table]:
    rows: dict[int, list[tuple[str, ...]]] = {lease: [] for lease in SILENCES}
    threads = [
        threading.Thread(target=measure, args=(root, folder / str(lease), lease, rows[lease])) for lease in SILENCES
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table = Table(
        "lease, s", "away for, s", "nobody asked for its lock", "somebody did", title="A client that was cut off"
    )
    for row in (row for of_one in rows.values() for row in of_one):
        table.add_row(*row)
    yield table


def measure(root: Path, folder: Path, lease: int, rows: list[tuple[str, ...]]) -> None:
    folder.mkdir()
    place = Place(folder, megabytes=64)
    server = place.server(root, {**SETTINGS, "gracePeriod": lease, "leaseLifetime": lease})
    try:
        server.start()
        present = Client(place.connect("10.99.0.5"), "present")
        present.reclaimed()
        insist(lambda: present.open("home", "first"), GRACE, 200)
        for seconds, left, wanted, files in [begin(place, present, seconds) for seconds in SILENCES[lease]]:
            while time.monotonic() < left + seconds:
                time.sleep(min(1.0, lease / 4))
                present.operate()
            with suppress(Refused):
                present.lock(wanted)
            rows.append((str(lease), str(seconds), *(still_held(client, file) for client, file in files)))
    finally:
        server.end()
        place.end()


def begin(place: Place, present: Client, seconds: int) -> tuple[int, float, File, list[tuple[Client, File]]]:
    """Two clients that hold a lock each and are cut off from now on, and the lock of one of them as the present one sees it."""
    held = []
    for name in (f"alone-{seconds}", f"asked-{seconds}"):
        client = Client(place.connect("10.99.0.4"), name)
        client.reclaimed()
        file = client.open("home", name)
        client.lock(file)
        held.append((client, file))
    return seconds, time.monotonic(), present.open("home", f"asked-{seconds}"), held


def still_held(client: Client, file: File) -> str:
    try:
        client.write(file, b"mine")
    except Refused:
        return "lost all it held"
    return "keeps all"
