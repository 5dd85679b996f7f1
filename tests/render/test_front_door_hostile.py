"""What people, and programs that they are led to, may try at the front door: foreign names, dots, upgrades, floods, look-alike headers."""

import inspect
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import unquote

import jupyterhub.apihandlers
import jupyterhub.handlers
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oauthenticator.oauth2 import OAuthenticator
from rendering import Question, render
from test_front_door import HOSTNAME, FrontDoor, HubStandIn, needs_nginx, opened
from test_front_door_modes import OFFLOAD

pytestmark = needs_nginx
Open = Callable[..., AbstractContextManager[FrontDoor]]
SITE = f"{HOSTNAME}:8443"


class Lab(HubStandIn):
    """A stand-in that says something of its own in the headers that the front door adds: `/own/NAME` has the header NAME twice over."""

    def send_header(self, keyword: str, value: str) -> None:
        super().send_header(keyword, value)
        if keyword == "Content-Type" and (found := re.search(r"/own/([A-Za-z-]+)", self.path)):
            super().send_header(found[1], OWN[found[1]])


OWN = {"Retry-After": "77", "Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=1"}


@pytest.fixture
def open_door(values: dict[str, Path], tmp_path: Path) -> Open:
    """A function that opens the front door with changed values."""
    return lambda *changes: opened(render(Question(values["local"], changes)), tmp_path, Lab)


@pytest.fixture
def door(open_door: Open) -> Iterator[FrontDoor]:
    with open_door() as found:
        yield found


# Each names the site to nginx, which looks at the address before it looks at Host.
FOREIGN = {
    "an absolute address": f"GET https://{HOSTNAME}/hub/home HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "an absolute address with a port": f"GET http://{SITE}/hub/home HTTP/1.1\r\nHost: evil.example:1\r\n\r\n",
    "the name in capitals": f"GET /hub/home HTTP/1.1\r\nHost: {HOSTNAME.upper()}\r\n\r\n",
    "a dot at the end": f"GET /hub/home HTTP/1.1\r\nHost: {HOSTNAME}.\r\n\r\n",
    "another port": f"GET /hub/home HTTP/1.1\r\nHost: {HOSTNAME}:1\r\n\r\n",
    "no Host": f"GET https://{HOSTNAME}/hub/home HTTP/1.0\r\n\r\n",
}


