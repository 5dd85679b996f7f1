"""`dbUrl`, compared with the drivers in the hub's image, and with the volumes of its pod; files in the place of JLD's own."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jld.rules import hub
from jldhub.hub.database import database_url
from sqlalchemy import create_engine
from sqlalchemy.exc import NoSuchModuleError

CHECKOUT = Path(__file__).resolve().parents[4]
DRIVER = "hub.secret.dbUrl: the hub's image has no driver for {}; write a postgresql:// address, or name an image that has the driver in hub.image"
FILE = "leave hub.db.external and dbUrl out, or write a path below the mountPath of a claim in hub.volumes"
NO_VOLUME = f"hub.secret.dbUrl: SQLite's file would be in no volume that outlives the hub's pod; {FILE}"
MEMORY = f"hub.secret.dbUrl: a database in memory forgets people's user numbers; {FILE}"
READ_ONLY = "hub.secret.dbUrl: SQLite's file would be in a volume that is readOnly; take readOnly away from it"
SCHEMES = {
    **dict.fromkeys(("postgresql", "postgres", "postgresql+psycopg", "sqlite", "sqlite+pysqlite")),
    **{
        name: name
        for name in (
            *("mysql", "mysql+pymysql", "mysql+mysqldb", "mariadb", "mariadb+pymysql", "mssql", "mssql+pyodbc"),
            *("oracle", "oracle+oracledb", "postgresql+psycopg2", "postgresql+pg8000", "postgresql+asyncpg"),
            *("postgresql+psycopg_async", "sqlite+aiosqlite", "postgres+psycopg"),
        )
    },
    **dict.fromkeys(("cockroachdb", "PostgreSQL", "posgresql", "mysecret"), "this"),
}
CLAIM = {"persistentVolumeClaim": {"claimName": "hub"}}
PLACES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("sqlite://", {}, [MEMORY]),
    ("sqlite:///:memory:", {}, [MEMORY]),
    ("sqlite:////srv/jupyterhub/jupyterhub.sqlite", {}, [NO_VOLUME]),
    ("sqlite:///jupyterhub.sqlite?timeout=5", {}, [NO_VOLUME]),
    ("sqlite:////data/hub.sqlite", {"data": {"mountPath": "/data", **CLAIM}}, []),
    ("sqlite:////data/hub.sqlite?timeout=5", {"data": {"mountPath": "/data", **CLAIM}}, []),
    ("sqlite:////database/hub.sqlite", {"data": {"mountPath": "/data", **CLAIM}}, [NO_VOLUME]),
    ("sqlite:////data/../tmp/hub.sqlite", {"data": {"mountPath": "/data", **CLAIM}}, [NO_VOLUME]),
    ("sqlite:////data/hub.sqlite", {"data": {"mountPath": "/data", "emptyDir": {}}}, [NO_VOLUME]),
    ("sqlite:////data/hub.sqlite", {"data": {"mountPath": "/data", "readOnly": True, **CLAIM}}, [READ_ONLY]),
]


def said(address: str, volumes: dict[str, Any] | None = None, repository: str = "hub") -> list[str]:
    encoded = base64.b64encode(address.encode()).decode()
    site = {
        "image": {"repository": repository},
        "db": {"external": True},
        "secret": {"dbUrl": encoded},
        "volumes": volumes or {},
    }
    return [f"{'.'.join(map(str, path))}: {sentence}" for path, sentence in hub.database_can_be_used({"hub": site})]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_driver_that_the_image_lacks_is_refused(scheme: str) -> None:
    address = f"{scheme}://hub:a-password@db.example.org/hub" if "sqlite" not in scheme else f"{scheme}:////data/a"
    named = SCHEMES[scheme]
    wrong = said(address, {"data": {"mountPath": "/data", **CLAIM}})
    assert wrong == ([DRIVER.format(named)] if named else [])
    if (
        "async" not in scheme and "aio" not in scheme
    ):  # SQLAlchemy loads these, and JupyterHub cannot speak through them
        try:
            create_engine(database_url(address))
            loads = True
        except (ImportError, NoSuchModuleError, ValueError):
            loads = False
        except Exception:  # what is no address at all
            loads = False
        assert loads == (wrong == [])


def test_an_image_of_ones_own_may_have_other_drivers() -> None:
    assert said("mysql+pymysql://hub:a-password@db.example.org/hub", repository="our-hub") == []


@pytest.mark.parametrize(("address", "volumes", "sentences"), PLACES)
def test_a_file_is_in_a_volume_that_outlives_the_pod(
    address: str, volumes: dict[str, Any], sentences: list[str]
) -> None:
    assert said(address, volumes) == sentences


def test_the_address_itself_is_not_shown(desk: Any) -> None:
    desk.write("secrets.yaml", yaml.safe_dump({"hub": {"secret": {"dbUrl": "mysql+pymysql://hub:pa55word@db/hub"}}}))
    desk.write(
        "site.yaml",
        "global: {hostname: jupyter.localhost}\nnginx: {tls: {existingSecret: a}}\n"
        "hub: {auth: {dummy: {users: [alice]}}, db: {external: true}}\n",
    )
    result = desk.run("check", "site.yaml")
    assert result.exit_code == 1
    assert "has no driver for mysql+pymysql;" in result.stderr
    assert "pa55word" not in result.stderr


OWN = sorted(path.name for path in (CHECKOUT / "hub-extensions" / "jupyterhub_config.d").glob("*.py"))


@pytest.mark.parametrize("name", OWN)
def test_a_file_in_the_place_of_jlds_own_has_to_be_meant(name: str, complaints: Callable[[str], list[str]]) -> None:
    head = (
        "global: {hostname: jupyter.localhost}\nnginx: {tls: {existingSecret: a}}\n"
        "hub:\n  auth: {dummy: {users: [alice]}}\n  extraConfig:\n"
    )
    assert complaints(f"{head}    {name}: |\n      # replaces JLD's own file\n      c.a.b = 1\n") == []
    (sentence,) = complaints(f"{head}    {name}: |\n      c.a.b = 1\n")
    assert sentence.startswith(
        f'site.yaml:6:{len(name) + 7}: error: hub.extraConfig."{name}": JLD has a file of this name, and this one would take its place'
    )
