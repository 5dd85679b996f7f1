"""The ports of the hub's own database: taken from its secret address, and compared with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jld.secrets.database_address import ports

SITE = """\
global: {hostname: jld.localhost}
hub: {auth: {dummy: {users: [alice]}}, db: {external: true%s}}
nginx: {tls: {selfSigned: true}}
"""


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("postgresql://jld:password@db.example.org/jld", [5432]),
        ("postgresql://jld:password@db.example.org:6432/jld", [6432]),
        ("postgresql+psycopg://jld:p%40ss@[fd12::1]:6432/jld?sslmode=require", [6432]),
        ("postgresql://[fd12::1]/jld", [5432]),
        ("postgresql://jld@/jld?host=one.example.org&host=two.example.org&port=6432,6433", [6432, 6433]),
        ("postgresql://jld@/jld?host=one.example.org:6432&host=two.example.org:6433", [6432, 6433]),
        ("postgresql://jld@/jld?host=/run/postgresql", []),
        ("mysql+pymysql://jld@db.example.org/jld", [3306]),
        ("mariadb://jld@db.example.org:3307/jld", [3307]),
        ("unknown://db.example.org/jld", []),
        ("unknown://db.example.org:7000/jld", [7000]),
        ("sqlite:////srv/jupyterhub/jld.sqlite", []),
        ("postgresql://[fd12::1/jld", []),
        ("no address", []),
    ],
)
def test_the_ports_of_an_address(address: str, found: list[int]) -> None:
    assert ports(address) == found


@given(st.text())
def test_any_text_has_ports_or_none(text: str) -> None:
    assert isinstance(ports(text), list)


def test_the_port_of_the_secret_address_is_the_one_that_opens(desk: Any) -> None:
    desk.write("site.yaml", SITE % "")
    for port in (6432, 7432):  # the second run follows the address too
        assert desk.run("values", "site.yaml", JLD_DB_URL=f"postgresql://jld:password@db:{port}/jld").exit_code == 0
        assert desk.read()["hub"]["db"] == {"external": True, "ports": [port]}
    before = desk.read()
    assert desk.run("values", "site.yaml").exit_code == 0
    assert desk.read() == before


def test_a_port_that_would_stay_closed_is_refused_without_showing_the_address(desk: Any) -> None:
    desk.write("site.yaml", SITE % ", ports: [5432, 6433]")
    result = desk.run("values", "site.yaml", JLD_DB_URL="postgresql://jld:pa55word@db.example.org:6432/jld")
    assert result.exit_code == 1
    assert (
        "hub.db.ports: the address in hub.secret.dbUrl has port 6432, which would stay closed to the hub; write [6432], or remove it"
        in result.output.replace("\n", " ")
    )
    assert "pa55word" not in result.output
    assert desk.run("values", "site.yaml", JLD_DB_URL="postgresql://jld@db.example.org:6433/jld").exit_code == 0
    assert desk.read()["hub"]["db"]["ports"] == [5432, 6433]


def test_a_port_that_there_is_not(desk: Any) -> None:
    desk.write("site.yaml", SITE % "")
    result = desk.run("check", "site.yaml", JLD_DB_URL="postgresql://jld@db.example.org:65536/jld")
    assert result.exit_code == 1
    assert "hub.secret.dbUrl: it names port 65536, and there is none" in result.output


def test_of_an_existing_secret_nothing_is_known(desk: Any) -> None:
    site = (SITE % ", ports: [6432]").replace("hub: {", "hub: {existingSecret: hub, ")
    desk.write("site.yaml", site.replace("nginx: {", "nginx: {routes: {existingSecret: hub}, "))
    assert desk.run("values", "site.yaml").exit_code == 0
    assert desk.read()["hub"]["db"]["ports"] == [6432]
