"""Asking filebeat for its statistics, where it answers and in each way in which it does not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from jldlogging.exporter.filebeat import FilebeatAway, statistics

from tests.ports import free_port

HOST = "127.0.0.1"


@contextmanager
def filebeat(status: int, body: bytes) -> Iterator[int]:
    """A server at filebeat's address, which answers in one way. Gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/stats":
                self.send_error(404)
            elif status:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)
            # Else the connection is closed without an answer.

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_the_statistics_are_what_filebeat_tells() -> None:
    with filebeat(200, b'{"libbeat": {"output": {"events": {"acked": 7}}}}') as port:
        assert statistics(HOST, port) == {"libbeat": {"output": {"events": {"acked": 7}}}}


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (500, b"{}", "HTTP status 500"),
        (404, b"{}", "HTTP status 404"),
        (200, b"", "the answer is no JSON"),
        (200, b"<html>", "the answer is no JSON"),
        (200, b"\xff\xfe\xff", "the answer is no JSON"),
        (200, b"[" * 100_000, "the answer is no JSON"),
        (200, b'{"a": ' + b"9" * 5000 + b"}", "the answer is no JSON"),
        (200, b'{"a": "' + b"x" * (1 << 20) + b'"}', "the answer is no JSON"),
        (200, b"[]", "the answer is JSON, but no object"),
        (200, b"null", "the answer is JSON, but no object"),
        (0, b"", "no answer"),
    ],
)
def test_an_answer_that_is_none_is_named(status: int, body: bytes, cause: str) -> None:
    with filebeat(status, body) as port, pytest.raises(FilebeatAway) as refused:
        statistics(HOST, port)

    assert str(refused.value).startswith(f"filebeat's statistics at {HOST}:{port}/stats: {cause}")
    assert str(refused.value).endswith("; `kubectl logs` of the container filebeat says why")


def test_a_filebeat_that_does_not_run_is_named() -> None:
    with pytest.raises(FilebeatAway, match=r"no answer \(.*refused\)"):
        statistics(HOST, free_port())
