"""Ports of this machine's loopback."""

import socket
from collections.abc import Iterable

from jlddev.support.errors import MachineError


def in_use(port: int) -> bool:
    """Whether a program listens on a port of this machine's loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def require_free(ports: Iterable[int]) -> None:
    """Raises MachineError when a program listens on one of these ports."""
    for port in ports:
        if in_use(port):
            raise MachineError(
                f"Port {port} of 127.0.0.1 is taken by another program: end it (ss -ltnp 'sport = :{port}'), then repeat."
            )
