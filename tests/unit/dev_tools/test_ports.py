"""Ports for servers of the tests, where several processes of one run want some."""

import socket

from tests import ports


def test_no_two_processes_of_a_run_have_a_port_in_common() -> None:
    parts = [ports.part(f"gw{number}") for number in range(ports.PARTS)]
    assert len({port for part in parts for port in part}) == ports.PARTS * ports.PART
    assert ports.part("") == parts[0]
    assert max(max(part) for part in parts) < 32768  # where Linux begins with the ports of connections


def test_each_port_is_another_one_and_nobody_listens_on_it() -> None:
    taken = ports.free_port()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", taken))
        given = [ports.free_port() for _ in range(ports.PART)]  # once round
    assert taken not in given
    assert len(set(given)) == len(given) - 1  # the first came again in its place
