"""What the exporter answers, and what it says on its log."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from jldlogging.exporter.filebeat import FilebeatAway
from jldlogging.exporter.open_files import FilesHidden, OpenFiles
from jldlogging.exporter.page import CONTENT_TYPE, page
from jldlogging.exporter.serving import Looks, Server

STATISTICS = {"libbeat": {"output": {"events": {"acked": 7}}}}
FILES = OpenFiles(open=2, deleted=1, deleted_bytes=4096)


class Filebeat:
    """Tells its statistics and shows its files, or gives the reason why not."""

    def __init__(self) -> None:
        self.away = self.hidden = ""

    def statistics(self) -> Mapping[str, object]:
        if self.away:
            raise FilebeatAway(self.away)
        return STATISTICS

    def files(self) -> OpenFiles:
        if self.hidden:
            raise FilesHidden(self.hidden)
        return FILES


def nothing(_: str) -> None:
    pass


@contextmanager
def serving(filebeat: Filebeat, say: Callable[[str], None] = nothing) -> Iterator[int]:
    """The exporter of a filebeat. Gives its port."""
    with Server(0, Looks(filebeat.statistics, filebeat.files, say)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str, str]:
    """Status, type and text of an answer."""
    connection = http.client.HTTPConnection(host, port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers["Content-Type"], text


@pytest.mark.parametrize("path", ["/metrics", "/metrics?module=filebeat"])
def test_prometheus_reads_the_page(path: str) -> None:
    with serving(Filebeat()) as port:
        assert get(port, path) == (200, CONTENT_TYPE, page(STATISTICS, FILES))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_is_reached_by_ipv4_and_ipv6(host: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with serving(Filebeat()) as port:
        assert get(port, "/health", host)[0] == 200


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as one:
        try:
            one.bind(("::1", 0))
        except OSError:
            return False
    return True


def test_the_page_is_made_anew_each_time() -> None:
    filebeat = Filebeat()
    with serving(filebeat) as port:
        for filebeat.away, filebeat.hidden, expected in (
            ("", "hidden", page(STATISTICS, None)),
            ("away", "hidden", page(None, None)),
            ("away", "", page(None, FILES)),
            ("", "", page(STATISTICS, FILES)),
        ):
            assert get(port, "/metrics") == (200, CONTENT_TYPE, expected)


def test_the_exporter_is_healthy_also_where_filebeat_is_away() -> None:
    filebeat = Filebeat()
    filebeat.away = filebeat.hidden = "away"
    with serving(filebeat) as port:
        assert get(port, "/health") == (200, "text/plain; charset=utf-8", "ok\n")


def test_there_is_nothing_else() -> None:
    with serving(Filebeat()) as port:
        assert [get(port, path)[0] for path in ("/", "/stats", "/metrics/", "/health/../metrics")] == [404] * 4


def test_a_client_that_stalls_keeps_no_other_waiting() -> None:
    with serving(Filebeat()) as port, socket.create_connection(("127.0.0.1", port)) as stalled:
        stalled.sendall(b"GET /metr")

        assert get(port, "/metrics")[0] == 200


def test_a_reason_is_said_once_until_it_changes() -> None:
    filebeat, said = Filebeat(), list[str]()
    looks = Looks(filebeat.statistics, filebeat.files, said.append)
    for filebeat.away, filebeat.hidden in (
        ("", ""),
        ("refused", ""),
        ("refused", "hidden"),
        ("refused", "hidden"),
        ("status 500", "hidden"),
        ("", "hidden"),
        ("", ""),
        ("", ""),
    ):
        looks.page()

    assert said == [
        "refused",
        "hidden",
        "status 500",
        "filebeat's statistics are there again",
        "filebeat's open files are there again",
    ]
