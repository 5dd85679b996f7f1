"""A tree that does not change, read a second time by a kernel's client: by default, and with mount options of a volume."""

import json
from collections.abc import Iterator
from pathlib import Path

from jlddev.clusters import guest
from rich.table import Table

from tests.nfs.place import SETTINGS, Place, mount, program

FILES = 1000
ROUNDS = 3
TARGETS: dict[str, tuple[str, ...]] = {"the default": (), "nocto, actimeo=600": ("nocto", "actimeo=600")}


def tables(root: Path, folder: Path) -> Iterator[Table]:
    system = guest.prepare()
    place = Place(folder, megabytes=256)
    server = place.server(root, SETTINGS)
    try:
        server.start()
        client = place.guest(system, "client2", "10.99.0.2")
        client.wait()
        yield read_again(place, client)
    finally:
        server.end()
        place.end()


def read_again(place: Place, client: guest.Guest) -> Table:
    tree = place.volume / "software"
    for number in range(FILES):
        (tree / f"file{number}").write_bytes(b"x" * 4096)
    places = {title: f"/mnt/again{number}" for number, title in enumerate(TARGETS)}
    for title, target in places.items():
        assert mount(client, "software", target, *TARGETS[title]).err == "", title
    title = f"{FILES} files of 4 KiB, read again"
    table = Table("", "look: seconds", "requests", "open and read: seconds", "requests", title=title)
    for _ in range(ROUNDS):
        for name, target in places.items():
            # Longer than a client believes at first what it knows of a file.
            report = json.loads(client.python(program("read_again"), target, "10").result(300).out)
            steps = (report["look"], report["read"])
            cells = (text for each in steps for text in (f"{each['seconds']:.2f}", str(each["requests"])))
            table.add_row(name, *cells)
    return table
