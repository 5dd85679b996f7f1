"""What Prometheus reads of the front door: each request once, with the side whose failure it was."""

import socket
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from rendering import Question, render
from test_front_door import FrontDoor, needs_nginx
from test_front_door_http import Open, open_door

__all__ = ["open_door"]
pytestmark = needs_nginx


def metrics(door: FrontDoor) -> tuple[HTTPResponse, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", door.ports.metrics, timeout=10)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    lines = (line.rpartition(" ") for line in answer.read().decode().splitlines() if not line.startswith("#"))
    return answer, {name: value for name, _, value in lines}


def wait_for_counts(door: FrontDoor, expected: dict[str, int]) -> dict[str, str]:
    """nginx counts a request after it has answered."""
    deadline = time.monotonic() + 10
    while True:
        _, found = metrics(door)
        counted = {
            name: int(found[f'jld_front_door_requests_total{{to="{name[:3]}",status="{name[4:]}"}}'])
            for name in expected
        }
        if counted == expected:
            return found
        assert time.monotonic() < deadline, counted
        time.sleep(0.05)


def test_prometheus_reads_what_happened(open_door: Open) -> None:
    with open_door('nginx.metrics.scrapers=[{"namespace": "monitoring"}]') as door:
        for path in ("/user/alice/api", "/hub/home", "/hub/status/404", "/user/alice/status/500"):
            door.ask(path)
        found = wait_for_counts(door, {"lab 2xx": 1, "lab 5xx": 1, "hub 2xx": 1, "hub 4xx": 1, "hub 5xx": 0})
        answer, _ = metrics(door)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert (found["jld_front_door_routes"], found["jld_front_door_ready"]) == ("2", "1")


def dead_port() -> int:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        return int(nobody.getsockname()[1])


def ask_bytes(door: FrontDoor, request: bytes) -> int:
    with door.socket() as stream, stream.makefile("rb") as answers:
        stream.sendall(request)
        return int(answers.readline().split()[1])


def ask_a_dead_lab(door: FrontDoor) -> int:
    door.tell("/user/dead", dead_port())
    return door.ask("/user/dead/lab").status


def ask_a_lab_that_hangs_up(door: FrontDoor) -> int:
    with socket.create_server(("127.0.0.1", 0)) as lab:
        door.tell("/user/mute", lab.getsockname()[1])
        threading.Thread(target=lambda: lab.accept()[0].close(), daemon=True).start()
        return door.ask("/user/mute/lab").status


def ask_a_dead_hub(door: FrontDoor) -> int:
    door.hub.shutdown()
    door.hub.server_close()
    return door.ask("/hub/home").status


def ask_a_dead_lab_of_a_dead_hub(door: FrontDoor) -> int:
    ask_a_dead_hub(door)
    return ask_a_dead_lab(door)


# What the front door answers by itself, and whose failure it is.
OWN_ANSWERS: dict[str, tuple[Callable[[FrontDoor], int], int, dict[str, int]]] = {
    "a dead lab": (ask_a_dead_lab, 503, {"lab 5xx": 1, "hub 5xx": 0}),
    "a lab that hangs up": (ask_a_lab_that_hangs_up, 503, {"lab 5xx": 1, "hub 5xx": 0}),
    "a dead hub": (ask_a_dead_hub, 503, {"hub 5xx": 1, "lab 5xx": 0}),
    "a dead lab of a dead hub": (ask_a_dead_lab_of_a_dead_hub, 503, {"lab 5xx": 1, "hub 5xx": 1}),
    "a climb": (lambda door: door.ask("/user/alice/../eve").status, 400, {"lab 4xx": 1, "hub 4xx": 0}),
    "too large": (
        lambda door: door.ask("/user/alice/api", method="POST", body=b"x" * 2000).status,
        413,
        {"lab 4xx": 1, "hub 4xx": 0},
    ),
    "a header too long": (
        lambda door: door.ask("/hub/home", {"X-Long": "x" * 20_000}).status,
        400,
        {"hub 4xx": 1, "lab 4xx": 0},
    ),
    "no request": (lambda door: ask_bytes(door, b"GET \0 HTTP/1.1\r\n\r\n"), 400, {"hub 4xx": 1, "lab 4xx": 0}),
}


@pytest.mark.parametrize(("ask", "status", "counts"), OWN_ANSWERS.values(), ids=list(OWN_ANSWERS))
def test_what_the_front_door_answers_itself_is_counted(
    open_door: Open, ask: Callable[[FrontDoor], int], status: int, counts: dict[str, int]
) -> None:
    with open_door('nginx.metrics.scrapers=[{"namespace": "monitoring"}]', 'nginx.maxBodySize="1k"') as door:
        assert ask(door) == status
        wait_for_counts(door, counts)


def test_nobody_reads_metrics_unless_the_site_says_so(values: dict[str, Path]) -> None:
    closed, opened_up = (
        render(Question(values["minimal"], changes))
        for changes in ((), ('nginx.metrics.scrapers=[{"namespace": "monitoring"}]',))
    )
    assert "9113" not in closed.text
    policy = opened_up.one("NetworkPolicy", "jld-nginx")["spec"]["ingress"]
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert {"ports": [{"port": "metrics"}], "from": [{**monitoring, "podSelector": {"matchLabels": {}}}]} in policy
