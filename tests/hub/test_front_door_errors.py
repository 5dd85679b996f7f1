"""What our nginx logs of what went wrong: every mistake in its Lua, every failure of a request or of TLS, and no query of any address."""

import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.ports import free_port

from .front_door import FrontDoor, needs_nginx
from .test_front_door_routes import Lab, lab, tell

__all__ = ["lab"]
HOST = "jupyter.example.org"
SECRET = "c0de-of-a-login"
QUERY = f"?code={SECRET}&next=/hub"


def logged(door: FrontDoor) -> str:
    return door.log_path.read_text()


def until_logged(door: FrontDoor, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in logged(door):
        assert time.monotonic() < deadline, f"{text} is not in the log:\n{logged(door)[-3000:]}"
        time.sleep(0.05)


def assert_no_secret(door: FrontDoor) -> None:
    assert SECRET not in logged(door)
    assert SECRET not in (door.folder / "log").read_text()


def visit(url: str) -> int:
    """Ask as a browser that comes from a log-in; 0 when there is no answer."""
    request = urllib.request.Request(url + QUERY, headers={"Referer": f"https://login.example.org/{QUERY}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


def handshake(door: FrontDoor, context: ssl.SSLContext) -> None:
    with (
        socket.create_connection(("127.0.0.1", door.https_port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=HOST),
    ):
        pass


def unsuspecting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Faulty:
    """A lab that takes a request and answers with something else than an answer."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            client.recv(65536)
            if self.answer is None:
                self.open.append(client)  # and never says a word
                continue
            client.sendall(self.answer)
            client.close()

    def close(self) -> None:
        self.socket.close()
        for client in self.open:
            client.close()


def raw(door: FrontDoor, *lines: str, port: int = 0, body: str = "", read: bool = True) -> None:
    """Send a request as it stands here, and wait for the end of what comes back."""
    text = "\r\n".join(lines).format(QUERY=QUERY, SECRET=SECRET) + "\r\n\r\n" + body
    with socket.create_connection(("127.0.0.1", port or int(door.url.rpartition(":")[2])), timeout=20) as stream:
        stream.sendall(text.encode())
        with suppress(OSError):  # nginx may have enough before the end
            stream.shutdown(socket.SHUT_WR)
            while read and stream.recv(65536):
                pass


def tls_1_0(door: FrontDoor) -> None:
    context = unsuspecting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    with pytest.raises(OSError, match=r"."):
        handshake(door, context)


def without_trust(door: FrontDoor) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(door, ssl.create_default_context())


def no_tls(door: FrontDoor) -> None:
    raw(door, "\x16\x03\x01\x00\x05noise", port=door.https_port)


def over_http2(door: FrontDoor) -> None:
    """A request for an address that is none."""
    context = unsuspecting()
    context.set_alpn_protocols(["h2"])
    path = f"/x y{QUERY}".encode()
    block = b"\x82\x87\x04" + bytes([len(path)]) + path + b"\x01" + bytes([len(HOST)]) + HOST.encode()
    with (
        socket.create_connection(("127.0.0.1", door.https_port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as stream,
    ):
        head = len(block).to_bytes(3) + b"\1\5\0\0\0\1"
        stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + head + block)
        until_logged(door, "client sent invalid :path header")


LOGIN = "/hub/oauth_callback{QUERY}"
IN_ORDER = ("Host: " + HOST, "Connection: close")
# What fails, and what nginx says of it.
FAILURES: dict[str, tuple[Callable[[FrontDoor], object], str]] = {
    "nobody is there": (lambda door: visit(f"{door.url}/dead/x"), "Connection refused"),
    "silence": (lambda door: visit(f"{door.url}/silent/x"), "upstream timed out"),
    "an end without an answer": (lambda door: visit(f"{door.url}/ends/x"), "upstream prematurely closed connection"),
    "no answer": (lambda door: visit(f"{door.url}/garbage/x"), "upstream sent invalid header"),
    "too much of an answer": (lambda door: visit(f"{door.url}/big/x"), "upstream sent too big header"),
    "too many": (lambda door: [visit(f"{door.url}/hub/login") for _ in range(8)], "limiting requests"),
    "a large body": (
        lambda door: raw(door, f"POST {LOGIN} HTTP/1.1", *IN_ORDER, "Content-Length: 1000000000"),
        "client intended to send too large body",
    ),
    "half a body": (
        lambda door: raw(door, f"POST /silent/x{LOGIN} HTTP/1.1", *IN_ORDER, "Content-Length: 10", body="x"),
        "client prematurely closed connection",
    ),
    "who goes": (
        lambda door: raw(door, f"GET /silent/x{LOGIN} HTTP/1.1", *IN_ORDER, read=False),
        "client prematurely closed connection",
    ),
    "half a request line": (lambda door: raw(door, f"GET {LOGIN} x y"), "client sent invalid request"),
    "a control character": (lambda door: raw(door, f"GET {LOGIN}\x01 HTTP/1.1", *IN_ORDER), "client sent invalid"),
    "a header without a name": (
        lambda door: raw(door, f"GET {LOGIN} HTTP/1.1", *IN_ORDER, "X\x01: {SECRET}"),
        "client sent invalid header line",
    ),
    "a header of another form": (
        lambda door: raw(door, f"GET {LOGIN} HTTP/1.1", *IN_ORDER, "a.b_c: {SECRET}"),
        "client sent invalid header line",
    ),
    "two tokens": (
        lambda door: raw(
            door, f"GET {LOGIN} HTTP/1.1", *IN_ORDER, 'Authorization: x a="{SECRET}"', 'Authorization: x b="{SECRET}"'
        ),
        "client sent duplicate header line",
    ),
    "two hosts": (lambda door: raw(door, f"GET {LOGIN} HTTP/1.1", *IN_ORDER, "Host: y"), "duplicate host header"),
    "no host": (lambda door: raw(door, f"GET {LOGIN} HTTP/1.1"), "client sent HTTP/1.1 request without"),
    "a large header": (
        lambda door: raw(door, f"GET {LOGIN} HTTP/1.1", *IN_ORDER, f"Cookie: {{SECRET}}{'x' * 20_000}"),
        "client sent too long header line",
    ),
    "a long address": (
        lambda door: raw(door, f"GET {LOGIN}{'x' * 20_000} HTTP/1.1", *IN_ORDER),
        "client sent too long URI",
    ),
    "no TLS": (
        lambda door: raw(door, f"GET {LOGIN} HTTP/1.1", *IN_ORDER, port=door.https_port),
        "client sent plain HTTP request to HTTPS port",
    ),
    "noise for TLS": (no_tls, "SSL_do_handshake() failed"),
    "old TLS": (tls_1_0, "unsupported protocol"),
    "a certificate of strangers": (without_trust, "unknown ca"),
    "HTTP/2": (over_http2, "client sent invalid :path header"),
}


@pytest.fixture(scope="module")
def verbose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    """A front door that logs all it can, in front of labs that fail."""
    labs = {
        "silent": Faulty(None),
        "ends": Faulty(b""),
        "garbage": Faulty(f"HTTP/1.1 200 OK\r\nX\x01: {SECRET}\r\n\r\n".encode()),
        "big": Faulty(f"HTTP/1.1 200 OK\r\nX: {SECRET * 20_000}\r\n\r\n".encode()),
    }
    changes = (
        'nginx.log.level="INFO"',
        "nginx.loginsPerMinute=2",
        'nginx.maxBodySize="1m"',
        'nginx.idleTimeout="2s"',
    )
    door = FrontDoor(tmp_path_factory.mktemp("verbose"), free_port(), free_port(), changes=changes)
    door.start()
    hub = ThreadingHTTPServer(("127.0.0.1", 0), Lab)
    threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True).start()
    for name, each in labs.items():
        tell(door, f"/{name}", each.address)
    tell(door, "/dead", f"127.0.0.1:{free_port()}")
    tell(door, "/", f"127.0.0.1:{hub.server_port}")
    yield door
    door.stop()
    hub.shutdown()
    hub.server_close()
    for each in labs.values():
        each.close()


@needs_nginx
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_logged_without_queries_and_headers(verbose: FrontDoor, what: str) -> None:
    fail, said = FAILURES[what]
    before = logged(verbose).count(said)
    fail(verbose)
    deadline = time.monotonic() + 20
    while logged(verbose).count(said) == before:
        assert time.monotonic() < deadline, logged(verbose)[-2000:]
        time.sleep(0.02)
    assert_no_secret(verbose)


@needs_nginx
def test_by_default_what_clients_do_wrong_is_not_logged(tmp_path: Path, lab: str) -> None:
    door = FrontDoor(tmp_path, free_port(), free_port())
    door.start()
    try:
        tell(door, "/", lab)
        tell(door, "/dead", f"127.0.0.1:{free_port()}")
        without_trust(door)
        raw(door, f"GET {LOGIN} x y")
        visit(f"{door.url}/dead/x")
        until_logged(door, "Connection refused")
        assert {*re.findall(r"\[(\w+)\]", logged(door))} == {"error"}
    finally:
        door.stop()
