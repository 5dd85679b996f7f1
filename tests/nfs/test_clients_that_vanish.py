"""Clients that are away for longer than their lease, or come back from elsewhere: who keeps what it holds.

They are raw ones, many on one disk of their own: no kernel, no emulation.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .place import SETTINGS, Place, Server
from .raw import BADSESSION, DENIED, GRACE, NO_GRACE, Client, File, Refused, insist

MANY = 20  # more than Ganesha remembers by default


@pytest.fixture
def beside(image_root: Path, tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path, megabytes=64)
    yield place
    place.end()


@pytest.fixture
def serving(beside: Place, image_root: Path) -> Iterator[Server]:
    server = beside.server(image_root, SETTINGS)
    server.start()
    yield server
    server.end()


def holder(place: Place, source: str, name: str) -> tuple[Client, File]:
    """A client that holds a lock on the file of its name."""
    client = Client(place.connect(source), name)
    client.reclaimed()
    file = insist(lambda: client.open("home", name), GRACE)
    client.lock(file)
    return client, file


@pytest.mark.parametrize(("back", "status"), [("10.99.0.4", None), ("10.99.0.5", NO_GRACE)], ids=["same", "another"])
def test_locks_are_taken_back_from_the_same_address_only(
    beside: Place, serving: Server, back: str, status: int | None
) -> None:
    """`fs` and `fs_ng` do so alike. When a newer Ganesha knows a client by its name alone, docs/storage.md has a paragraph less."""
    client, file = holder(beside, "10.99.0.4", "moves")
    serving.kill()
    serving.start()
    client.come_back(beside.connect(back))
    if status is None:
        client.reclaim(file)
        client.lock(file, reclaim=True)
    else:
        with pytest.raises(Refused) as refused:
            client.reclaim(file)
        assert refused.value.status == status


def test_a_break_that_cuts_off_many_clients_costs_none_a_lock_that_nobody_asks_for(
    beside: Place, serving: Server
) -> None:
    held = [holder(beside, "10.99.0.4", f"silent-{number}") for number in range(MANY)]
    present = Client(beside.connect("10.99.0.5"), "present")
    present.reclaimed()

    wanted = present.open("home", f"silent-{MANY - 1}")
    insist(lambda: present.lock(wanted), DENIED)  # until the last one's lease is over, as it then is for all before
    time.sleep(1)  # while the server looks at the others

    *others, (last, its_file) = held
    for client, file in others:
        client.write(file, b"still mine")
    with pytest.raises(Refused) as lost:
        last.write(its_file, b"no longer mine")
    assert lost.value.status == BADSESSION
