"""`jld doctor` asking the web: over real HTTP and HTTPS, of stand-ins on this machine."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from jld.secrets import self_signed

REGISTRY = "registry.test"
SITE = """\
global: {{hostname: jld.localhost, imageRegistry: "{registry}/jld", certificateAuthorities: {authorities}}}
hub: {{auth: {{github: {{clientId: Iv1.abc, users: {{allow: [a]}}, url: "{github}", apiUrl: "{github}/api/v3"}}}}}}
nginx: {{tls: {{selfSigned: true}}}}
"""


class StandIn(ThreadingHTTPServer):
    """A web server that answers every question with one status, and remembers what it was asked."""

    def __init__(self, status: int) -> None:
        self.status, self.asked = status, list[str]()
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    server: StandIn

    def do_HEAD(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""


@contextmanager
def serving(status: int, tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    server = StandIn(status)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """The registry's certificate; the authority that signed it is in ca.pem."""
    made = self_signed.generate(REGISTRY, datetime.now(UTC))
    (tmp_path / "ca.pem").write_bytes(made.authority)
    (tmp_path / "pair.pem").write_bytes(made.pair.certificate + made.pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    return context


@pytest.fixture(autouse=True)
def registry_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: real("127.0.0.1" if host == REGISTRY else host, *rest, **more),
    )
    monkeypatch.setenv("NO_PROXY", "*")


def doctor(
    desk: Any, github: str, registry: str, monkeypatch: pytest.MonkeyPatch, authorities: str = "", **environment: str
) -> dict[str, Any]:
    monkeypatch.setenv("PATH", str(desk.folder))  # no kubectl: this is about the web
    monkeypatch.setenv("JLD_CACHE", str(desk.folder))
    desk.write("site.yaml", SITE.format(github=github, registry=registry, authorities=json.dumps(authorities)))
    result = desk.run("doctor", "site.yaml", "--format", "json", JLD_GITHUB_CLIENT_SECRET="abc123", **environment)
    assert result.exit_code == 2, result.output  # there is no cluster
    return {finding["subject"]: finding for finding in json.loads(result.stdout)["findings"]}


def test_what_answers_is_good(desk: Any, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(200) as github, serving(401, tls) as registry:  # a registry asks who is there
        found = doctor(
            desk,
            f"http://127.0.0.1:{github.server_port}",
            f"{REGISTRY}:{registry.server_port}",
            monkeypatch,
            SSL_CERT_FILE=str(desk.folder / "ca.pem"),
        )
    subjects = ("hub.auth.github.url", "hub.auth.github.apiUrl", "global.imageRegistry")
    assert {subject: found[subject]["level"] for subject in subjects} == dict.fromkeys(subjects, "ok")
    assert sorted(github.asked) == ["/", "/api/v3"]
    assert registry.asked == ["/v2/"]


@pytest.mark.parametrize(
    ("status", "trusted", "sentence"),
    [
        (200, False, "does not answer here: [SSL: CERTIFICATE_VERIFY_FAILED]"),
        (404, True, "answers 404: this is no image registry"),
        (503, True, "answers 503"),
    ],
    ids=["untrusted", "no registry", "out of order"],
)
def test_what_answers_wrongly_is_a_warning(
    status: int, trusted: bool, sentence: str, desk: Any, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = {"SSL_CERT_FILE": str(desk.folder / "ca.pem")} if trusted else {}
    with serving(502) as github, serving(status, tls) as registry:
        address = f"http://127.0.0.1:{github.server_port}"
        found = doctor(desk, address, f"{REGISTRY}:{registry.server_port}", monkeypatch, **trust)
    assert found["global.imageRegistry"]["level"] == "warning"
    assert sentence in found["global.imageRegistry"]["found"]
    assert found["hub.auth.github.url"]["found"] == f"{address} answers 502"


def test_the_site_s_own_authorities_are_trusted_as_by_the_hub(
    desk: Any, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorities = (desk.folder / "ca.pem").read_text()
    with serving(200) as github, serving(401, tls) as registry:
        address = f"http://127.0.0.1:{github.server_port}"
        found = doctor(desk, address, f"{REGISTRY}:{registry.server_port}", monkeypatch, authorities)
    assert found["global.imageRegistry"]["level"] == "ok"


def test_nobody_there_is_a_warning(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and nobody listens
        port = unused.getsockname()[1]
        found = doctor(desk, f"http://127.0.0.1:{port}", f"{REGISTRY}:{port}", monkeypatch)
    assert found["hub.auth.github.url"]["level"] == "warning"
    assert "does not answer here" in found["hub.auth.github.url"]["found"]
    assert "the cluster needs it too" in found["hub.auth.github.url"]["remedy"]
