"""The address of the hub's database, and what the hub says when it does not answer."""

import socket

import pytest
from jldhub.hub.database import SQLITE_URL, DatabaseError, database_url, require_database


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", SQLITE_URL),
        ("postgresql://jld:x@db/jld", "postgresql+psycopg://jld:x@db/jld"),
        ("postgres://jld:x@db/jld", "postgresql+psycopg://jld:x@db/jld"),
        ("postgresql+psycopg://db/jld", "postgresql+psycopg://db/jld"),
        ("mysql+pymysql://db/jld", "mysql+pymysql://db/jld"),
        ("sqlite:////x.sqlite", "sqlite:////x.sqlite"),
    ],
)
def test_postgresql_is_completed_by_the_driver_of_the_image(written: str, meant: str) -> None:
    assert database_url(written) == meant


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_database_that_does_not_answer_is_told_without_its_password() -> None:
    port = closed_port()
    with pytest.raises(DatabaseError) as told:
        require_database(f"postgresql://jld:pa55word@127.0.0.1:{port}/hub", patience=0)
    sentence = told.value.sentences[0]
    assert sentence.startswith(f"The database at 127.0.0.1:{port}/hub does not let the hub in: ")
    assert "Start it, or correct secret dbUrl" in sentence
    assert "pa55word" not in sentence


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "oracle", "nonsense"])
def test_a_driver_that_the_image_lacks_is_named(scheme: str) -> None:
    with pytest.raises(DatabaseError, match=f"no driver for {scheme.replace('+', '.')}") as told:
        require_database(f"{scheme}://jld:pa55word@db/hub", patience=0)
    assert "pa55word" not in str(told.value)


@pytest.mark.parametrize("text", ["db.example.org", "://", "postgresql://db:port/x", "x" * 100_000])
def test_what_is_no_address_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(DatabaseError, match="is not an address") as told:
        require_database(text, patience=0)
    assert len(str(told.value)) < 300


def test_a_directory_that_is_not_there_is_told() -> None:
    with pytest.raises(DatabaseError, match="unable to open database file"):
        require_database("sqlite:////nowhere/at/all.sqlite", patience=0)
