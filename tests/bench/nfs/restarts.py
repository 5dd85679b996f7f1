"""How long a client waits for its open file, and for a new one, when the server is killed and comes back 3 s later."""

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rich.table import Table

from tests.nfs.place import SETTINGS, Place
from tests.nfs.raw import GRACE, Client, insist

DOWN = 3  # seconds that the server is away
LEASES = (6, 20, 60)
# When the other client shows up again, as a part of the lease: a kernel's that has nothing to do does so after two thirds.
OTHERS = {"comes back at once": 0.0, "is idle": 2 / 3, "is lost": None}


def tables(root: Path, folder: Path) -> Iterator[Table]:
    rows: dict[int, list[tuple[str, ...]]] = {lease: [] for lease in LEASES}
    threads = [
        threading.Thread(target=measure, args=(root, folder / str(lease), lease, rows[lease])) for lease in LEASES
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    title = f"Seconds from the kill until a client goes on; the server is away for {DOWN}"
    table = Table("lease, s", "another client", "an open file", "a new file", title=title)
    for row in (row for of_one in rows.values() for row in of_one):
        table.add_row(*row)
    yield table


def measure(root: Path, folder: Path, lease: int, rows: list[tuple[str, ...]]) -> None:
    for title, part in OTHERS.items():
        inside = folder / title.replace(" ", "-")
        inside.mkdir(parents=True)
        place = Place(inside, megabytes=64)
        server = place.server(root, {**SETTINGS, "gracePeriod": lease, "leaseLifetime": lease})
        try:
            server.start()
            one, other = (Client(place.connect("10.99.0.4"), name) for name in ("one", "other"))
            for client in (one, other):
                client.reclaimed()
            file = insist(partial(one.open, "home", "file"), GRACE, 200)
            one.write(file, b"before")
            server.kill()
            killed = time.monotonic()
            time.sleep(DOWN)
            server.start()
            started = time.monotonic()
            one.come_back(place.connect("10.99.0.4"))
            one.reclaim(file)
            one.write(file, b"after")
            goes_on = time.monotonic() - killed
            one.reclaimed()
            if part is not None:
                threading.Thread(target=show_up, args=(place, other, started + part * lease)).start()
            insist(partial(one.open, "home", "new"), GRACE, 200)
            rows.append((str(lease), title, f"{goes_on:.1f}", f"{time.monotonic() - killed:.1f}"))
        finally:
            server.end()
            place.end()


def show_up(place: Place, client: Client, when: float) -> None:
    time.sleep(max(0.0, when - time.monotonic()))
    client.come_back(place.connect("10.99.0.4"))
    client.reclaimed()
