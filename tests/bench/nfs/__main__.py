"""What the NFS server does: `python tests/bench/nfs [PART...]`, as root; `make bench-nfs` installs what it needs.

load        raw clients on this machine: synced writes, new files, large files, beside the disk below
memory      of the server for each file that it knows, and while it is given and asked for large pieces; the page cache
options     a tree that does not change, read again by a kernel's client in an emulated machine, with mount options of a volume
restarts    how long a client waits when the server is killed, by the length of the lease
silences    what a client that was cut off still holds, by the length of the lease

Raw clients are small programs that share the two cores with the server: rates are lower bounds, and the server's processor
time for one operation is what depends least on what else runs. Compare within one run.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import load
import memory
import options
import restarts
import silences
from jlddev.images import build
from jlddev.support import debian_packages
from rich.console import Console
from rich.table import Table

from tests.nfs.place import PROGRAMS

PARTS: dict[str, Callable[[Path, Path], Iterator[Table]]] = {
    "load": load.tables,
    "memory": memory.tables,
    "options": options.tables,
    "restarts": restarts.tables,
    "silences": silences.tables,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What the NFS server does.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; by default all")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: no part; write some of {', '.join(PARTS)}")
    debian_packages.ensure(PROGRAMS, "the NFS bench")
    image = build.Image("nfs-server", build.FOLDERS["nfs-server"])
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "root"
        root.mkdir()
        build.build([image]).unpack(image.reference, root)
        for part in parts:
            folder = Path(name) / part
            folder.mkdir()
            for table in PARTS[part](root, folder):
                console.print(table)


if __name__ == "__main__":
    main()
