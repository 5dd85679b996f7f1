"""What our nginx does beyond answering as configurable-http-proxy does: activity, readiness, tokens, names, many routes."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

from .front_door import TOKEN, FrontDoor, needs_nginx

pytestmark = needs_nginx


class Lab(BaseHTTPRequestHandler):
    """A stand-in that answers with the status in its path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status = int(self.path.partition("?")[0].rpartition("/")[2])
        self.send_response(status)
        if status == 101:
            self.send_header("Connection", "upgrade")
            self.send_header("Upgrade", "echo")
            self.end_headers()
            self.wfile.write(self.rfile.readline())
            self.close_connection = True
            return
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def lab() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lab)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[FrontDoor]:
    door = FrontDoor(tmp_path, free_port(), free_port())
    door.start()
    yield door
    door.stop()


def call(url: str, method: str = "GET", data: object = None, token: str = TOKEN) -> tuple[int, Any]:
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, body, {"Authorization": f"token {token}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()
    return answer.status, json.loads(text) if text[:1] == b"{" else text


def tell(door: FrontDoor, path: str, target: str) -> None:
    assert call(f"{door.api_url}/api/routes{path}", "POST", {"target": f"http://{target}"})[0] == 201


def last_used(door: FrontDoor, path: str) -> str:
    return str(call(f"{door.api_url}/api/routes{path}")[1]["last_activity"])


def wait_for_use(door: FrontDoor, path: str, since: str) -> None:
    """nginx notes a request after it has answered."""
    deadline = time.monotonic() + 10
    while last_used(door, path) <= since:
        assert time.monotonic() < deadline, "the use was not noted"
        time.sleep(0.02)


def test_it_is_ready_when_the_hub_has_told_its_own_route(door: FrontDoor, lab: str) -> None:
    tell(door, "/user/ada", lab)
    assert call(f"{door.api_url}/nginx-ready")[0] == 503
    assert call(f"{door.url}/anything")[0] == 503
    tell(door, "/", lab)
    assert call(f"{door.api_url}/nginx-ready")[0] == 200
    assert call(f"{door.url}/200")[0] == 200


@pytest.mark.parametrize("route", ["/", "/user/ada"])
def test_who_is_early_waits_for_the_routes_of_a_copy_that_just_started(door: FrontDoor, lab: str, route: str) -> None:
    with ThreadPoolExecutor() as early:
        asked = [early.submit(call, f"{door.url}/user/ada/200") for _ in range(8)]
        time.sleep(0.5)  # until all of them wait
        tell(door, route, lab)
        assert [each.result()[0] for each in asked] == [200] * 8


def test_a_restart_forgets_all_routes(door: FrontDoor, lab: str) -> None:
    """An address of yesterday may be somebody else's lab today."""
    tell(door, "/", lab)
    door.stop()
    door.start()
    assert call(f"{door.api_url}/api/routes") == (200, {})
    assert call(f"{door.api_url}/nginx-ready")[0] == 503


def test_a_use_that_succeeds_is_noted_and_no_other(door: FrontDoor, lab: str) -> None:
    for path in ("/user/ada", "/user/eve"):
        tell(door, path, lab)
    told = last_used(door, "/user/ada")
    for status in (302, 404, 500):
        request = urllib.request.Request(f"{door.url}/user/eve/{status}")
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=20)
    eve = last_used(door, "/user/eve")
    time.sleep(0.01)  # the table counts milliseconds
    assert call(f"{door.url}/user/ada/200")[0] == 200
    wait_for_use(door, "/user/ada", told)
    assert last_used(door, "/user/eve") == eve


