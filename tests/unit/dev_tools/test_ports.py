"""Ports for servers of the tests, where several processes of one run want some."""

import errno
import socket
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from tests import ports


def test_no_two_processes_of_a_run_have_a_port_in_common() -> None:
    parts = [ports.part(f"gw{number}") for number in range(ports.PARTS)]
    assert len({port for part in parts for port in part}) == ports.PARTS * ports.PART
    assert ports.part("") == parts[0]
    assert max(max(part) for part in parts) < 32768  # where Linux begins with the ports of connections


def test_nobody_listens_on_a_port_that_is_given() -> None:
    taken = ports.free_port()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", taken))
        assert taken not in [ports.free_port() for _ in range(ports.PART)]  # once round


def test_a_port_is_given_again_after_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class Socket(socket.socket):
        def bind(self, address: Any) -> None:
            if address[1] % 2:
                raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(ports, "socket", SimpleNamespace(socket=Socket))
    monkeypatch.setattr(ports, "_PORTS", deque(range(12_000, 12_006)))
    assert [ports.free_port() for _ in range(6)] == [12_002, 12_004, 12_000, 12_002, 12_004, 12_000]
