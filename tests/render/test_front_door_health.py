"""Checks of load balancers at the front door: their own path under any name, and what they ask by default."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from rendering import Question, render
from test_front_door import HOSTNAME, FrontDoor, needs_nginx, opened
from test_front_door_modes import BEHIND, OFFLOAD

pytestmark = needs_nginx
Open = Callable[..., AbstractContextManager[FrontDoor]]
MODES: dict[str, tuple[str, ...]] = {"service": (), "offload": OFFLOAD, **BEHIND}
PROXY_PROTOCOL = ("nginx.proxyProtocol=true", 'nginx.trustedProxies=["127.0.0.0/8"]')
HOSTS = (f"{HOSTNAME}:8443", "other.example.org", "10.1.2.3", "10.1.2.3:8080", "[2001:db8::1]:8080", "_", "a_b")
ADDRESSES = ("10.1.2.3", "10.1.2.3:8080", "[2001:db8::1]", "[2001:db8::1]:8080")


@pytest.fixture
def open_door(values: dict[str, Path], tmp_path: Path) -> Open:
    """A function that opens the front door with changed values."""
    return lambda *changes: opened(render(Question(values["local"], changes)), tmp_path)


def serving(mode: str, door: FrontDoor) -> list[int]:
    """The ports that lead to it: 0 is the one that is asked over TLS."""
    return {"service": [door.ports.http, 0], "offload": [door.ports.http, door.ports.https]}.get(
        mode, [door.ports.http]
    )


def ask(path: str, host: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: a check\r\n\r\n"


@pytest.mark.parametrize("mode", MODES)
def test_health_is_told_at_every_serving_port_under_any_name(open_door: Open, mode: str) -> None:
    with open_door(*MODES[mode]) as door:
        for port in serving(mode, door):
            found = {host: door.send(ask("/jld-health", host), port).status for host in HOSTS}
            found["HTTP/1.0"] = door.send("GET /jld-health HTTP/1.0\r\n\r\n", port).status
            plain = f"GET /jld-health HTTP/1.0\r\nHost: {HOSTNAME}\r\nX-Forwarded-Proto: http\r\n\r\n"
            found["by plain http"] = door.send(plain, port).status
            found["HEAD"] = door.send("HEAD /jld-health HTTP/1.0\r\n\r\n", port).status
            assert found == dict.fromkeys([*HOSTS, "HTTP/1.0", "by plain http", "HEAD"], 200)
            assert door.send(ask("/jld-health/x", "other.example.org"), port).status != 200
        assert '"/jld-health"' not in door.log.read_text()


@pytest.mark.parametrize("mode", MODES)
def test_who_has_no_routes_yet_is_not_healthy(open_door: Open, mode: str) -> None:
    with open_door(*MODES[mode]) as door:
        door.forget("/")
        answers = [door.send(ask("/jld-health", "other.example.org"), port) for port in serving(mode, door)]
    assert {(each.status, each.headers["Retry-After"]) for each in answers} == {(503, "5")}


def test_a_check_speaks_the_proxy_protocol_where_all_do(open_door: Open) -> None:
    with open_door(*PROXY_PROTOCOL) as door:
        line = "PROXY TCP4 192.0.2.7 127.0.0.1 5000 80\r\n"
        assert door.send(line + ask("/jld-health", "other.example.org"), door.ports.http).status == 200
        assert door.send("PROXY UNKNOWN\r\n" + ask("/jld-health", "x"), door.ports.http).status == 200


@pytest.mark.parametrize("mode", ["offload", *BEHIND])
def test_what_load_balancers_ask_by_default_is_answered_where_they_are_in_front(open_door: Open, mode: str) -> None:
    with open_door(*MODES[mode]) as door:
        for port in serving(mode, door):
            assert {door.send(ask("/", host), port).status for host in ADDRESSES} == {200}
            assert door.send("GET / HTTP/1.0\r\n\r\n", port).status == 200
            # Everything else of these names, and everything of other names, is told where the site is.
            assert {door.send(ask("/hub/home", host), port).status for host in ADDRESSES} == {421}
            assert {door.send(ask("/", host), port).status for host in ("other.example.org", "10.1.2.3.org")} == {421}
        door.forget("/")
        assert door.send(ask("/", ADDRESSES[0]), door.ports.http).status == 503


def test_where_nginx_speaks_tls_who_types_its_address_is_led_to_the_site(open_door: Open) -> None:
    with open_door() as door:
        answer = door.send(ask("/", "10.1.2.3"), door.ports.http)
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOSTNAME}:8443/")
        assert door.send(ask("/", "10.1.2.3")).status == 421
