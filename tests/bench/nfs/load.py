"""Raw clients that write and read as fast as they can, and the processor time that the server takes for it."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
from rich.table import Table

from tests.nfs.place import ADDRESS, SETTINGS, Place
from tests.nfs.raw import GRACE, UNSTABLE, Client, insist

SECONDS = 8.0
CLIENTS = (1, 8, 32)
BLOCK = bytes(range(256)) * 16  # 4 KiB
PIECE = os.urandom(2**20)
PIECES = 512
FORK = multiprocessing.get_context("fork")  # children use the connections that their parent made

Step = Callable[[int], object]  # one operation; its number
Work = Callable[[Client], Step]


def tables(root: Path, folder: Path) -> Iterator[Table]:
    place = Place(folder, megabytes=8192)
    server = place.server(root, SETTINGS)
    try:
        server.start()
        process = psutil.Process(server.pid())
        yield small(place, process)
        yield large(place, process)
    finally:
        server.end()
        place.end()


def small(place: Place, process: psutil.Process) -> Table:
    """Many clients, each with one request at a time."""
    table = Table(
        "", "clients", "a second", "server, µs of processor each", "disk below, a second", title="Small, synced"
    )
    kinds: dict[str, tuple[Work, Callable[[Path], Step]]] = {
        "4 KiB written over": (overwrite, overwrite_below),
        "new file of 4 KiB": (new_files, new_files_below),
    }
    for title, (work, below) in kinds.items():
        for number in CLIENTS:
            steps = [work(client) for client in clients(place, number)]
            with processor_time(process) as used:
                done = together(steps)
            there = together([below(folder_of(place, f"below{each}")) for each in range(number)])
            rates = f"{done / SECONDS:.0f}", f"{used() / done * 1e6:.0f}", f"{there / SECONDS:.0f}"
            table.add_row(title, str(number), *rates)
    return table


def large(place: Place, process: psutil.Process) -> Table:
    """One client with one request of 1 MiB at a time; what it reads is in the server's page cache."""
    table = Table("", "MB/s", "server, ms of processor for 1 MB", title=f"One file of {PIECES} MiB")
    (client,) = clients(place, 1)
    file = client.open(f"home/{client.owner.decode()}", "large")

    def write() -> None:
        for piece in range(PIECES):
            client.write(file, PIECE, piece * len(PIECE), UNSTABLE)
        client.commit(file)

    def read() -> None:
        for piece in range(PIECES):
            assert client.read(file, len(PIECE), piece * len(PIECE)) == len(PIECE)

    megabytes = PIECES * len(PIECE) / 1e6
    for title, run in {"written, and synced at the end": write, "read": read}.items():
        began = time.monotonic()
        with processor_time(process) as used:
            run()
        seconds = time.monotonic() - began
        table.add_row(title, f"{megabytes / seconds:.0f}", f"{used() / megabytes * 1e3:.2f}")
    began = time.monotonic()
    with (place.volume / "large").open("wb") as below:
        for _ in range(PIECES):
            below.write(PIECE)
        os.fsync(below.fileno())
    table.add_row("written on the disk below", f"{megabytes / (time.monotonic() - began):.0f}", "")
    return table


def clients(place: Place, number: int, server: str = ADDRESS) -> list[Client]:
    """Clients that may open files, each in a folder of its own name in `home`, which the place's server has by now."""
    made = []
    for each in range(number):
        client = Client(place.connect("10.99.0.4", server), f"raw{each}")
        client.reclaimed()
        if server == ADDRESS:
            folder_of(place, f"raw{each}")
        insist(partial(client.open, f"home/raw{each}", "first"), GRACE, 200)
        made.append(client)
    return made


def folder_of(place: Place, name: str) -> Path:
    folder = place.volume / "home" / name
    folder.mkdir(exist_ok=True)
    return folder


def overwrite(client: Client) -> Step:
    file = client.open(f"home/{client.owner.decode()}", "over")
    return lambda number: client.write(file, BLOCK, number % 256 * len(BLOCK))


def overwrite_below(folder: Path) -> Step:
    file = os.open(folder / "over", os.O_CREAT | os.O_RDWR)

    def step(number: int) -> None:
        os.pwrite(file, BLOCK, number % 256 * len(BLOCK))
        os.fdatasync(file)

    return step


def new_files(client: Client) -> Step:
    start = time.time_ns()

    def step(number: int) -> None:
        file = client.open(f"home/{client.owner.decode()}", f"{start}-{number}")
        client.write(file, BLOCK)
        client.close(file)

    return step


def new_files_below(folder: Path) -> Step:
    start = time.time_ns()

    def step(number: int) -> None:
        file = os.open(folder / f"{start}-{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        os.write(file, BLOCK)
        os.fsync(file)
        os.close(file)

    return step


def together(steps: Sequence[Step], seconds: float = SECONDS) -> int:
    """Do each step again and again in a process of its own. Returns how often all of them were done."""
    counts = FORK.Array("q", len(steps))
    ready = FORK.Barrier(len(steps))

    def run(place: int) -> None:
        ready.wait()
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            steps[place](number)
            number += 1
        counts[place] = number

    children = [FORK.Process(target=run, args=(place,)) for place in range(len(steps))]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0, "a client failed: see above"
    return sum(counts)


@contextmanager
def processor_time(process: psutil.Process) -> Iterator[Callable[[], float]]:
    """A function that says how many seconds of processor a process used meanwhile."""
    before = process.cpu_times()
    after = before

    def used() -> float:
        return after.user + after.system - before.user - before.system

    yield used
    after = process.cpu_times()
