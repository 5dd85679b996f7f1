"""What the NFS server does under load and at a restart: `python tests/bench/nfs.py [SECONDS]`, as root.

200 writers make small files, each fsynced, for SECONDS (60) through two kernel clients, and the same number on the disk
below the server; then one writer goes on while the server is killed or ended and comes back 3 s later. The clients are
emulated machines on this same processor, which costs far more than NFS does: take the numbers as lower bounds.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jlddev.clusters import guest
from jlddev.images import build
from jlddev.support import debian_packages
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.nfs.place import PROGRAMS, SETTINGS, Place, Server, mount, program

WRITERS = 200
DOWN = 3  # seconds that the server is away
MEGABYTES = 256
AGAIN = 1000  # files that are read a second time


def main() -> None:
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    debian_packages.ensure(PROGRAMS, "the NFS bench")
    system = guest.prepare()
    image = build.Image("nfs-server", build.FOLDERS["nfs-server"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "root"
        root.mkdir()
        build.build([image]).unpack(image.reference, root)
        place = Place(folder, megabytes=4096)
        server = place.server(root, SETTINGS)
        try:
            server.start()
            clients = [place.guest(system, f"client{number}", f"10.99.0.{number}") for number in (2, 3)]
            for client in clients:
                client.wait()
                mount(client, "home")
            console = Console()
            console.print(small_files(place, clients, seconds))
            console.print(large_file(place, clients[0]))
            console.print(read_again(place, clients[0]))
            console.print(stalls(place, server, clients))
        finally:
            server.end()
            place.end()


def small_files(place: Place, clients: list[guest.Guest], seconds: str) -> Table:
    """Files of 4 KiB, each fsynced, by 200 writers."""
    share = str(WRITERS // len(clients))
    futures = [client.python(program("many_files"), f"/mnt/home/{client.name}", share, seconds) for client in clients]
    through = [json.loads(future.result(float(seconds) + 120).out) for future in futures]
    lost = 0
    for client, report in zip(clients, through, strict=True):
        written = list((place.volume / "home" / client.name).iterdir())
        whole = [path for path in written if path.read_bytes() == (f"{path.name}\n".encode() * 4096)[:4096]]
        lost += sum(report["counts"]) - len(whole)
    command = [sys.executable, "-c", program("many_files"), str(place.volume / "direct"), str(WRITERS), seconds]
    direct = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    shutil.rmtree(place.volume / "direct")
    table = Table("", "files/s", "errors", "lost", title=f"{WRITERS} writers of 4 KiB files, {seconds} s")
    rate = sum(sum(report["counts"]) / report["seconds"] for report in through)
    table.add_row("through NFS", f"{rate:.0f}", str(sum(len(report["errors"]) for report in through)), str(lost))
    direct_rate = sum(direct["counts"]) / direct["seconds"]
    table.add_row("on the disk below", f"{direct_rate:.0f}", str(len(direct["errors"])), "")
    return table


def large_file(place: Place, client: guest.Guest) -> Table:
    """One stream, fsynced at its end."""
    table = Table("", "MB/s", title=f"One file of {MEGABYTES} MiB")
    write = ["dd", "if=/dev/zero", "bs=1M", f"count={MEGABYTES}", "conv=fsync"]
    runs: dict[str, Callable[[], object]] = {
        "write through NFS": lambda: client.run(*write, "of=/mnt/home/large"),
        "read through NFS": lambda: client.run("dd", "if=/mnt/home/large", "of=/dev/null", "bs=1M", "iflag=direct"),
        "write on the disk below": lambda: subprocess.run(
            [*write, f"of={place.volume / 'large'}"], check=True, capture_output=True
        ),
    }
    for title, run in runs.items():
        began = time.monotonic()
        run()
        table.add_row(title, f"{MEGABYTES * 2**20 / 1e6 / (time.monotonic() - began):.0f}")
    return table


def read_again(place: Place, client: guest.Guest) -> Table:
    """A tree that does not change, a second time, by default and with options of a volume: in turns, three times."""
    folder = place.volume / "software"
    for number in range(AGAIN):
        (folder / f"file{number}").write_bytes(b"x" * 4096)
    targets = {"the default": "/mnt/usual", "nocto, actimeo=600": "/mnt/seldom"}
    for (title, target), own in zip(targets.items(), ((), ("nocto", "actimeo=600")), strict=True):
        assert mount(client, "software", target, *own).err == "", title
    table = Table(
        "", "look: seconds", "requests", "open and read: seconds", "requests", title=f"{AGAIN} files of 4 KiB"
    )
    for _ in range(3):
        for title, target in targets.items():
            # Longer than a client believes at first what it knows of a file.
            report = json.loads(client.python(program("read_again"), target, "10").result(300).out)
            cells = [f"{report[step][key]:.2f}" for step in ("look", "read") for key in ("seconds", "requests")]
            table.add_row(title, *cells)
    return table


def stalls(place: Place, server: Server, clients: list[guest.Guest]) -> Table:
    """The longest wait of a writer that fsyncs records, and of one that also makes a new file each time."""
    one, two = clients
    grace = SETTINGS["gracePeriod"]
    table = Table("", "seconds", title=f"Longest wait; the server is away for {DOWN} s, grace period {grace} s")
    cases = {
        "killed, open file": (server.kill, False, False),
        "killed, new files": (server.kill, True, False),
        "ended, new files": (server.stop, True, False),
        "killed, new files, one client is lost": (server.kill, True, True),
    }
    for number, (title, (end, makes_files, loses)) in enumerate(cases.items()):
        two.run("touch", f"/mnt/home/second-{number}")
        new = [f"/mnt/home/new-{number}"] if makes_files else []
        writer = one.python(program("append"), f"/mnt/home/log-{number}", f"/tmp/stop-{number}", *new)
        one.wait_for(f"/mnt/home/log-{number}")
        time.sleep(2)
        end()
        if loses:
            lose_a_client(place)
        time.sleep(DOWN)
        server.start()
        time.sleep(20)
        one.run("touch", f"/tmp/stop-{number}")
        report = json.loads(writer.result(60).out)
        written = (place.volume / "home" / f"log-{number}").read_bytes()
        assert written == b"".join(b"%015d\n" % each for each in range(report["acknowledged"])), "lost writes"
        table.add_row(title, f"{report['longest_wait']:.1f}")
    return table


def lose_a_client(place: Place) -> None:
    """Let the server's record name a client that is gone."""
    (record,) = (place.volume / ".jld-nfs" / "v4recov").iterdir()
    known = next(record.iterdir())
    shutil.copytree(known, record / known.name.replace("client", "absent"))


if __name__ == "__main__":
    main()
