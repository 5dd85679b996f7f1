"""What people's requests meet at the front door: whose they are taken for, what is held back, what is refused."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import ClassVar

import pytest
from rendering import Question, render
from test_front_door import HOSTNAME, FrontDoor, HubStandIn, needs_nginx, opened

pytestmark = needs_nginx
Open = Callable[..., AbstractContextManager[FrontDoor]]


class Lab(HubStandIn):
    """A stand-in that streams, takes uploads, and counts who opens connections."""

    connections: ClassVar[list[object]] = []
    first_piece: ClassVar[threading.Event] = threading.Event()
    go_on: ClassVar[threading.Event] = threading.Event()
    idle_seconds: ClassVar[float | None] = None

    def setup(self) -> None:
        self.timeout = self.idle_seconds
        super().setup()
        self.connections.append(self.client_address)

    def do_GET(self) -> None:
        kind = {"/text": "application/json", "/events": "text/event-stream"}.get(self.path)
        if self.path == "/cookies":
            self.send_response(200)
            for number in range(3):
                self.send_header("Set-Cookie", f"c{number}={'x' * 4000}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif kind is None:
            super().do_GET()
        elif kind == "application/json":
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"a" * 100_000)
        else:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(b"data: one\n\n")
            self.go_on.wait(20)
            self.wfile.write(b"data: two\n\n")
            self.close_connection = True

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 65536)))
            self.first_piece.set()
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def open_door(values: dict[str, Path], tmp_path: Path) -> Open:
    """A function that opens the front door with changed values."""
    Lab.connections.clear()
    Lab.first_piece.clear()
    Lab.go_on.clear()
    Lab.idle_seconds = None
    return lambda *changes: opened(render(Question(values["local"], changes)), tmp_path, Lab)


@pytest.fixture
def door(open_door: Open) -> Iterator[FrontDoor]:
    with open_door() as found:
        yield found


def connected(door: FrontDoor, proxy_line: bytes = b"") -> HTTPSConnection:
    connection = HTTPSConnection(HOSTNAME, timeout=10)
    connection.sock = door.socket(first=proxy_line)
    return connection


def get(connection: HTTPConnection, path: str, **headers: str) -> HTTPResponse:
    connection.request("GET", path, headers={"Host": f"{HOSTNAME}:8443", **headers})
    return connection.getresponse()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def test_over_http2_a_request_finds_its_lab(door: FrontDoor) -> None:
    context = door.trust()
    context.set_alpn_protocols(["h2"])
    path, host = b"/user/alice/api", f"{HOSTNAME}:8443".encode()
    # GET, https, and two names of HPACK's table with values of their own.
    headers = b"\x82\x87\x04" + bytes([len(path)]) + path + b"\x01" + bytes([len(host)]) + host
    with door.socket(context) as stream, stream.makefile("rb") as answers:
        stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 5, 1, headers))
        body, status = b"", 0
        while True:
            head = answers.read(9)
            payload = answers.read(int.from_bytes(head[:3]))
            if head[3] == 1:
                status = payload[0]
            if head[3] == 0:
                body += payload
            if head[3] in (0, 1) and head[4] & 1:
                break
    assert status == 0x88  # HPACK for 200
    asked = json.loads(body)
    assert (asked["path"], asked["headers"]["host"]) == (path.decode(), host.decode())


def test_the_proxy_protocol_tells_whose_a_request_is(open_door: Open) -> None:
    with open_door("nginx.proxyProtocol=true", 'nginx.trustedProxies=["127.0.0.0/8"]') as door:
        answer = get(connected(door, b"PROXY TCP4 192.0.2.7 127.0.0.1 5000 443\r\n"), "/hub/home")
        heard = json.loads(answer.read())["headers"]
        assert heard["x-forwarded-for"] == heard["x-real-ip"] == "192.0.2.7"
        with pytest.raises(OSError, match=r"."):
            connected(door)  # nobody comes without it


def test_a_trusted_proxy_is_believed_about_the_client_and_about_nothing_else(open_door: Open) -> None:
    forwarded = {"X-Forwarded-For": "198.51.100.1, 192.0.2.7, 127.0.0.9", "X-Forwarded-Proto": "http"}
    with open_door('nginx.trustedProxies=["127.0.0.0/8"]') as door:
        heard = door.ask("/hub/home", forwarded).heard()
    # The last one that is no proxy of ours; what stands before it, the client may have written.
    assert heard["x-forwarded-for"] == heard["x-real-ip"] == "192.0.2.7"
    assert heard["x-forwarded-proto"] == "https"


def test_who_is_not_trusted_is_not_believed(open_door: Open) -> None:
    with open_door('nginx.trustedProxies=["192.0.2.0/24"]') as door:
        heard = door.ask("/hub/home", {"X-Forwarded-For": "192.0.2.7"}).heard()
    assert heard["x-forwarded-for"] == "127.0.0.1"


def test_big_cookies_pass_both_ways_and_bigger_ones_are_refused(door: FrontDoor) -> None:
    cookies = "; ".join(f"c{number}={'x' * 3900}" for number in range(4))
    assert door.ask("/hub/home", {"Cookie": cookies}).heard()["cookie"] == cookies
    assert len(door.ask("/cookies").headers.get_all("Set-Cookie") or []) == 3
    assert door.ask("/hub/home", {"Cookie": "x" * 20_000}).status in (400, 494)


def test_events_are_not_held_back(door: FrontDoor) -> None:
    answer = get(connected(door), "/events", **{"Accept-Encoding": "gzip"})
    assert answer.read1(100) == b"data: one\n\n"  # the stand-in says no more before this was read
    Lab.go_on.set()
    assert answer.read() == b"data: two\n\n"


def test_text_is_sent_in_fewer_bytes_to_those_who_can_read_them(door: FrontDoor) -> None:
    answer = get(connected(door), "/text", **{"Accept-Encoding": "gzip"})
    body = answer.read()
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert len(body) < 2000
    assert gzip.decompress(body) == b"a" * 100_000
    assert len(door.ask("/text").body) == 100_000


def test_an_upload_reaches_the_lab_while_it_is_sent_and_is_written_nowhere(door: FrontDoor, tmp_path: Path) -> None:
    connection = connected(door)
    connection.putrequest("PUT", "/user/alice/files/big", skip_host=True)
    connection.putheader("Host", f"{HOSTNAME}:8443")
    connection.putheader("Content-Length", str(64 * 1024 * 1024))
    connection.endheaders()
    connection.send(b"x" * 1024 * 1024)
    assert Lab.first_piece.wait(10), "nothing reached the lab before all of it was sent"
    for _ in range(63):
        connection.send(b"x" * 1024 * 1024)
    assert connection.getresponse().status == 201
    assert [path for path in (tmp_path / "client_body").rglob("*") if path.is_file()] == []


def test_an_upload_is_as_large_as_the_site_allows(open_door: Open) -> None:
    with open_door('nginx.maxBodySize="1m"') as door:
        assert door.ask("/user/alice/files/x", method="PUT", body=b"x" * 1024 * 1024).status == 201
        assert door.ask("/user/alice/files/x", method="PUT", body=b"x" * (1024 * 1024 + 1)).status == 413


def test_connections_to_a_lab_are_used_again(door: FrontDoor) -> None:
    for _ in range(20):
        assert door.ask("/user/alice/api").status == 200
    assert 1 <= len(Lab.connections) <= 2  # one for each worker


def test_a_connection_that_the_lab_has_closed_harms_no_request(open_door: Open) -> None:
    Lab.idle_seconds = 0.2  # after this it closes a connection without a word
    with open_door() as door:
        for _ in range(10):
            assert door.ask("/user/alice/api").status == 200
            time.sleep(0.21)  # about when it closes
    assert len(Lab.connections) > 2


def test_logins_are_counted_by_default_and_other_pages_never(open_door: Open) -> None:
    with open_door("nginx.loginsPerMinute=5") as door:
        statuses = [door.ask("/hub/login", method="GET").status for _ in range(10)]
        assert statuses[:6] == [200] * 6
        refused = door.ask("/hub/oauth_callback?code=x")
        assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
        assert {door.ask("/hub/home").status for _ in range(20)} == {200}
    assert 429 in statuses[6:]


def test_a_default_lets_a_lecture_hall_in(door: FrontDoor) -> None:
    assert {door.ask("/hub/oauth_callback?code=x").status for _ in range(200)} == {200}


def test_no_limit_is_no_limit(open_door: Open) -> None:
    with open_door("nginx.loginsPerMinute=0") as door:
        assert {door.ask("/hub/login").status for _ in range(30)} == {200}


class StartingHub(HubStandIn):
    """A stand-in for a hub that answers nothing yet but its page for labs that are down."""

    def do_GET(self) -> None:
        if self.path.startswith("/hub/error/"):
            super().do_GET()
        else:
            self.close_connection = True


def test_a_hub_that_does_not_answer_is_not_taken_for_a_lab(values: dict[str, Path], tmp_path: Path) -> None:
    with opened(render(Question(values["local"])), tmp_path, StartingHub) as door:
        hub, lab = door.ask("/hub/home"), door.ask("/user/alice/lab")
    assert (hub.status, lab.status) == (503, 503)
    assert b'http-equiv="refresh"' in hub.body
    assert b"/hub/error/503" in lab.body
