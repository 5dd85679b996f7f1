"""The memory of the server: for the files that it knows, for large pieces under way, and the page cache in a container's limit."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import load
import psutil
from rich.table import Table

from tests.nfs.place import SETTINGS, Place
from tests.nfs.raw import UNSTABLE, Client

FOLDER = 1000  # files in each
FILES = (0, 20_000, 50_000, 100_000, 150_000, 200_000)
SENDERS = 64
LIMIT = 256  # MiB
WRITTEN = 1024  # MiB
CGROUPS = Path("/sys/fs/cgroup/memory")


def tables(root: Path, folder: Path) -> Iterator[Table]:
    place = Place(folder, megabytes=8192)
    server = place.server(root, SETTINGS)
    try:
        server.start()
        yield known_files(place, psutil.Process(server.pid()))
        yield large_pieces(place, psutil.Process(server.pid()))
        server.stop()
        server.start()
        yield page_cache(place, psutil.Process(server.pid()))
    finally:
        server.end()
        place.end()


def known_files(place: Place, process: psutil.Process) -> Table:
    """A client reads folder after folder and looks every file up, as `find` and `du` do."""
    table = Table("files seen", "MB resident", "bytes a file", title="Memory for files that the server knows")
    (client,) = load.clients(place, 1)
    seen, first = 0, process.memory_info().rss
    for files in FILES:
        while seen < files:
            name = f"many-{seen // FOLDER}"
            made = load.folder_of(place, name)
            for each in range(FOLDER):
                (made / f"file-{each}").touch()
            assert client.list(f"home/{name}") == FOLDER
            for each in range(FOLDER):
                client.look_up(f"home/{name}/file-{each}")
            seen += FOLDER
        now = process.memory_info().rss
        table.add_row(str(seen), f"{now / 1e6:.0f}", f"{(now - first) / seen:.0f}" if seen else "")
    return table


def large_pieces(place: Place, process: psutil.Process) -> Table:
    """Each client writes and reads pieces of 1 MiB, one after the other; the server holds a piece for each that is under way."""
    table = Table("clients", "MB resident, most seen", title="Memory while many send and ask for pieces of 1 MiB")

    def pieces(client: Client) -> load.Step:
        file = client.open(f"home/{client.owner.decode()}", "pieces")

        def step(number: int) -> None:
            client.write(file, load.PIECE, number % 4 * len(load.PIECE), UNSTABLE)
            client.read(file, len(load.PIECE), number % 4 * len(load.PIECE))

        return step

    for number in (1, SENDERS):
        steps = [pieces(client) for client in load.clients(place, number)]
        with most_memory(process) as most:
            load.together(steps)
        table.add_row(str(number), f"{most[0] / 1e6:.0f}")
    return table


@contextmanager
def most_memory(process: psutil.Process) -> Iterator[list[int]]:
    """The most resident bytes of a process, looked at ten times a second."""
    most, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            most[0] = max(most[0], process.memory_info().rss)

    thread = threading.Thread(target=look)
    thread.start()
    yield most
    done.set()
    thread.join()


def page_cache(place: Place, process: psutil.Process) -> Table:
    """A file that is larger than the container's limit. The kernel counts what it caches of a file as the writer's memory."""
    title = f"{WRITTEN} MiB through a server with a limit of {LIMIT} MiB"
    table = Table("written", "MB of page cache", "MB resident", "server lives", title=title)
    cgroup = CGROUPS / f"jld-bench-{os.getpid()}"
    if not CGROUPS.is_dir():
        table.add_row("not tried: no cgroup of version 1", "", "", "")
        return table
    (client,) = load.clients(place, 1)
    cgroup.mkdir()
    try:
        (cgroup / "memory.limit_in_bytes").write_text(str(LIMIT * 2**20))
        (cgroup / "cgroup.procs").write_text(str(process.pid))
        file = client.open("home/raw0", "cached")
        for piece in range(WRITTEN):
            client.write(file, load.PIECE, piece * len(load.PIECE), UNSTABLE)
            if (piece + 1) % 256 == 0:
                words = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
                cached = f"{int(words['cache']) / 1e6:.0f}"
                resident = f"{process.memory_info().rss / 1e6:.0f}"
                table.add_row(f"{piece + 1} MiB", cached, resident, str(process.is_running()))
        client.commit(file)
        (CGROUPS / "cgroup.procs").write_text(str(process.pid))
    finally:
        if not list((cgroup / "cgroup.procs").read_text().split()):
            cgroup.rmdir()
    return table
