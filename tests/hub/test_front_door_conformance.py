"""configurable-http-proxy and our nginx are asked the same, row by row of the table in conformance.py."""

import http.client
import io
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jlddev.support.paths import CHECKOUT

from tests.ports import free_port

from .conformance import LIST, NOTHING, ROWS, Ask, Row, add, delete
from .front_door import TOKEN, FrontDoor, needs_nginx
from .processes import Program, answers, proxy_command

pytestmark = needs_nginx
DOCS = CHECKOUT / "docs" / "front-door.md"
TRIES_OF_THE_PEER = 5


class Backend(BaseHTTPRequestHandler):
    """A stand-in for hub or lab: says who it is and what address and body it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = {"who": self.server.who, "path": self.path, "body": len(body)}  # type: ignore[attr-defined]
        if self.path.startswith("/hub/error/"):
            asked |= {"method": self.command, "cookie": self.headers.get("Cookie")}
        if odd := [name for name in self.headers if re.search("[._]", name)]:
            asked["odd"] = odd
        wanted = re.search(r"/status/(\d+)$", self.path)
        text = json.dumps(asked).encode()
        self.send_response(int(wanted[1]) if wanted else 200)
        self.send_header("Content-Type", "text/x-stand-in")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Answer:
    status: int | str
    body: Any = None
    kind: str | None = None


@dataclass(frozen=True)
class Proxy:
    """One of the two, at its two addresses."""

    people: str
    api: str
    targets: dict[str, str]

    def ask(self, ask: Ask) -> Answer:
        """Send it byte by byte: a client library would correct what is odd on purpose."""
        body = ask.body
        for name, address in self.targets.items():
            body = body and body.replace(f"%{name}%".encode(), address.encode())
        headers = {"Host": "example.org", "Connection": "close", **dict(ask.headers)}
        if body is not None:
            headers["Content-Length"] = str(len(body))
        lines = [f"{ask.method} {ask.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        host, _, port = (self.api if ask.side == "api" else self.people).rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused while it was sent; the answer can be read
                connection.sendall("\r\n".join(lines).encode() + (body or b""))
            return self._answer(connection, ask)

    def _answer(self, connection: socket.socket, ask: Ask) -> Answer:
        connection.settimeout(2 if ask.path in SILENT else 5)
        response = http.client.HTTPResponse(connection, method=ask.method)
        try:
            response.begin()
            text = response.read()
        except TimeoutError:
            return Answer(NOTHING)
        kind = response.getheader("Content-Type")
        return Answer(response.status, self._readable(text), kind)

    def _readable(self, text: bytes) -> Any:
        """JSON as data without what time and place make of it; anything else as text."""
        shown = text.decode(errors="replace")
        for name, address in self.targets.items():
            shown = shown.replace(address, f"%{name}%")
        try:
            return _timeless(json.load(io.StringIO(shown)))
        except ValueError:
            return shown

    def clear(self) -> None:
        """Nothing but the default route, to the hub."""
        for path in self.ask(LIST).body:
            if path != "/":
                self.ask(delete(quote(path)))
        assert self.ask(add("/", "http://%HUB%")).status == 201


# What configurable-http-proxy never answers: waited for briefly there. (Ours answers these at once.)
SILENT = {"/api/routes/%C3%28", "/api/routes"}


def _timeless(data: Any) -> Any:
    if isinstance(data, dict):
        moment = data.get("last_activity")
        if moment is not None:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment), moment
        return {key: "now" if key == "last_activity" else _timeless(value) for key, value in data.items()}
    return data


@pytest.fixture(scope="module")
def targets() -> Iterator[dict[str, str]]:
    servers = {}
    for who in ("HUB", "ADA", "EVE"):
        servers[who] = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        servers[who].who = who  # type: ignore[attr-defined]
        threading.Thread(target=servers[who].serve_forever, args=(0.02,), daemon=True).start()
    found = {who: f"127.0.0.1:{server.server_port}" for who, server in servers.items()}
    yield {**found, "DEAD": f"127.0.0.1:{free_port()}"}
    for server in servers.values():
        server.shutdown()
        server.server_close()


Pair = tuple[Proxy, Proxy]  # configurable-http-proxy, and our nginx


@contextmanager
def running(folder: Path, targets: dict[str, str], *, host_routing: bool = False) -> Iterator[Pair]:
    ports = [free_port() for _ in range(4)]
    options = ["--ip", "127.0.0.1", "--port", str(ports[0]), "--api-ip", "127.0.0.1", "--api-port", str(ports[1])]
    options += ["--error-target", f"http://{targets['HUB']}/hub/error", "--log-level", "error"]
    options += ["--host-routing"] if host_routing else []
    theirs = Program("proxy", [*proxy_command(), *options], {"CONFIGPROXY_AUTH_TOKEN": TOKEN}, folder)
    ours = FrontDoor(folder, ports[2], ports[3], host_routing=host_routing)
    try:
        theirs.start()
        ours.start()
        theirs.wait_until(lambda: answers(f"http://127.0.0.1:{ports[0]}/_chp_healthz"))
        yield (
            Proxy(f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}", targets),
            Proxy(f"127.0.0.1:{ports[2]}", f"127.0.0.1:{ports[3]}", targets),
        )
    finally:
        ours.stop()
        theirs.stop()


@pytest.fixture(scope="module")
def by_path(targets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running(tmp_path_factory.mktemp("by-path"), targets) as pair:
        yield pair


@pytest.fixture(scope="module")
def by_host(targets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running(tmp_path_factory.mktemp("by-host"), targets, host_routing=True) as pair:
        yield pair


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.name))
def test_both_answer_as_the_table_says(request: pytest.FixtureRequest, row: Row) -> None:
    pair: Pair = request.getfixturevalue("by_host" if row.host_routing else "by_path")
    for proxy in pair:
        proxy.clear()
    there, here = ([proxy.ask(ask) for ask in row.asks] for proxy in pair)
    for _ in range(TRIES_OF_THE_PEER):
        # On a busy machine a connection may be closed under configurable-http-proxy, which then answers 503.
        if row.meant or row.body_differs or here == there:
            break
        pair[0].clear()
        there = [pair[0].ask(ask) for ask in row.asks]
    if row.meant:
        assert (there[-1].status, here[-1].status) == (row.meant.there, row.meant.here), (there, here)
        assert here[:-1] == there[:-1]
    elif row.body_differs:
        assert [answer.status for answer in here] == [answer.status for answer in there]
        assert here != there  # or it is no difference any more
    else:
        assert here == there


def test_every_difference_is_told_to_operators() -> None:
    text = DOCS.read_text()
    assert [row.name for row in ROWS if (row.meant or row.body_differs) and f"| {row.name} |" not in text] == []
