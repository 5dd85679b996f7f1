"""The hub's database: SQLite on a PersistentVolumeClaim, or the site's own server."""

import sqlite3
import time
from pathlib import Path

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError
from traitlets.log import get_logger

from jldhub.hub.errors import DatabaseError
from jldhub.hub.journal import empty_journal, settle_journal, sync_every_commit
from jldhub.hub.startup import stop
from jldhub.hub.tables.service_tokens import forget_service_tokens
from jldhub.hub.tables.upgrade import upgrade_tables
from jldhub.settings.secret_files import HubSecrets
from jldhub.settings.settings import Settings

SQLITE_URL = "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
_PATIENCE = 20  # seconds to wait for a database that starts together with the hub
_DRIVERS = {"postgresql": "psycopg", "postgres": "psycopg"}  # URL scheme to the driver in the hub's image


def database_url(text: str) -> str:
    """SQLAlchemy's URL for the secret `dbUrl`: SQLite without one, PostgreSQL with the driver of the hub's image."""
    if not text:
        return SQLITE_URL
    scheme, separator, rest = text.partition("://")
    driver = _DRIVERS.get(scheme)
    return f"postgresql+{driver}{separator}{rest}" if driver else text


def prepare_database(settings: Settings, secrets: HubSecrets) -> None:
    """Make the database ready for JupyterHub. Exit where it cannot be used: Kubernetes then restarts the container."""
    try:
        sentences = ready_database(secrets.database_url, settings.hub.db.may_change, _mountinfo())
    except DatabaseError as error:
        stop(error.sentences)
    sync_every_commit()
    for sentence in sentences:
        _log_later(sentence)


def ready_database(text: str, may_change: bool, mountinfo: str) -> list[str]:
    """Wait for the database, set SQLite's journal mode, and bring JLD's tables up to date.

    Returns sentences for the log. Raises DatabaseError.
    """
    require_database(text)
    url = _parsed_url(text)
    try:
        if url.get_backend_name() != "sqlite":
            forget_service_tokens(url)
            return [*upgrade_tables(url, may_change)]
        file = _sqlite_file(url)
        mode = settle_journal(file, mountinfo)
        changed = upgrade_tables(url, may_change)
        forget_service_tokens(url)
        # JupyterHub copies the file, and nothing beside it, before it changes its own tables.
        empty_journal(file)
        return [mode, *changed]
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise DatabaseError(
            f"The database at {_place(url)} cannot be made ready: {_first_line(error)}. "
            "Correct that; the hub tries again by itself."
        ) from None


def require_database(text: str, patience: float = _PATIENCE) -> None:
    """Return when the database accepts a connection. Retries for `patience` seconds. Raises DatabaseError."""
    url = _parsed_url(text)
    place = _place(url)
    remedy = "Start it, or correct secret dbUrl" if text else "See that its claim is mounted and can be written to"
    try:
        engine = create_engine(url)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseError(
            f"secret dbUrl: the hub's image has no driver for {url.drivername}; write a postgresql:// address, "
            "or name an image that has the driver in hub.image"
        ) from error
    deadline = time.monotonic() + patience
    while True:
        try:
            with engine.connect():
                return
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"The database at {place} does not let the hub in: {_first_line(error)}. {remedy}; the hub tries again by itself."
                ) from None
            time.sleep(1)
        except SQLAlchemyError as error:
            raise DatabaseError(
                f"The database at {place} cannot be used: {_first_line(error)}; correct secret dbUrl."
            ) from None
        finally:
            engine.dispose()


def _parsed_url(text: str) -> URL:
    try:
        return make_url(database_url(text))
    except (ArgumentError, ValueError):
        raise DatabaseError(
            "secret dbUrl: what it holds (not shown) is not an address; "
            "write one like postgresql://jld:password@db.example.org/jld"
        ) from None


def _place(url: URL) -> str:
    return f"{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def _sqlite_file(url: URL) -> str:
    if url.database in {None, "", ":memory:"}:
        raise DatabaseError(
            "secret dbUrl: a database in memory forgets people's user numbers; write a path or a server."
        )
    return str(url.database)


def _mountinfo() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text()
    except OSError:  # not on Linux
        return ""


def _log_later(sentence: str) -> None:
    """Log a sentence when JupyterHub opens the database. It sets its log up after it has read its configuration."""
    event.listen(Engine, "connect", lambda *_: get_logger().info(sentence), once=True)


def _first_line(error: Exception) -> str:
    """The first line of the driver's message. It names user and host but no password."""
    cause = getattr(error, "orig", None) or error
    return next((line.strip().rstrip(".") for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
