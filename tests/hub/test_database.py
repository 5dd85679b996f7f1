"""The hub on a real PostgreSQL: it starts, restarts, survives the database's restart, and brings its tables up to date."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jldhub.hub.database import database_url
from jldhub.login.people import Account, IdRange, People
from jupyterhub.dbutil import write_alembic_ini
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from .browser import Browser
from .conftest import GitHub, Hubs
from .deployment import PASSWORD, Deployment
from .labs import LabHub, Program
from .postgresql import PASSWORD as DATABASE_PASSWORD
from .postgresql import PostgreSQL


@pytest.fixture
def postgresql() -> Iterator[PostgreSQL]:
    with tempfile.TemporaryDirectory(prefix="jld-postgresql-") as folder:
        server = PostgreSQL(Path(folder))
        try:
            server.start()
            server.create_database()
            yield server
        finally:
            server.stop()


@pytest.fixture
def hub(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[LabHub]:
    hub = LabHub(tmp_path / "hub", ["alice", "bob"])
    (hub.deployment.secrets / "dbUrl").write_text(postgresql.url)
    yield hub
    hub.stop()


def end_of(hub: LabHub) -> tuple[int, str]:
    """The exit code and the log of a hub that does not start."""
    hub.deployment.hub.start()
    assert hub.deployment.hub.process is not None
    return hub.deployment.hub.process.wait(120), hub.log


async def test_sessions_and_labs_outlive_the_hub_and_the_database(hub: LabHub, postgresql: PostgreSQL) -> None:
    hub.start()
    async with Browser(hub.deployment.url) as browser, Program(hub.deployment.url) as program:
        await browser.log_in("alice", PASSWORD)
        assert await program.start_lab("alice") in (201, 202)
        await program.until_ready("alice")
        assert postgresql.ask("SELECT name FROM users ORDER BY name") == "alice\nbob"
        started = (await program.server("alice"))["started"]
    hub.deployment.restart_hub()
    async with Program(hub.deployment.url) as program:
        assert (await program.server("alice"))["started"] == started
    async with browser_like(browser, hub) as again:
        assert (await again.get("/hub/home")).status == 200
    postgresql.stop()
    postgresql.start()
    async with Program(hub.deployment.url) as program:
        answers = [(await program.ask("GET", "users/alice"))[0] for _ in range(5)]
        assert answers[1:] == [200] * 4  # the first one may meet the lost connection
        assert (await program.server("alice"))["started"] == started
    assert hub.kubernetes.told()["made"]["pods/jld-lab-alice"] == 1
    assert DATABASE_PASSWORD not in hub.log


def browser_like(browser: Browser, hub: LabHub) -> Browser:
    """The same cookies in a new window: the old connections ended with the hub."""
    again = Browser(hub.deployment.url)
    for cookie in browser._session.cookie_jar:
        again._session.cookie_jar._cookies[(cookie["domain"], cookie["path"])][cookie.key] = cookie  # type: ignore[attr-defined]
    return again


def test_a_database_that_is_down_is_told_in_a_sentence(hub: LabHub, postgresql: PostgreSQL) -> None:
    postgresql.stop()
    code, log = end_of(hub)
    assert code != 0
    assert f"The database at 127.0.0.1:{postgresql.port}/hub does not let the hub in: " in log
    assert "Traceback" not in log
    assert DATABASE_PASSWORD not in log


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (DATABASE_PASSWORD, "wrong", "password authentication failed"),
        ("/hub", "/nothing", 'database "nothing" does not exist'),
        ("postgresql://", "mysql://", "no driver for mysql"),
    ],
)
def test_a_wrong_address_is_told_in_a_sentence(hub: LabHub, before: str, after: str, said: str) -> None:
    path = hub.deployment.secrets / "dbUrl"
    path.write_text(path.read_text().replace(before, after))
    code, log = end_of(hub)
    assert code != 0
    assert said in log
    assert "Traceback" not in log


def make_old(postgresql: PostgreSQL, directory: Path) -> str:
    """Put the tables back to the form of the JupyterHub before, and return its name."""
    ini = directory / "alembic.ini"
    write_alembic_ini(str(ini), database_url(postgresql.url))
    alembic = Path(sys.executable).with_name("alembic")
    subprocess.run([alembic, "-c", ini, "downgrade", "-1"], check=True, capture_output=True)
    return postgresql.ask("SELECT version_num FROM alembic_version")


async def test_older_tables_are_left_alone_until_told(hub: LabHub, postgresql: PostgreSQL, tmp_path: Path) -> None:
    hub.start()
    async with Browser(hub.deployment.url) as browser:
        await browser.log_in("alice", PASSWORD)
    hub.deployment.hub.stop()
    newest = postgresql.ask("SELECT version_num FROM alembic_version")
    old = make_old(postgresql, tmp_path)
    assert old != newest
    code, log = end_of(hub)
    assert code != 0
    assert "upgrade-db" in log
    assert postgresql.ask("SELECT version_num FROM alembic_version") == old
    hub.change_settings(lambda document: document["hub"]["db"].update(upgrade=True))
    # JupyterHub calls alembic by its name: in the image it is on the PATH.
    hub.deployment.hub.env["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    hub.deployment.hub.start()
    hub.deployment.wait()
    assert postgresql.ask("SELECT version_num FROM alembic_version") == newest
    async with Browser(hub.deployment.url) as browser:
        assert (await browser.log_in("alice", PASSWORD)).status == 200
    assert DATABASE_PASSWORD not in hub.log


async def test_people_keep_name_and_number_in_it(
    postgresql: PostgreSQL, hubs: Hubs, github: GitHub, deploy: Callable[..., Deployment]
) -> None:
    organizations = {"allow": ["lsst"]}
    addresses = {"url": github.url, "apiUrl": f"{github.url}/api/v3"}
    client = github.people["client"]["id"]
    deployment = deploy({"admins": [], "github": {"clientId": client, **addresses, "organizations": organizations}})
    (deployment.secrets / "dbUrl").write_text(postgresql.url)
    deployment.start()
    deployment.wait()
    async with Browser(deployment.url) as browser:
        assert (await browser.log_in_with_github("newton")).status == 200
    await github.order(rename=["newton", "Sir-Isaac"])
    deployment.restart_hub()
    async with Browser(deployment.url) as browser:
        assert "newton" in (await browser.log_in_with_github("Sir-Isaac")).sentence
    assert postgresql.ask("SELECT name, uid FROM jld_people") == "newton|4000013"


def test_two_hubs_on_it_give_one_person_one_number(postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at once happen while one hub takes over from another."""
    numbers = IdRange(2_000_000_000, 2_000_000_009)
    sessions = [Session(create_engine(database_url(postgresql.url))) for _ in range(2)]
    first, second = (People(session, numbers) for session in sessions)
    jane = Account("cilogon", "http://cilogon.org/serverA/users/1001", "jane")
    known = first.record(jane)
    late = [None, None, second.find(jane)]
    monkeypatch.setattr(second, "find", lambda _: late.pop(0))  # the other hub was faster after it had looked

    assert second.record(jane) == known
    assert first.group_gid("cilogon", "staff") == second.group_gid("cilogon", "staff") != known.uid
    assert postgresql.ask("SELECT count(*) FROM jld_people") == "1"
    for session in sessions:  # the server waits for whoever is connected before it ends
        session.close()
        session.get_bind().dispose()
