"""The server ends in the middle of work and comes back: what was acknowledged is there, and who held a lock holds it."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from jlddev.clusters.guest import PATIENCE, Guest

from .place import Place, Server, program

Guests = tuple[Guest, Guest]


def killed(server: Server) -> None:
    server.kill()


def ended(server: Server) -> None:
    assert server.stop() == 0


@pytest.mark.parametrize("end", [killed, ended], ids=lambda end: end.__name__)
def test_what_was_acknowledged_is_there_and_locks_are_held(
    guests: Guests, place: Place, server: Server, end: Callable[[Server], None]
) -> None:
    one, two = guests
    file, lock, mark = f"/mnt/home/log-{end.__name__}", f"/mnt/home/lock-{end.__name__}", f"/tmp/{end.__name__}"
    holder = two.python(program("hold_lock"), lock, "0", "10", f"{mark}-held", f"{mark}-release")
    two.wait_for(f"{mark}-held", holder)
    writer = one.python(program("append"), file, f"{mark}-stop", f"{file}-new")
    one.wait_for(f"{file}-new", writer)

    end(server)
    time.sleep(2)  # a container is started again after about that
    server.start()
    one.run("touch", f"{file}-after")  # waits for the end of the grace period

    assert one.python(program("try_lock"), lock, "0", "10").result(PATIENCE).out == "taken\n"
    two.run("touch", f"{mark}-release")
    assert holder.result(PATIENCE).out == "written\n"
    one.run("touch", f"{mark}-stop")
    report = json.loads(writer.result(PATIENCE).out)
    written = (place.volume / "home" / f"log-{end.__name__}").read_bytes()
    assert written == b"".join(b"%015d\n" % number for number in range(report["acknowledged"]))


def test_a_client_that_comes_back_with_another_address_loses_its_locks_and_nothing_else(
    guests: Guests, place: Place, server: Server
) -> None:
    """The record of clients of each of Ganesha's recovery backends holds their addresses. docs/storage.md says what follows."""
    one, two = guests
    file, lock = "/mnt/home/log-moved", "/mnt/home/lock-moved"
    holder = two.python(program("hold_lock"), lock, "0", "10", "/tmp/address-held", "/tmp/address-release")
    writer = two.python(program("append"), file, "/tmp/address-stop")
    two.wait_for("/tmp/address-held", holder)
    two.wait_for(file, writer)

    server.stop()
    with another_address(two):
        server.start()
        one.run("touch", f"{file}-after")  # waits for the end of the grace period
        two.run("touch", f"{file}-here")
        assert one.python(program("try_lock"), lock, "0", "10").result(PATIENCE).out == "free\n"
        two.run("touch", "/tmp/address-release", "/tmp/address-stop")
        assert "Input/output error" in holder.result(PATIENCE).err
        report = json.loads(writer.result(PATIENCE).out)
    written = (place.volume / "home" / "log-moved").read_bytes()
    assert written == b"".join(b"%015d\n" % number for number in range(report["acknowledged"]))


@contextmanager
def another_address(guest: Guest) -> Iterator[None]:
    """As a node has in an overlay network: another one to the server beside it than to one on another node."""
    (old,) = re.findall(r"inet (\S+)", guest.run("ip", "-4", "addr", "show", "dev", "eth0"))
    new = old.replace("10.99.0.", "10.99.0.1")
    change = "ip addr del $0 dev eth0 && ip addr add $1 dev eth0"
    guest.run("sh", "-c", change, old, new)
    try:
        yield
    finally:
        guest.run("sh", "-c", change, new, old)


def test_a_client_that_does_not_come_back_holds_the_others_up_for_the_grace_period_only(
    guests: Guests, place: Place, server: Server
) -> None:
    one, _ = guests
    server.stop()
    lose_a_client(place)
    before = server.log.stat().st_size
    server.start()
    one.run("touch", "/mnt/home/made-in-grace")
    log = server.log.read_text()[before:]
    returned, known = re.findall(r"reclaim complete\((\d+)\) clid count\((\d+)\)", log)[-1]
    assert int(returned) < int(known)
    assert "NOT IN GRACE" in log


def lose_a_client(place: Place) -> None:
    """Let the server's record name a client that is gone."""
    (record,) = (place.volume / ".jld-nfs" / "v4recov").iterdir()
    known = next(record.iterdir())
    assert "one" in known.name or "two" in known.name
    shutil.copytree(known, record / known.name.replace("one", "six").replace("two", "six"))
