"""Logins where GitHub has a certificate of a private authority, and an HTTP proxy stands before it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import yaml

from tests.ports import free_port

from .browser import Browser, Page
from .conftest import GitHub, StandIn
from .deployment import TESTS, Deployment
from .front_door import certificate_for, needs_nginx
from .processes import Program, answers

pytestmark = needs_nginx
PEOPLE = TESTS / "standins" / "people.json"
IN_VAIN = "Nobody can log in until it answers; try later."


class PrivateGitHub(GitHub):
    """GitHub's stand-in over TLS, and the authority of its certificate."""

    def __init__(self, folder: Path) -> None:
        port, tls_port = free_port(), free_port()
        certificate = certificate_for("localhost", folder)
        self.authority = certificate / "ca.crt"
        self.control = StandIn(f"http://127.0.0.1:{port}", {})
        program = [
            sys.executable,
            str(TESTS / "standins" / "github.py"),
            "--address",
            "127.0.0.1",
            "--people",
            str(PEOPLE),
        ]
        program += ["--port", str(port), "--tls-port", str(tls_port)]
        program += ["--certificate", str(certificate / "tls.crt"), "--key", str(certificate / "tls.key")]
        self.program = Program("github", program, {}, folder)
        super().__init__(f"https://localhost:{tls_port}", json.loads(PEOPLE.read_text()))

    @property
    def target(self) -> str:
        return urlsplit(self.url).netloc


class HttpProxy:
    """The proxy's stand-in."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.address, self.url = f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"
        program = [sys.executable, str(TESTS / "standins" / "http_proxy.py"), "--address", "127.0.0.1"]
        self.program = Program("proxy", [*program, "--port", str(port)], {}, folder)

    async def asked(self) -> list[str]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/_control") as answer:
            asked: list[str] = (await answer.json())["asked"]
            return asked

    async def answer(self, status: int) -> None:
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}/_control", json={"status": status}):
            pass


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateGitHub]:
    github = PrivateGitHub(tmp_path_factory.mktemp("private-github"))
    github.program.start()
    github.program.wait_until(lambda: answers(f"{github.control.url}/_control"))
    yield github
    github.program.stop()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[HttpProxy]:
    proxy = HttpProxy(tmp_path)
    proxy.program.start()
    proxy.program.wait_until(lambda: answers(f"{proxy.url}/_control"))
    yield proxy
    proxy.program.stop()


@pytest.fixture
def start(deploy: Callable[..., Deployment], github: PrivateGitHub, tmp_path: Path) -> Callable[..., Deployment]:
    """A function that starts a hub that asks this GitHub, with what the chart makes of `global.certificateAuthorities` and `proxy`."""

    def start(authorities: str = "", **environment: str) -> Deployment:
        deployment = deploy({"admins": [], "github": github.login(allow=["lsst"])}, operator_config="")
        settings = yaml.safe_load((deployment.directory / "settings.yaml").read_text())
        trust = tmp_path / "trust"
        trust.mkdir()
        if authorities:
            (trust / "ca.crt").write_text(authorities)
        deployment.write_settings(settings | {"trustDirectory": str(trust)})
        deployment.hub.env |= environment
        deployment.start()
        return deployment

    return start


async def log_in(deployment: Deployment, github: PrivateGitHub) -> Page:
    async with Browser(deployment.url, authority=github.authority) as browser:
        return await browser.log_in_with_github("Ada")


async def test_a_private_authority_is_trusted_beside_those_of_the_system(
    start: Callable[..., Deployment], github: PrivateGitHub
) -> None:
    deployment = start(github.authority.read_text())
    deployment.wait()

    assert (await log_in(deployment, github)).url == "https://jupyter.example.org/hub/spawn"


async def test_without_the_authority_a_login_fails_with_the_cause_and_the_log_has_the_remedy(
    start: Callable[..., Deployment], github: PrivateGitHub
) -> None:
    deployment = start()
    deployment.wait()
    page = await log_in(deployment, github)

    assert page.status == 503
    assert f"{github.url} cannot be asked who you are: the certificate of localhost is not trusted (" in page.sentence
    assert IN_VAIN in page.sentence
    remedy = "Write the authority that signed it into global.certificateAuthorities, or correct the name localhost"
    assert remedy in deployment.hub.log()


async def test_logins_go_through_the_proxy_and_say_what_is_wrong_with_it(
    start: Callable[..., Deployment], github: PrivateGitHub, proxy: HttpProxy
) -> None:
    deployment = start(github.authority.read_text(), HTTPS_PROXY=proxy.url, NO_PROXY=".example.org")
    deployment.wait()
    assert (await log_in(deployment, github)).url == "https://jupyter.example.org/hub/spawn"
    assert set(await proxy.asked()) == {github.target}

    await proxy.answer(403)
    refused = await log_in(deployment, github)
    assert refused.status == 503
    assert "the HTTP proxy refuses to connect to localhost (403)" in refused.sentence
    assert f"Allow it at {proxy.address}, or name localhost in global.proxy.except" in deployment.hub.log()

    proxy.program.stop()
    down = await log_in(deployment, github)
    assert down.status == 503
    assert "the HTTP proxy cannot be reached" in down.sentence
    assert f"See whether {proxy.address} runs, correct global.proxy.https, or name localhost" in deployment.hub.log()
    assert proxy.address not in refused.text + down.text  # everybody reads these pages


async def test_an_untrusted_certificate_behind_the_proxy_is_told_as_such(
    start: Callable[..., Deployment], github: PrivateGitHub, proxy: HttpProxy
) -> None:
    deployment = start(HTTPS_PROXY=proxy.url)
    deployment.wait()

    assert "the certificate of localhost is not trusted (" in (await log_in(deployment, github)).sentence


async def test_what_is_excepted_is_asked_past_the_proxy(
    start: Callable[..., Deployment], github: PrivateGitHub, proxy: HttpProxy
) -> None:
    deployment = start(github.authority.read_text(), HTTPS_PROXY=proxy.url, NO_PROXY="localhost")
    deployment.wait()

    assert (await log_in(deployment, github)).url == "https://jupyter.example.org/hub/spawn"
    assert await proxy.asked() == []


def test_what_is_no_certificate_stops_the_hub_with_a_sentence(start: Callable[..., Deployment]) -> None:
    deployment = start("-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n")
    sentence = "global.certificateAuthorities: a certificate in it cannot be read; copy all of them again"

    assert deployment.hub.process is not None
    assert deployment.hub.process.wait(60) == 1
    assert sentence in deployment.hub.log()
