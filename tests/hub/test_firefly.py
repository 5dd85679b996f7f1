"""Firefly behind the image's nginx: two copies of the stand-in, the cluster's DNS by a stand-in, and a real hub that tells the way."""

import http.client
import json
import sys
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import yaml
from jlddev.support.paths import CHECKOUT

from tests.ports import free_port
from tests.standins.names import Names

from .deployment import Deployment
from .front_door import FrontDoor, needs_nginx
from .processes import Program, answers
from .test_front_door_routes import call

pytestmark = needs_nginx
PROGRAM = CHECKOUT / "tests" / "standins" / "firefly" / "entrypoint.py"
COPIES = ("127.0.0.5", "127.0.0.6")
ROUTE = "/portal/firefly"
FIREFLY = "jld-firefly.science.svc.cluster.local"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where both copies listen, each at its own address, as pods do."""
    folder, port = tmp_path_factory.mktemp("firefly"), free_port()
    copies = [
        Program(
            f"firefly-{address}",
            [sys.executable, str(PROGRAM), "--address", address, "--port", str(port)],
            {"HOSTNAME": address, "PATH_PREFIX": "/portal"},
            folder,
        )
        for address in COPIES
    ]
    for copy, address in zip(copies, COPIES, strict=True):
        copy.start()
        copy.wait_until(lambda address=address: answers(f"http://{address}:{port}{ROUTE}/"))  # type: ignore[misc]
    yield port
    for copy in copies:
        copy.stop()


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    found = Names({FIREFLY: [*COPIES]})
    yield found
    found.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, names: Names) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("site")
    door = FrontDoor(folder, free_port(), free_port())
    resolv = door.folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\nsearch science.svc.cluster.local\noptions ndots:5\n")
    routes = door.folder / "nginx" / "routes.conf"
    routes.write_text(routes.read_text().replace('"/etc/resolv.conf"', f'"{resolv}", {names.port}'))
    deployment = Deployment(folder / "hub", {"admins": ["alice"], "dummy": {"users": ["alice"]}}, [door])
    try:
        deployment.start()
        deployment.wait()
        yield deployment
    finally:
        deployment.stop()


def tell_the_hub(site: Deployment, firefly: dict[str, str] | None) -> None:
    file = site.directory / "settings.yaml"
    document = yaml.safe_load(file.read_text())
    document["names"]["firefly"] = firefly
    file.write_text(yaml.safe_dump(document))
    site.restart_hub()


@pytest.fixture
def firefly(site: Deployment, port: int) -> Deployment:
    """A site with Firefly."""
    if f'"{ROUTE}"' not in json.dumps(table(site)):
        tell_the_hub(site, {"route": ROUTE, "url": f"http://jld-firefly:{port}"})
        site.hub.wait_until(lambda: ROUTE in table(site))
    return site


def table(site: Deployment) -> dict[str, Any]:
    return dict(call(f"{site.doors[0].api_url}/api/routes")[1])


def ask(site: Deployment, path: str, cookie: str = "") -> tuple[http.client.HTTPResponse, bytes]:
    host, _, port = site.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request("GET", path, headers={"Cookie": f"jupyterhub-session-id={cookie}"} if cookie else {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def copy_of(site: Deployment, person: str) -> str:
    return str(json.loads(ask(site, f"{ROUTE}/_standin", person)[1])["pod"])


def test_its_pages_come_through_and_only_the_site_may_frame_them(firefly: Deployment) -> None:
    for path in (f"{ROUTE}/", f"{ROUTE}/slate.html?__action=x"):
        answer, body = ask(firefly, path)
        assert answer.status == 200
        assert b"Firefly stand-in" in body
        assert answer.headers.get_all("X-Frame-Options") == ["SAMEORIGIN"]
        assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]


def test_hub_pages_are_framed_as_the_hub_says(firefly: Deployment) -> None:
    answer, _ = ask(firefly, "/hub/login")
    assert answer.status == 200
    assert answer.headers.get_all("X-Frame-Options") is None
    assert "frame-ancestors 'none'" in str(answer.headers["Content-Security-Policy"])


async def test_its_web_socket_comes_through(firefly: Deployment) -> None:
    url = f"{firefly.url}{ROUTE}/sticky/firefly/events?channelID=mine"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as stream:
        greeting = await stream.receive_json(timeout=20)
        assert (greeting["name"], greeting["data"]["channel"]) == ("EVT_CONN_EST", "mine")
        await stream.send_str("hello")
        assert await stream.receive_str(timeout=20) == "hello"


def test_a_person_keeps_to_one_copy_and_people_are_spread(firefly: Deployment) -> None:
    people = [f"session-{number}" for number in range(24)]
    first = {person: copy_of(firefly, person) for person in people}
    again = {person: copy_of(firefly, person) for person in reversed(people)}
    assert first == again
    assert set(first.values()) == set(COPIES)


def test_a_copy_that_goes_takes_only_its_own_people_along(firefly: Deployment, names: Names) -> None:
    people = [f"session-{number}" for number in range(24)]
    before = {person: copy_of(firefly, person) for person in people}
    gone, stays = COPIES
    names.known[FIREFLY] = [stays]
    try:
        firefly.hub.wait_until(lambda: {copy_of(firefly, person) for person in people} == {stays})
    finally:
        names.known[FIREFLY] = [*COPIES]
    firefly.hub.wait_until(lambda: {person: copy_of(firefly, person) for person in people} == before)
    assert gone in before.values()


def test_without_firefly_its_address_is_a_clean_404(firefly: Deployment) -> None:
    tell_the_hub(firefly, None)
    firefly.hub.wait_until(lambda: ROUTE not in table(firefly))
    answer, _ = ask(firefly, f"{ROUTE}/")
    while answer.status == 302:
        answer, _ = ask(firefly, str(answer.headers["Location"]).removeprefix(firefly.url))
    assert answer.status == 404
