"""Ports of this machine's loopback for servers that tests start."""

import os
import random
import socket
from collections import deque

# Below those that the kernel gives to connections. Each process of a run has a part of them, so that a port is nobody
# else's between the moment in which it was found free and that in which its server listens.
FIRST, PART, PARTS = 12_000, 2_000, 10


def part(worker: str) -> range:
    """The ports of one of pytest-xdist's processes (`gw0`, `gw1`), or of the only one, which has no name."""
    first = FIRST + int(worker.removeprefix("gw") or 0) % PARTS * PART
    return range(first, first + PART)


_PORTS = deque(part(os.environ.get("PYTEST_XDIST_WORKER", "")))
_PORTS.rotate(random.randrange(PART))  # noqa: S311 - a run of another checkout beside this one has the same ports


def free_port() -> int:
    """One on which nobody listens; it is given again only after all the others."""
    while True:
        _PORTS.rotate(-1)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", _PORTS[0]))
            except OSError:
                continue
        return _PORTS[0]
