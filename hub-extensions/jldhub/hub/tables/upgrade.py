"""Brings JLD's tables to the version that this JLD knows, in one transaction, before JupyterHub opens the database."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from os import pathsep
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, inspect
from sqlalchemy.engine import URL

from jldhub.hub.errors import DatabaseError

VERSION_TABLE = "jld_alembic_version"  # `alembic_version` is JupyterHub's
_FOLDER = Path(__file__).parent
VERSIONS = (_FOLDER / "versions",)
_PATIENCE = 20  # seconds to wait for another hub that does the same


def upgrade_tables(url: URL, may_change: bool, versions: Sequence[Path] = VERSIONS) -> list[str]:
    """Make the tables, or bring them up to date. Returns what to log of a change.

    Tables that exist are changed only where `may_change` says so; SQLite's file is copied first. Raises DatabaseError.
    """
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", pathsep.join(map(str, versions)))
    scripts = ScriptDirectory.from_config(config)
    first, newest = scripts.get_base(), scripts.get_current_head()
    with _locked(url) as connection:
        version = _version(connection)
        if version not in {None, *(script.revision for script in scripts.walk_revisions())}:
            raise DatabaseError(
                f"{VERSION_TABLE} in the hub's database: JLD's tables have version {version}, and this JLD knows them up to "
                f"{newest}, because a newer JLD changed them. Install that JLD again, or put back the database of before."
            )
        new = version is None and not inspect(connection).has_table("jld_people")
        version = version or first  # tables without a version are of the first
        if new or version == newest:
            _upgrade(config, connection)
            return []
        if not may_change:
            raise DatabaseError(
                f"The hub's database: JLD's tables have version {version}, and this JLD needs {newest}. "
                "Back the database up, and set hub.db.upgrade: true."
            )
        copy = _copy(url)
        _upgrade(config, connection)
        told = f", after a copy to {copy}" if copy else ""
        return [f"JLD's tables were changed from version {version} to {newest}{told}."]


def _upgrade(config: Config, connection: Connection) -> None:
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


@contextmanager
def _locked(url: URL) -> Iterator[Connection]:
    """A transaction that a second hub waits for. What is killed in it has changed nothing."""
    engine = create_engine(url, connect_args={"timeout": _PATIENCE} if _is_sqlite(url) else {})
    if _is_sqlite(url):
        # By itself Python's sqlite3 begins no transaction for a change of tables.
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            if url.get_backend_name() == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock(hashtext('{VERSION_TABLE}'))")
            yield connection
    finally:
        engine.dispose()


def _copy(url: URL) -> Path | None:
    """Copy SQLite's file, under a name as JupyterHub gives its own copies. Other databases are their operators' to back up."""
    if not _is_sqlite(url) or not url.database:
        return None
    copy = Path(f"{url.database}.{datetime.now(UTC):%Y-%m-%d-%H%M%S}")
    part = copy.with_name(f"{copy.name}.part")  # under its own name it is whole
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(url.database)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    return part.rename(copy)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"
