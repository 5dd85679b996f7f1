"""Two emulated machines with Debian's kernel, and the NFS server from its image, on a network of their own.

They end with this level: a guest that waits computes, too.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jlddev.clusters import guest
from jlddev.images import build
from jlddev.support import debian_packages
from jlddev.support.errors import Unsupported

from .place import PROGRAMS, SETTINGS, Place, Server, mount

IMAGE = "nfs-server"


@pytest.fixture(scope="package")
def system() -> guest.System:
    if os.geteuid() != 0:
        pytest.skip("only root makes the network and the disk of these tests; run them as root")
    try:
        debian_packages.ensure(PROGRAMS, "the NFS tests")
        build.builder()
        return guest.prepare()
    except Unsupported as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="package")
def image_root(system: guest.System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root file system of the server's image."""
    image = build.Image(IMAGE, build.FOLDERS[IMAGE])
    root = tmp_path_factory.mktemp("image") / "root"
    root.mkdir()
    build.build([image]).unpack(image.reference, root)
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="package")
def place(
    system: guest.System, tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[..., None]
) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("place"))
    describe_level("nfs", "QEMU guests with Debian's kernel; the server's image as on a node, but for seccomp")
    yield made
    made.end()


@pytest.fixture(scope="package")
def guests(system: guest.System, place: Place, started: Server) -> tuple[guest.Guest, guest.Guest]:
    """Two clients that have mounted what labs mount."""
    one, two = place.guest(system, "one", "10.99.0.2"), place.guest(system, "two", "10.99.0.3")
    for each in (one, two):
        each.wait()
        for export in ("home", "scratch", "software"):
            assert mount(each, export) == guest.Done(0, "", "")
    return one, two


@pytest.fixture(scope="package")
def started(place: Place, image_root: Path) -> Iterator[Server]:
    server = place.server(image_root, SETTINGS)
    server.start()
    yield server
    server.end()


@pytest.fixture
def server(started: Server) -> Server:
    """The running server, also after a test that failed while it was down."""
    if not started.runs():
        started.start()
    return started
