"""The hub's database: SQLite on a PersistentVolumeClaim, or the site's own server."""

import time

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

from jldhub.hub.startup import stop
from jldhub.settings.secret_files import HubSecrets

SQLITE_URL = "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
_PATIENCE = 20  # seconds to wait for a database that starts together with the hub
_DRIVERS = {"postgresql": "psycopg", "postgres": "psycopg"}  # URL scheme to the driver in the hub's image


class DatabaseError(Exception):
    """The database cannot be used. Of the address, the message shows only host, port and database name."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentences = (sentence,)


def database_url(text: str) -> str:
    """SQLAlchemy's URL for the secret `dbUrl`: SQLite without one, PostgreSQL with the driver of the hub's image."""
    if not text:
        return SQLITE_URL
    scheme, separator, rest = text.partition("://")
    driver = _DRIVERS.get(scheme)
    return f"postgresql+{driver}{separator}{rest}" if driver else text


def wait_for_database(secrets: HubSecrets) -> None:
    """Wait for an external database. Exit where it does not answer: Kubernetes then restarts the container."""
    if not secrets.database_url:
        return
    try:
        require_database(secrets.database_url)
    except DatabaseError as error:
        stop(error.sentences)


def require_database(text: str, patience: float = _PATIENCE) -> None:
    """Return when the database accepts a connection. Retries for `patience` seconds. Raises DatabaseError."""
    url = _parsed_url(text)
    place = f"{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"
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
                    f"The database at {place} does not let the hub in: {_first_line(error)}. "
                    "Start it, or correct secret dbUrl; the hub tries again by itself."
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


def _first_line(error: SQLAlchemyError) -> str:
    """The first line of the driver's message. It names user and host but no password."""
    cause = getattr(error, "orig", None) or error
    return next((line.strip().rstrip(".") for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
