"""Answers Prometheus at /metrics and the kubelet at /health."""

import socket
import socketserver
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

from jldlogging.exporter.filebeat import FilebeatAway
from jldlogging.exporter.open_files import FilesHidden, OpenFiles
from jldlogging.exporter.page import CONTENT_TYPE, page

_Found = TypeVar("_Found")


class Looks:
    """Looks anew for each page, and says what cannot be had: once, until that changes."""

    def __init__(
        self,
        statistics: Callable[[], Mapping[str, object]],
        files: Callable[[], OpenFiles],
        say: Callable[[str], None],
    ) -> None:
        self._statistics, self._files, self._say = statistics, files, say
        self._said: dict[str, str] = {}

    def page(self) -> str:
        return page(self._had("statistics", self._statistics), self._had("open files", self._files))

    def _had(self, what: str, look: Callable[[], _Found]) -> _Found | None:
        try:
            found = look()
        except (FilebeatAway, FilesHidden) as reason:
            if self._said.get(what) != str(reason):
                self._said[what] = str(reason)
                self._say(str(reason))
            return None
        if self._said.pop(what, None):
            self._say(f"filebeat's {what} are there again")
        return found


class Server(ThreadingHTTPServer):
    """Listens at all addresses of the pod, IPv6 and IPv4; a client that stalls keeps no other waiting."""

    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET

    def __init__(self, port: int, looks: Looks) -> None:
        self.looks = looks
        super().__init__(("", port), _Handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Not HTTPServer's, which looks up the name of this machine in the DNS.
        socketserver.TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    timeout = 10  # seconds that a client may stall
    server: Server

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(HTTPStatus.OK, self.server.looks.page(), CONTENT_TYPE)
            # Says nothing of filebeat: to start the exporter anew would not mend it.
            case "/health":
                self._answer(HTTPStatus.OK, "ok\n")
            case _:
                self._answer(HTTPStatus.NOT_FOUND, "There is /metrics and /health.\n")

    def _answer(self, status: HTTPStatus, text: str, content_type: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of requests: filebeat would ship each."""
