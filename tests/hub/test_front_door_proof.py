"""How an authority that speaks ACME gets to the proof that the site's name is ours: past the way to https, and nowhere else."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.ports import free_port

from .front_door import FrontDoor, needs_nginx

pytestmark = needs_nginx
HOST = "jupyter.example.org"
BY_AUTHORITY = ("nginx.tls.selfSigned=false", 'nginx.tls.letsencrypt.email="operator@example.org"')
PROOF = "/.well-known/acme-challenge/dGhlIHRva2Vu"
NAMED = 'name = "jld-proof", port = 8089'


class Solver(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = json.dumps({"path": self.path, "host": self.headers["Host"], "body": body.decode()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def solver() -> Iterator[int]:
    """The port of what plays cert-manager's pod."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Solver)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@contextmanager
def opened(folder: Path, port: int, *changes: str) -> Iterator[FrontDoor]:
    door = FrontDoor(folder, free_port(), free_port(), changes=changes)
    door.change("nginx/proof.conf", NAMED, f'name = "localhost", port = {port}')
    door.start()
    yield door
    door.stop()


def ask(
    door: FrontDoor, path: str, host: str = HOST, method: str = "GET", body: bytes | None = None
) -> tuple[int, str, str]:
    """Status, where to go instead, and what was said, at the port for plain http."""
    connection = http.client.HTTPConnection("127.0.0.1", door.http_port, timeout=20)
    connection.request(method, path, body, {"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.headers.get("Location", ""), answer.read().decode()


@pytest.fixture(scope="module")
def door(solver: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    with opened(tmp_path_factory.mktemp("proof"), solver, *BY_AUTHORITY) as found:
        yield found


@pytest.mark.parametrize("host", [HOST, "other.example.org", "127.0.0.1"])
@pytest.mark.parametrize(("method", "body"), [("GET", None), ("POST", b"of a stranger")])
def test_the_proof_is_shown_over_plain_http(door: FrontDoor, host: str, method: str, body: bytes | None) -> None:
    status, _, said = ask(door, PROOF, host, method, body)

    assert status == 200
    assert json.loads(said) == {"path": PROOF, "host": HOST, "body": ""}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/hub/login",
        "/.well-known/acme-challenge",
        "/.well-known/security.txt",
        "/.well-known/acme-challenge/../hub",
        "/.well-known/acme-challenge/%2e%2e/hub",
        "/.WELL-KNOWN/acme-challenge/x",
    ],
)
def test_all_else_is_sent_to_https(door: FrontDoor, path: str) -> None:
    assert ask(door, path)[:2] == (301, f"https://{HOST}{path}")


def test_while_nobody_shows_it_the_authority_is_told(tmp_path: Path) -> None:
    with opened(tmp_path, free_port(), *BY_AUTHORITY) as found:
        assert ask(found, PROOF)[0] in (502, 503)


def test_without_an_authority_there_is_no_such_way(solver: int, tmp_path: Path) -> None:
    with opened(tmp_path, solver) as found:
        assert ask(found, PROOF)[:2] == (301, f"https://{HOST}{PROOF}")
