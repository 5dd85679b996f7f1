"""JLD's own tables in an SQLite database: made, recognised without a version, changed after a copy, refused when newer."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from jldhub.hub.database import ready_database
from jldhub.hub.errors import DatabaseError
from jldhub.hub.tables.upgrade import VERSIONS, upgrade_tables
from jldhub.login.people import METADATA
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from tests.jld_tables import FIRST, WITH_NEXT

HUBS_AT_ONCE = 4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jupyterhub.sqlite"


@pytest.fixture
def url(file: Path) -> URL:
    return make_url(f"sqlite:///{file}")


def ask(file: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(statement).fetchall()


def make_first(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.executescript(FIRST)


def content(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        return list(database.iterdump())


def copies(file: Path) -> list[Path]:
    return sorted(file.parent.glob(f"{file.name}.*"))


@pytest.mark.parametrize("there_before", [False, True])
def test_the_tables_are_those_that_people_are_recorded_in(file: Path, url: URL, there_before: bool) -> None:
    if there_before:
        make_first(file)
    upgrade_tables(url, may_change=False)
    with create_engine(url).connect() as connection:
        options = {"include_object": lambda _, name, kind, *__: kind != "table" or name in METADATA.tables}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_tables_without_a_version_are_the_first_and_keep_their_rows(file: Path, url: URL) -> None:
    make_first(file)
    before = content(file)
    for _ in range(2):
        assert upgrade_tables(url, may_change=False) == []
        assert ask(file, "SELECT version_num FROM jld_alembic_version") == [("0001",)]
    assert [line for line in content(file) if "jld_alembic_version" not in line] == before
    assert copies(file) == []


def test_jupyterhubs_own_version_is_left_alone(file: Path, url: URL) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.executescript(
            "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('4621fec11365');"
        )
    upgrade_tables(url, may_change=True)
    assert ask(file, "SELECT version_num FROM alembic_version") == [("4621fec11365",)]


@pytest.mark.parametrize("versioned", [False, True])
def test_a_change_comes_after_a_copy_and_keeps_the_rows(file: Path, url: URL, versioned: bool) -> None:
    make_first(file)
    if versioned:
        upgrade_tables(url, may_change=True)
    before = content(file)
    told = upgrade_tables(url, may_change=True, versions=WITH_NEXT)
    assert ask(file, "SELECT name, uid, since FROM jld_people") == [("jane", 2_000_000_000, "the beginning")]
    assert ask(file, "SELECT version_num FROM jld_alembic_version") == [("0002",)]
    (copy,) = copies(file)
    assert content(copy) == before
    assert told == [f"JLD's tables were changed from version 0001 to 0002, after a copy to {copy}."]
    assert upgrade_tables(url, may_change=True, versions=WITH_NEXT) == []
    assert copies(file) == [copy]


def test_a_new_database_gets_the_newest_version_without_asking(file: Path, url: URL) -> None:
    assert upgrade_tables(url, may_change=False, versions=WITH_NEXT) == []
    assert ask(file, "SELECT since FROM jld_people") == []
    assert copies(file) == []


def test_an_operators_tables_are_not_changed_until_told(file: Path, url: URL) -> None:
    make_first(file)
    before = content(file)
    with pytest.raises(DatabaseError, match=r"version 0001, and this JLD needs 0002\. Back .* hub\.db\.upgrade: true"):
        upgrade_tables(url, may_change=False, versions=WITH_NEXT)
    assert content(file) == before


def test_tables_of_a_newer_jld_are_refused(file: Path, url: URL) -> None:
    upgrade_tables(url, may_change=True, versions=WITH_NEXT)
    before = content(file)
    with pytest.raises(DatabaseError) as told:
        ready_database(str(url), may_change=True, mountinfo="")
    assert told.value.sentences[0] == (
        "jld_alembic_version in the hub's database: JLD's tables have version 0002, and this JLD knows them up to 0001, "
        "because a newer JLD changed them. Install that JLD again, or put back the database of before."
    )
    assert content(file) == before


def test_what_is_killed_in_the_middle_has_changed_nothing(file: Path, url: URL, tmp_path: Path) -> None:
    make_first(file)
    before = content(file)
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "v0002.py").write_text(
        "import os, signal\nfrom alembic import op\nrevision, down_revision = '0002', '0001'\n"
        "def upgrade():\n    op.drop_table('jld_groups')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    program = "import sys; from pathlib import Path; from sqlalchemy.engine import make_url\n"
    program += "from jldhub.hub.tables.upgrade import VERSIONS, upgrade_tables\n"
    program += "upgrade_tables(make_url(sys.argv[1]), True, (*VERSIONS, Path(sys.argv[2])))"
    assert subprocess.run([sys.executable, "-c", program, str(url), versions], check=False).returncode < 0
    assert content(file) == before
    assert len(copies(file)) == 1
    assert upgrade_tables(url, may_change=True) == []


@pytest.mark.parametrize("there_before", [False, True])
def test_hubs_that_start_at_once_wait_for_each_other(file: Path, url: URL, there_before: bool) -> None:
    if there_before:
        make_first(file)
    program = "import sys; from sqlalchemy.engine import make_url; from tests.jld_tables import WITH_NEXT\n"
    program += "from jldhub.hub.tables.upgrade import upgrade_tables; sys.stdin.readline()\n"
    program += "print(*upgrade_tables(make_url(sys.argv[1]), True, WITH_NEXT))"
    start = [sys.executable, "-c", program, str(url)]
    hubs = [
        subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4], text=True)
        for _ in range(HUBS_AT_ONCE)
    ]
    for hub in hubs:
        assert hub.stdin is not None
        hub.stdin.write("\n")
        hub.stdin.flush()
    told = [hub.communicate()[0].strip() for hub in hubs]
    assert [hub.returncode for hub in hubs] == [0] * HUBS_AT_ONCE
    assert len([sentence for sentence in told if sentence]) == there_before
    assert ask(file, "SELECT version_num FROM jld_alembic_version") == [("0002",)]
    assert len(ask(file, "SELECT since FROM jld_people")) == there_before


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_that_forgets_is_refused(text: str) -> None:
    with pytest.raises(DatabaseError, match="a database in memory forgets people's user numbers"):
        ready_database(text, may_change=True, mountinfo="")


def test_what_is_no_database_is_told(file: Path, url: URL) -> None:
    file.write_text("This is text." * 1000)
    with pytest.raises(DatabaseError, match="cannot be made ready: file is not a database"):
        ready_database(str(url), may_change=True, mountinfo="")


def test_versions_are_in_line() -> None:
    """A version's number says where it is, so that its file is found."""
    names = sorted(path.name for folder in VERSIONS for path in folder.glob("v*.py"))
    assert [name[1:5] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
