"""The hub's database, PostgreSQL and SQLite: it starts, restarts, survives the database's restart, and brings tables up to date."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from jldhub.hub.database import database_url
from jldhub.login.people import METADATA, Account, IdRange, People
from jupyterhub.dbutil import write_alembic_ini
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests.jld_tables import FIRST, NEXT_VERSION

from .browser import Browser
from .conftest import GitHub, Hubs
from .deployment import EXTENSIONS, PASSWORD, TESTS, Deployment
from .labs import LabHub, Program
from .postgresql import PASSWORD as DATABASE_PASSWORD
from .postgresql import PostgreSQL

pytestmark = pytest.mark.slow


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


def make_old(database: "PostgreSQL | SQLite", directory: Path) -> str:
    """Put the tables back to the form of the JupyterHub before, and return its name."""
    ini = directory / "alembic.ini"
    write_alembic_ini(str(ini), database_url(database.url))
    alembic = Path(sys.executable).with_name("alembic")
    subprocess.run([alembic, "-c", ini, "downgrade", "-1"], check=True, capture_output=True)
    return database.ask("SELECT version_num FROM alembic_version")


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
    deployment = deploy({"admins": [], "github": github.login(allow=["lsst"])})
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
    METADATA.create_all(sessions[0].get_bind())
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


class SQLite:
    """The file of a hub of the test's own, asked as PostgreSQL is."""

    def __init__(self, file: Path) -> None:
        self.file, self.url = file, f"sqlite:///{file}"

    def ask(self, statement: str) -> str:
        with closing(sqlite3.connect(self.file)) as database:
            if statement.count(";") > 1:
                database.executescript(statement)
                return ""
            return "\n".join("|".join(map(str, row)) for row in database.execute(statement))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> SQLite | PostgreSQL:
    if request.param == "sqlite":
        return SQLite(tmp_path / "jupyterhub.sqlite")
    found: PostgreSQL = request.getfixturevalue("postgresql")
    return found


def write_and_be_killed(file: Path) -> None:
    """A row that is committed, and that is not in the file itself but in its write-ahead log."""
    program = "import os, signal, sqlite3, sys; database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    program += (
        "database.execute('PRAGMA journal_mode=WAL'); database.execute('CREATE TABLE kept AS SELECT 1 AS number')\n"
    )
    program += "os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", program, file], check=False).returncode < 0
    assert file.with_name(f"{file.name}-wal").stat().st_size


def test_the_copy_of_sqlite_before_an_upgrade_holds_every_row(tmp_path: Path) -> None:
    hub = LabHub(tmp_path / "hub", ["alice"])
    database = SQLite(hub.deployment.directory / "jupyterhub.sqlite")
    hub.change_settings(lambda document: document["hub"]["db"].update(upgrade=True))
    hub.deployment.hub.env["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    try:
        hub.start()
        assert (
            hub.log.count(f"SQLite at {database.file} has journal mode {database.ask('PRAGMA journal_mode').upper()}")
            == 1
        )
        hub.deployment.hub.stop()
        newest = database.ask("SELECT version_num FROM alembic_version")
        old = make_old(database, tmp_path)
        write_and_be_killed(database.file)
        hub.deployment.hub.start()
        hub.deployment.wait()
        assert database.ask("SELECT version_num FROM alembic_version") == newest != old
        (copy,) = hub.deployment.directory.glob("jupyterhub.sqlite.*")
        assert SQLite(copy).ask("SELECT number FROM kept") == database.ask("SELECT number FROM kept") == "1"
        assert SQLite(copy).ask("SELECT version_num FROM alembic_version") == old
    finally:
        hub.stop()


def next_jld(directory: Path) -> str:
    """A JLD with one version more of its tables; returns its PYTHONPATH."""
    shutil.copytree(EXTENSIONS / "jldhub", directory / "jldhub")
    shutil.copy(NEXT_VERSION, directory / "jldhub" / "hub" / "tables" / "versions")
    return str(directory)


def test_jlds_tables_are_recognised_changed_when_told_and_not_used_by_an_older_jld(
    database: SQLite | PostgreSQL, tmp_path: Path
) -> None:
    hub = LabHub(tmp_path / "hub", ["alice"])
    (hub.deployment.secrets / "dbUrl").write_text(database.url)
    database.ask(FIRST)
    row = "jane|2000000000"
    try:
        hub.start()
        hub.deployment.hub.stop()
        assert database.ask("SELECT version_num FROM jld_alembic_version") == "0001"
        assert database.ask("SELECT name, uid FROM jld_people") == row

        hub.deployment.hub.env["PYTHONPATH"] = next_jld(tmp_path / "next")
        code, log = end_of(hub)
        assert code != 0
        assert "JLD's tables have version 0001, and this JLD needs 0002. Back the database up" in log
        hub.change_settings(lambda document: document["hub"]["db"].update(upgrade=True))
        hub.deployment.hub.start()
        hub.deployment.wait()
        hub.deployment.hub.stop()
        assert database.ask("SELECT name, uid, since FROM jld_people") == f"{row}|the beginning"
        assert hub.log.count("JLD's tables were changed from version 0001 to 0002") == 1

        hub.deployment.hub.env["PYTHONPATH"] = str(EXTENSIONS)
        earlier = len(hub.log)
        code, log = end_of(hub)
        assert code != 0
        assert "JLD's tables have version 0002, and this JLD knows them up to 0001" in log[earlier:]
        assert "Traceback" not in log[earlier:]
        assert DATABASE_PASSWORD not in log
    finally:
        hub.stop()


def test_hubs_that_start_at_once_change_the_tables_once(postgresql: PostgreSQL) -> None:
    postgresql.ask(FIRST)
    program = (
        "import sys; from jldhub.hub.tables.upgrade import upgrade_tables; from sqlalchemy.engine import make_url\n"
    )
    program += "from tests.jld_tables import WITH_NEXT; sys.stdin.readline()\n"
    program += "print(*upgrade_tables(make_url(sys.argv[1]), True, WITH_NEXT))"
    start = [sys.executable, "-c", program, database_url(postgresql.url)]
    hubs = [
        subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=TESTS.parent, text=True)
        for _ in range(4)
    ]
    for hub in hubs:
        assert hub.stdin is not None
        hub.stdin.write("\n")
        hub.stdin.flush()
    told = [hub.communicate()[0].strip() for hub in hubs]
    assert [hub.returncode for hub in hubs] == [0] * 4
    assert sorted(told) == ["", "", "", "JLD's tables were changed from version 0001 to 0002."]
    assert postgresql.ask("SELECT since FROM jld_people") == "the beginning"
