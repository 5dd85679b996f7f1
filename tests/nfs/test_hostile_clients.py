"""Clients that send what no kernel sends. They may be any pod that reaches the port."""

import re
from pathlib import Path

import pytest
from jlddev.clusters.guest import PATIENCE, Guest, System

from .place import ADDRESS, Place, Server, mount

PROGRAM = Path(__file__).parent / "programs" / "blocked_lock.py"
MINOR_VERSION_MISMATCH = 10021  # RFC 7530


@pytest.mark.parametrize("attempt", range(3))
def test_a_lock_of_the_oldest_protocol_that_waits_does_not_end_the_server(
    place: Place, server: Server, attempt: int
) -> None:
    """Ganesha 6.5 crashes when a lock that an NFSv4.0 client waits for is let go, so it offers no NFSv4.0."""
    said = place.inside("python3", str(PROGRAM), ADDRESS, "scratch", f"blocked-{attempt}")
    assert server.runs()
    assert said == f"status {MINOR_VERSION_MISMATCH} at call 1\n"


def test_the_oldest_protocol_cannot_be_mounted(guests: tuple[Guest, Guest], server: Server) -> None:
    one, _ = guests
    one.run("mkdir", "-p", "/mnt/oldest")
    refused = one.start("mount", "-t", "nfs", "-o", "nfsvers=4.0,proto=tcp", f"{ADDRESS}:/scratch", "/mnt/oldest")
    assert refused.result(PATIENCE).code != 0
    assert one.start("ls", "/mnt/scratch").result(PATIENCE).code == 0


def test_a_client_outside_of_the_networks_mounts_nothing_and_the_log_names_it(
    system: System, place: Place, server: Server
) -> None:
    outside = place.guest(system, "outside", "10.99.0.99")
    outside.wait()
    before = server.log.read_text()

    refused = mount(outside, "home")

    assert (refused.code, "reason given by server: No such file or directory" in refused.err) == (32, True)
    said = server.log.read_text().removeprefix(before)
    assert re.search(r"Access not allowed on Export_Id \d+ /home for client ::ffff:10\.99\.0\.99\n", said)
