"""Ports of this machine's loopback for servers that tests start."""

import socket

_GIVEN: set[int] = set()  # one that is free again a moment later is given to nobody else of this run


def free_port() -> int:
    """One on which nobody listens."""
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = int(listener.getsockname()[1])
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port
