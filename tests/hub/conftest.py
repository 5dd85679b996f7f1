"""Hubs run for the whole folder: with GitHub's stand-in, with trial logins, and where a test wants it with CILogon's stand-in."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import jupyterhub
import pytest
from jlddev.tools.nginx import PROGRAM

from tests.ports import free_port

from .browser import Browser
from .deployment import OPERATOR_CONFIG, TESTS, Deployment
from .processes import Program, answers


class StandIn:
    """A stand-in and its control."""

    def __init__(self, url: str, people: dict[str, Any]) -> None:
        self.url, self.people = url, people

    async def order(self, **order: Any) -> None:
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}/_control", json=order) as answer:
            assert answer.status == 200, await answer.text()

    async def requests(self) -> list[str]:
        """Since the last order."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/_control") as answer:
            requests: list[str] = (await answer.json())["requests"]
            return requests


class GitHub(StandIn):
    def login(self, **organizations: list[str]) -> dict[str, Any]:
        """`hub.auth.github` of a site whose people log in here."""
        return {
            "clientId": self.people["client"]["id"],
            "url": self.url,
            "apiUrl": f"{self.url}/api/v3",
            "organizations": organizations,
        }

    def person(self, login: str) -> dict[str, Any]:
        return next(dict(person) for person in self.people["people"] if person["login"] == login)


class CILogon(StandIn):
    def claims(self, login: str, **changes: Any) -> dict[str, Any]:
        """What the stand-in tells of somebody, with changes; None takes a claim away."""
        claims = {**self.people["people"][login], **changes}
        return {name: value for name, value in claims.items() if value is not None}


class Hubs:
    def __init__(self, github: GitHub, with_github: Deployment, with_trial: Deployment) -> None:
        self.github, self.with_github, self.with_trial = github, with_github, with_trial


@pytest.fixture(scope="session")
def hubs(tmp_path_factory: pytest.TempPathFactory, describe_level: Callable[..., None]) -> Iterator[Hubs]:
    describe_level(
        "hub",
        f"JupyterHub {jupyterhub.__version__} behind the image's nginx; PostgreSQL; "
        "stand-ins: GitHub, CILogon, Firefly, the cluster's DNS, Kubernetes' API with its nodes and labs",
    )
    if not PROGRAM.exists():
        pytest.skip("the image's nginx is not unpacked; `make test` does it where mmdebstrap runs")
    directory = tmp_path_factory.mktemp("hubs")
    port = free_port()
    people = json.loads((TESTS / "standins" / "people.json").read_text())
    program = [sys.executable, str(TESTS / "standins" / "github.py"), "--address", "127.0.0.1"]
    standin = Program(
        "github", [*program, "--port", str(port), "--people", str(TESTS / "standins/people.json")], {}, directory
    )
    github = GitHub(f"http://127.0.0.1:{port}", people)
    with_github = Deployment(
        directory / "with-github",
        {
            "admins": ["Ada"],
            "github": {
                **github.login(allow=["lsst", "lsst-sqre:friends", "vault"], deny=["rivals"]),
                "users": {"allow": ["guest"]},
            },
        },
    )
    with_trial = Deployment(directory / "with-trial", {"admins": ["alice"], "dummy": {"users": ["alice", "bob"]}})
    started: list[Any] = [standin, with_github, with_trial]
    try:
        for each in started:
            each.start()
        standin.wait_until(lambda: answers(f"{github.url}/_control"))
        with_github.wait()
        with_trial.wait()
        yield Hubs(github, with_github, with_trial)
    finally:
        for each in reversed(started):
            each.stop()


@pytest.fixture
async def github(hubs: Hubs) -> AsyncIterator[GitHub]:
    yield hubs.github
    await hubs.github.order(reset=True)


NCSA, TORONTO = "https://idp.ncsa.illinois.edu/idp/shibboleth", "https://idpz.utorauth.utoronto.ca/shibboleth"


@pytest.fixture(scope="session")
def cilogon_hub(hubs: Hubs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CILogon, Deployment]]:
    """The stand-in for CILogon, and a hub that asks it. It comes after `hubs` so that the level is described."""
    directory = tmp_path_factory.mktemp("cilogon")
    people = TESTS / "standins" / "cilogon-people.json"
    port = free_port()
    program = [sys.executable, str(TESTS / "standins" / "cilogon.py"), "--address", "127.0.0.1"]
    standin = Program("cilogon", [*program, "--port", str(port), "--people", str(people)], {}, directory)
    cilogon = CILogon(f"http://127.0.0.1:{port}", json.loads(people.read_text()))
    deployment = Deployment(
        directory / "with-cilogon",
        {
            "admins": [],
            "cilogon": {
                "clientId": cilogon.people["client"]["id"],
                "url": cilogon.url,
                "identityProviders": {NCSA: {"stripDomain": "ncsa.illinois.edu"}, TORONTO: {"prefix": "toronto"}},
                "groups": {"claim": "isMemberOf", "allow": ["lsst_users"], "deny": ["lsst_suspended"]},
                "users": {"allow": ["toronto.vic.utoronto.ca"]},
                "claims": {"uid": "uidNumber", "gid": "gidNumber"},
            },
        },
    )
    try:
        standin.start()
        deployment.start()
        standin.wait_until(lambda: answers(f"{cilogon.url}/_control"))
        deployment.wait()
        yield cilogon, deployment
    finally:
        deployment.stop()
        standin.stop()


@pytest.fixture
async def cilogon(cilogon_hub: tuple[CILogon, Deployment]) -> AsyncIterator[CILogon]:
    yield cilogon_hub[0]
    await cilogon_hub[0].order(reset=True)


@pytest.fixture
async def browser(hubs: Hubs, github: GitHub) -> AsyncIterator[Browser]:
    """At the hub with GitHub."""
    async with Browser(hubs.with_github.url) as browser:
        yield browser


@pytest.fixture
async def trial_browser(hubs: Hubs) -> AsyncIterator[Browser]:
    async with Browser(hubs.with_trial.url) as browser:
        yield browser


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """A hub of the test's own."""
    made: list[Deployment] = []

    def deploy(auth: dict[str, Any], operator_config: str = OPERATOR_CONFIG) -> Deployment:
        made.append(Deployment(tmp_path / f"hub-{len(made)}", auth))
        made[-1].operator_config.write_text(operator_config)
        return made[-1]

    yield deploy
    for each in made:
        each.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """The end of each program's output belongs to the report of a failed test."""
    report: Any = yield
    hubs = getattr(item, "funcargs", {}).get("hubs")
    if report.failed and hubs is not None:
        cilogon = getattr(item, "funcargs", {}).get("cilogon_hub")
        for deployment in (hubs.with_github, hubs.with_trial, *(cilogon[1:] if cilogon else ())):
            tail = "\n".join(deployment.hub.log().splitlines()[-60:])
            report.sections.append((f"hub of {deployment.directory.name}", tail))
    return report  # type: ignore[return-value]
