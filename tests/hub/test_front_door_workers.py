"""What several workers of our nginx have in common: the route table, the log, and memory."""

import json
import os
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.ports import free_port

from .front_door import FrontDoor, needs_nginx
from .test_front_door_routes import call, door, lab, tell

__all__ = ["door", "lab"]
pytestmark = needs_nginx


def workers(door: FrontDoor) -> list[psutil.Process]:
    assert door.process is not None
    return [
        each for each in psutil.Process(door.process.pid).children() if "worker process" in " ".join(each.cmdline())
    ]


@contextmanager
def alone(worker: psutil.Process, door: FrontDoor) -> Iterator[None]:
    """Only this worker answers."""
    others = [each for each in workers(door) if each != worker]
    for other in others:
        other.suspend()
        while other.status() != psutil.STATUS_STOPPED:  # it may take a connection until then
            time.sleep(0.01)
    try:
        yield
    finally:
        for other in others:
            other.resume()


# The last is more than a worker can be behind without reading the whole table.
@pytest.mark.parametrize("changes", [1, 7, 1000, 1500])
def test_a_worker_that_was_behind_knows_every_change(door: FrontDoor, lab: str, changes: int) -> None:
    first, second = workers(door)
    with alone(second, door):
        for path in ("/", "/user/gone", "/user/moved"):
            tell(door, path, "127.0.0.1:9" if path == "/user/moved" else lab)
        assert call(f"{door.url}/user/gone/200")[0] == 200
    with alone(first, door):
        for number in range(changes):
            tell(door, f"/user/{number}", lab)
        tell(door, "/user/moved", lab)
        tell(door, "/", "127.0.0.1:9")
        assert call(f"{door.api_url}/api/routes/user/gone", "DELETE")[0] == 204
    with alone(second, door):
        statuses = {path: call(f"{door.url}{path}/200")[0] for path in ("/user/moved", "/user/0", "/user/gone")}
        last = call(f"{door.url}/user/{changes - 1}/200")[0]
    assert statuses == {"/user/moved": 200, "/user/0": 200, "/user/gone": 503}
    assert last == 200


def test_lines_of_the_log_are_whole_and_none_is_lost_at_the_end(tmp_path: Path, lab: str) -> None:
    """Its place in a pod is a pipe, which two workers write to."""
    door = FrontDoor(tmp_path, free_port(), free_port())
    os.mkfifo(door.folder / "log")
    received: list[bytes] = []

    def read() -> None:
        with (door.folder / "log").open("rb") as pipe:
            received.extend(pipe)

    reader = threading.Thread(target=read)
    reader.start()
    door.start()
    tell(door, "/", lab)

    def ask(number: int) -> int:
        agent = {"User-Agent": f"{number} " + "x" * (number * 37 % 3000)}
        with urllib.request.urlopen(urllib.request.Request(f"{door.url}/200", headers=agent), timeout=20) as answer:
            return int(answer.status)

    with ThreadPoolExecutor(8) as people:
        assert set(people.map(ask, range(400))) == {200}
    door.stop()
    reader.join(20)
    assert not reader.is_alive()
    agents = [json.loads(line)["agent"].partition(" ")[0] for line in received]
    assert sorted(map(int, agents)) == list(range(400))


def test_requests_have_names_of_their_own(door: FrontDoor, lab: str) -> None:
    tell(door, "/", lab)
    host, _, port = door.url.removeprefix("http://").partition(":")
    for _ in range(20):  # several on a connection, and several connections
        with socket.create_connection((host, int(port)), timeout=20) as stream, stream.makefile("rb") as answers:
            for last in (False, False, True):
                close = "Connection: close\r\n" if last else ""
                stream.sendall(f"GET /200 HTTP/1.1\r\nHost: x\r\n{close}\r\n".encode())
                assert answers.readline().startswith(b"HTTP/1.1 200")
                while answers.readline() != b"\r\n":
                    pass
    door.stop()
    names = [json.loads(line)["id"] for line in (door.folder / "log").read_text().splitlines()]
    assert len(names) == len(set(names)) == 60


SOCKETS = 300


def test_a_web_socket_takes_less_memory_than_the_limit_has_for_each(door: FrontDoor, lab: str) -> None:
    """As docs/limits.md says, over TLS, with the cookies of a browser and after messages that fill the buffers."""
    tell(door, "/user/ada", lab)
    context = ssl.create_default_context(cafile=None)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    before = sum(each.memory_full_info().uss for each in workers(door))
    request = (
        "GET /user/ada/101 HTTP/1.1\r\nHost: jupyter.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Cookie: session={'x' * 1500}\r\n\r\n"
    )
    with ExitStack() as opened:
        for _ in range(SOCKETS):
            plain = socket.create_connection(("127.0.0.1", door.https_port), timeout=20)
            stream = opened.enter_context(context.wrap_socket(plain, server_hostname="jupyter.example.org"))
            stream.sendall(request.encode())
            assert stream.recv(4096).startswith(b"HTTP/1.1 101 ")
            stream.sendall(b"x" * 20_000)
        after = sum(each.memory_full_info().uss for each in workers(door))
    assert (after - before) / SOCKETS < 92 * 1024