def test_a_web_socket_is_use_when_it_opens_and_when_it_closes(door: FrontDoor, lab: str) -> None:
    tell(door, "/user/ada", lab)
    told = last_used(door, "/user/ada")
    time.sleep(0.01)
    host, _, port = door.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as stream:
        stream.sendall(b"GET /user/ada/101 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        assert stream.recv(4096).startswith(b"HTTP/1.1 101 ")
        wait_for_use(door, "/user/ada", told)
        opened = last_used(door, "/user/ada")
        time.sleep(0.01)
        assert last_used(door, "/user/ada") == opened, "silence is no use"
        stream.sendall(b"hello\n")
    wait_for_use(door, "/user/ada", opened)


def test_unused_routes_are_told_apart(door: FrontDoor, lab: str) -> None:
    tell(door, "/user/eve", lab)
    time.sleep(0.01)
    tell(door, "/user/ada", lab)
    since = last_used(door, "/user/ada")
    found = call(f"{door.api_url}/api/routes?inactive_since={since}")[1]
    assert list(found) == ["/user/eve"]


def test_a_new_token_counts_without_a_restart(door: FrontDoor) -> None:
    door.token_file.write_text("34" * 32)
    deadline = time.monotonic() + 10  # the file is read again at most once a second
    while call(f"{door.api_url}/api/routes", token="34" * 32)[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("token", [None, " \n"])
def test_without_a_token_it_does_not_start(tmp_path: Path, token: str | None) -> None:
    door = FrontDoor(tmp_path, free_port(), free_port())
    file = door.token_file
    file.unlink() if token is None else file.write_text(token)
    with pytest.raises(AssertionError, match="token file"):
        door.start()
    door.stop()


def test_ten_thousand_routes_are_kept_and_found(door: FrontDoor, lab: str) -> None:
    connection = socket.create_connection(door.api_url.removeprefix("http://").split(":"), timeout=20)  # type: ignore[arg-type]
    body = json.dumps({"target": f"http://{lab}", "user": "n" * 40, "server_name": "", "jupyterhub": True}).encode()
    with connection, connection.makefile("rb") as answers:
        for number in range(10_000):
            head = f"POST /api/routes/user/{number} HTTP/1.1\r\nHost: x\r\nAuthorization: token {TOKEN}\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert answers.readline() == b"HTTP/1.1 201 Created\r\n"
            while answers.readline() != b"\r\n":
                pass
            if number % 900 == 899:  # nginx ends a connection after a thousand requests
                answers.close()
                connection.close()
                connection = socket.create_connection(door.api_url.removeprefix("http://").split(":"), timeout=20)  # type: ignore[arg-type]
                answers = connection.makefile("rb")
    assert len(call(f"{door.api_url}/api/routes")[1]) == 10_000
    assert call(f"{door.url}/user/9999/200")[0] == 200
    assert call(f"{door.url}/user/10000/200")[0] == 503


def test_a_full_table_refuses_and_forgets_nothing(door: FrontDoor, lab: str) -> None:
    tell(door, "/", lab)
    refused = 0
    for number in range(60):
        status, _ = call(
            f"{door.api_url}/api/routes/x{number}", "POST", {"target": f"http://{lab}", "x": "y" * 900_000}
        )
        refused += status == 507
    found = call(f"{door.api_url}/api/routes")[1]
    assert refused > 0
    assert len(found) == 61 - refused
    assert call(f"{door.url}/200")[0] == 200


def test_a_route_that_finds_no_room_leaves_the_older_one(door: FrontDoor, lab: str) -> None:
    for path in ("/", "/user/ada"):
        tell(door, path, lab)
    before = call(f"{door.api_url}/api/routes")[1]
    number = 0
    while (
        call(f"{door.api_url}/api/routes/x{number}", "POST", {"target": f"http://{lab}", "x": "y" * 900_000})[0] == 201
    ):
        number += 1
    grown = {"target": "http://127.0.0.1:9", "x": "y" * 900_000}
    for path in ("/", "/user/ada", "/user/eve"):
        assert call(f"{door.api_url}/api/routes{path}", "POST", grown)[0] == 507
    found = call(f"{door.api_url}/api/routes")[1]
    assert {path: found.get(path) for path in ("/", "/user/ada", "/user/eve")} == {**before, "/user/eve": None}
    assert call(f"{door.url}/user/ada/200")[0] == 200