@pytest.mark.parametrize("request_text", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("path", ["/hub/home", "/user/alice/lab"])
def test_hub_and_labs_hear_one_name_whatever_came_along(door: FrontDoor, request_text: str, path: str) -> None:
    heard = door.send(request_text.replace("/hub/home", path)).heard()
    assert (heard["host"], heard["x-forwarded-host"]) == (SITE, SITE)


def test_the_name_in_an_absolute_address_is_the_one_that_counts(door: FrontDoor) -> None:
    assert door.send(f"GET https://evil.example/hub/home HTTP/1.1\r\nHost: {SITE}\r\n\r\n").status == 421


# ---------------------------------------------------------------------------------------------------------------------------------


def read_by_others(path: str) -> set[str]:
    """What this decoded path is after those who read paths differently have taken it apart: they strip, and turn slashes."""
    turned = path.replace("\\", "/")
    without_parameters = "/".join(segment.partition(";")[0] for segment in turned.split("/"))
    again = {turned[: end.start()] for end in re.finditer(r"[?#]", turned)}  # some know one of the two alone
    return {path, turned, without_parameters, *again}


def climbs(path: str) -> bool:
    return any({".", ".."} & set(each.split("/")) for each in read_by_others(path))


def status(door: FrontDoor, path: str) -> int:
    """What a request of one of Alice's pages is answered, over plain http."""
    return door.send(f"GET /user/alice/{path} HTTP/1.1\r\nHost: {SITE}\r\n\r\n", door.ports.https).status


PIECES = st.sampled_from(
    [
        *(
            "/",
            ".",
            "..",
            ";",
            ";x=1",
            "\\",
            "a",
            "%2e",
            "%2E%2e",
            "%2f",
            "%5c",
            "%3b",
            "%3B",
            "%3f",
            "%23",
            "..;",
            "%252e",
        )
    ]
)


@pytest.fixture(scope="module")
def shared_door(values: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    with opened(render(Question(values["local"], OFFLOAD)), tmp_path_factory.mktemp("door")) as found:
        yield found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.lists(PIECES, min_size=1, max_size=8).map("".join))
def test_a_path_that_anybody_could_take_for_a_climb_reaches_nobody(shared_door: FrontDoor, path: str) -> None:
    assert status(shared_door, path) == (400 if climbs(f"/user/alice/{unquote(path)}") else 200)


CLIMBS = [
    "..;/eve",
    "..;x=1/eve",
    ".;/",
    "%2e%2e;/eve",
    "..%3b/eve",
    "..\\eve",
    "a\\..\\..\\eve",
    "..%5ceve",
    "x/..%3f",
    "..%23",
]
NAMES = ["..x;/y", "a;..", "x;/y..", "...;/y", "a\\b", ".hidden;v=1/x", "%252e%252e/x", "a?b=/../c"]


def test_dots_are_seen_before_whatever_ends_a_segment_somewhere(shared_door: FrontDoor) -> None:
    assert {path: status(shared_door, path) for path in CLIMBS} == dict.fromkeys(CLIMBS, 400)
    assert {path: status(shared_door, path) for path in NAMES} == dict.fromkeys(NAMES, 200)


# ---------------------------------------------------------------------------------------------------------------------------------

H2C = ["h2c", "H2C", "h2c, websocket", "websocket,h2c", "websocket\r\nUpgrade: h2c"]


@pytest.mark.parametrize("wanted", H2C)
def test_nobody_is_asked_to_speak_http_2_behind_the_front_door(door: FrontDoor, wanted: str) -> None:
    request = f"GET /user/alice/app HTTP/1.1\r\nHost: {SITE}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    answer = door.send(f"{request}Upgrade: {wanted}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n")
    assert answer.status == 200  # and not the stand-in's 101
    assert {"upgrade", "http2-settings", "connection"}.isdisjoint(answer.heard())


@pytest.mark.parametrize("wanted", ["websocket", "WebSocket", "spice", "tcp"])
def test_other_upgrades_are_a_labs_own_matter(door: FrontDoor, wanted: str) -> None:
    with door.socket() as stream:
        request = f"GET /user/alice/app HTTP/1.1\r\nHost: {SITE}\r\nConnection: Upgrade\r\nUpgrade: {wanted}\r\n\r\nx\n"
        stream.sendall(request.encode())
        assert stream.recv(4096).startswith(b"HTTP/1.1 101 ")


# ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 404, 429, 503])
@pytest.mark.parametrize("name", ["Retry-After", "Referrer-Policy"])
def test_what_hub_or_lab_says_of_patience_and_referrers_is_theirs(door: FrontDoor, name: str, status: int) -> None:
    assert door.ask(f"/user/alice/status/{status}/own/{name}").headers.get_all(name) == [OWN[name]]


def test_what_holds_for_the_whole_site_is_the_front_doors(door: FrontDoor) -> None:
    found = door.ask("/user/alice/own/Strict-Transport-Security").headers
    assert found.get_all("Strict-Transport-Security") == ["max-age=63072000"]


@pytest.mark.parametrize(("status", "wait"), [(429, "10"), (503, "5"), (200, None)])
def test_who_says_nothing_of_patience_is_helped_out(door: FrontDoor, status: int, wait: str | None) -> None:
    found = door.ask(f"/user/alice/status/{status}").headers
    assert (found["Retry-After"], found["Referrer-Policy"]) == (wait, "strict-origin-when-cross-origin")


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X_Real_IP", "X.Forwarded.For", "Api_Key", "x_y"])
def test_a_header_that_a_lab_could_take_for_another_reaches_nobody(door: FrontDoor, name: str) -> None:
    heard = door.ask("/user/alice/app", {name: "192.0.2.66", "X-Own": "1"}).heard()
    assert "192.0.2.66" not in json.dumps(heard)
    assert heard["x-own"] == "1"


# ---------------------------------------------------------------------------------------------------------------------------------


def checks_of_credentials() -> list[str]:
    """The paths, as JupyterHub and OAuthenticator write them, whose code asks an authenticator or compares a secret."""
    routes = [*jupyterhub.handlers.default_handlers, *jupyterhub.apihandlers.default_handlers]
    routes += OAuthenticator().get_handlers(None)
    asks = re.compile(r"self\.(authenticate|login_user)\(|create_token_response\(|authorize_redirect\(")
    return [f"/hub{path}" for path, handler, *_ in routes if asks.search(inspect.getsource(handler))]


def test_every_path_that_checks_a_password_or_a_secret_is_limited(open_door: Open) -> None:
    found = checks_of_credentials()
    assert {"/hub/login", "/hub/oauth_login", "/hub/oauth_callback", "/hub/api/users/([^/]+)/tokens"} <= set(found)
    changes = ("nginx.loginsPerMinute=2", 'nginx.trustedProxies=["127.0.0.0/8"]')
    with open_door(*changes) as door:
        for number, path in enumerate(found):
            for spelled in {path, path.replace("/hub/", "/hub/%61"[:5]), path.replace("o", "%6F")}:
                asked = spelled.replace("([^/]+)", "al%2Fice")
                client = {"X-Forwarded-For": f"192.0.2.{number}"}
                statuses = [door.ask(asked, client, "POST").status for _ in range(4)]
                assert 429 in statuses, asked
        others = ["/hub/api/users/alice", "/hub/api/users/alice/tokens/1", "/hub/home", "/user/alice/hub/login"]
        assert {door.ask(path).status for path in others for _ in range(6)} == {200}


SAME_CLIENT = {
    "one address": ("192.0.2.7", "192.0.2.7", True),
    "two addresses of IPv4": ("192.0.2.7", "192.0.2.8", False),
    "two addresses of one home": ("2001:db8:1:2::1", "2001:db8:1:2:ffff:a:b:c", True),
    "two homes": ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    "a line break among the bytes": ("2001:db8:a0a:a0a::a", "2001:db8:a0a:a0a:a0a::a0a", True),
    "one address, written as IPv6": ("::ffff:192.0.2.7", "192.0.2.7", True),
    "two addresses, written as IPv6": ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
}


@pytest.mark.parametrize(("one", "other", "same"), SAME_CLIENT.values(), ids=SAME_CLIENT)
def test_a_network_of_ipv6_counts_as_one_client(open_door: Open, one: str, other: str, same: bool) -> None:
    with open_door("nginx.loginsPerMinute=2", 'nginx.trustedProxies=["127.0.0.0/8"]') as door:
        assert 429 in [door.ask("/hub/login", {"X-Forwarded-For": one}).status for _ in range(5)]
        assert (door.ask("/hub/login", {"X-Forwarded-For": other}).status == 429) is same


def test_behind_a_load_balancer_with_the_certificate_all_this_holds_too(open_door: Open) -> None:
    with open_door(*OFFLOAD) as door, socket.create_connection(("127.0.0.1", door.ports.https)):
        answer = door.send(f"GET http://{HOSTNAME}/hub/home HTTP/1.1\r\nHost: evil.example\r\n\r\n", door.ports.https)
        assert answer.heard()["host"] == SITE
