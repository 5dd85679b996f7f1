"""The disk behind the server: which may hold files at all, moves to another node, and is given to two servers."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jlddev.clusters import guest
from jlddev.support.errors import MachineError

from .place import SETTINGS, XFS, Place, Server, program

Guests = tuple[guest.Guest, guest.Guest]


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_disk_whose_handles_would_not_last_is_refused(system: guest.System, image_root: Path, tmp_path: Path) -> None:
    place = Place(tmp_path, XFS, megabytes=400)
    try:
        server = place.server(image_root, SETTINGS)
        with pytest.raises(
            MachineError, match="/export: its file system is known by the number of its device, as XFS is"
        ):
            server.start()
        assert list(place.volume.iterdir()) == []
    finally:
        place.end()


def test_open_files_outlive_a_move_of_the_disk_to_another_node(guests: Guests, place: Place, server: Server) -> None:
    one, two = guests
    holder = one.python(program("hold_lock"), "/mnt/home/moved", "0", "10", "/tmp/moved-held", "/tmp/moved-release")
    one.wait_for("/tmp/moved-held", holder)
    assert server.stop() == 0
    before, after = place.move_disk()
    assert before != after
    server.start()
    one.run("touch", "/tmp/moved-release")
    assert holder.result(guest.PATIENCE).out == "written\n"
    assert two.run("cat", "/mnt/home/moved") == (place.volume / "home" / "moved").read_text()


def test_a_second_server_on_the_disk_waits_and_takes_over(
    guests: Guests, place: Place, server: Server, image_root: Path
) -> None:
    """As after a node was lost from sight: Kubernetes makes another pod, and the first may still run."""
    one, _ = guests
    second = place.server(image_root, SETTINGS, "second.log")
    try:
        second.start()
        wait_until(lambda: "another NFS server serves this volume; waiting for its end" in second.log.read_text())
        one.run("touch", "/mnt/home/from-the-first")
        time.sleep(2)  # as long as a server takes from its start to its first answer
        assert "NFS SERVER INITIALIZED" not in second.log.read_text()
        server.kill()
        wait_until(lambda: "NFS SERVER INITIALIZED" in second.log.read_text())
        one.run("touch", "/mnt/home/from-the-second")
        assert (place.volume / "home" / "from-the-second").exists()
    finally:
        second.end()
