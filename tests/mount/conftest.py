"""One server for the folder; what a test makes lies in a directory of its own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jlddev.clusters import programs
from jlddev.support import debian_packages, rootfs
from jlddev.support.errors import Unsupported

from .server import PACKAGES, Place

FIGURES: list[str] = []


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[..., None]) -> Iterator[Place]:
    if os.geteuid() != 0:
        pytest.skip("mounting needs namespaces, which only root may make: run the tests as root")
    if not Path("/dev/fuse").exists():
        pytest.skip("this machine has no /dev/fuse, through which the node's NFS client mounts")
    try:
        debian_packages.ensure(
            {"mmdebstrap": "mmdebstrap", "git": "git", "ip": "iproute2"}, "testing the node's NFS client"
        )
        programs.require_go()
    except Unsupported as reason:
        pytest.skip(str(reason))
    client = programs.build_nfs_client()
    inside = Place(rootfs.unpacked("nfs-server", PACKAGES), client, tmp_path_factory.mktemp("nfs"))
    inside.start_server()
    yield inside
    inside.close()
    what = "NFS-Ganesha in namespaces of this machine, and the native node's client in place of a kernel's"
    describe_level("mount", what, *FIGURES)


@pytest.fixture(scope="package")
def mounted(place: Place) -> Path:
    return place.mount()


@pytest.fixture(scope="package")
def elsewhere(place: Place) -> Path:
    """The same export in another pod: a mount, and for the server a client, of its own."""
    return place.mount()


@pytest.fixture
def folder(place: Place, mounted: Path, request: pytest.FixtureRequest) -> Path:
    """A directory in the mount that everyone may write."""
    found = mounted / request.node.name.translate(str.maketrans("[]/ =,.", "_______"))
    place.ok("mkdir", "-m", "0777", found)
    return found


@pytest.fixture
def figure() -> Callable[[str], None]:
    """A function that adds a measured number to the closing table."""
    return FIGURES.append
