"""The server ends in the middle of work and comes back: what was acknowledged is there, and who held a lock holds it."""

import json
import re
import shutil
import time
from collections.abc import Callable

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
    two.wait_for(f"{mark}-held")
    writer = one.python(program("append"), file, f"{mark}-stop", f"{file}-new")
    one.wait_for(f"{file}-new")

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
