"""What the tool accepts, the file server accepts: it reads its settings only when the old one has ended."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from generating import Data, values
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jld.rules.storage.nfs import MOST_EXPORTS, export_number
from jld.schema.chart import Chart
from jld.support.errors import SiteError
from jld.values.assembly import Sources, assemble
from jld.values.values_file import render_values as document
from nfs_settings import MOST_EXPORTS as MOST_OF_THE_SERVER
from nfs_settings import Export, Settings, read_settings
from rendering import CHART, helm

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SCHEMA = Chart(CHART).schema()
SITE = {
    "global": {"hostname": "jupyter.example.org"},
    "hub": {"auth": {"dummy": {"users": ["alice"]}}},
    "nginx": {"tls": {"existingSecret": "jupyter-tls"}},
}
STORAGE: Data = SCHEMA["properties"]["storage"]["properties"]
NAMES = values(STORAGE["volumes"]["propertyNames"] | {"type": "string"}, SCHEMA)
COLLIDING = ("envs65", "tables30")


@pytest.fixture(scope="module")
def storage_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chart of nothing but the file server's settings, which Helm renders in a moment."""
    chart = tmp_path_factory.mktemp("chart") / "storage"
    (chart / "templates").mkdir(parents=True)
    shutil.copy(CHART / "charts" / "storage" / "Chart.yaml", chart)
    shutil.copytree(CHART / "charts" / "storage" / "manifests", chart / "manifests")
    shutil.copy(CHART / "charts" / "storage" / "templates" / "server" / "configmap.yaml", chart / "templates")
    shutil.copy(CHART / "templates" / "_helpers.tpl", chart / "templates")
    return chart


def accepted(storage: Data, folder: Path) -> dict[str, Any] | None:
    """The effective values of the storage, as `jld check` accepts them; None where it refuses the site."""
    site = folder / "site.yaml"
    site.write_bytes(document(SITE | {"storage": storage}))
    with suppress(SiteError):
        return dict(assemble(Sources([site]), Chart(CHART), NOW).effective["storage"])
    return None


def served(storage: Data, chart: Path) -> Settings:
    """What the file server makes of its rendered settings. Raises Refused."""
    (chart / "values.yaml").write_bytes(document(storage))
    done = helm("helm3", "template", "jld", chart)
    assert done.returncode == 0, done.stderr
    file = chart / "nfs.yaml"
    file.write_text(yaml.safe_load(done.stdout)["data"]["nfs.yaml"])
    return read_settings(file)


def volumes(*names: str, **keys: str) -> Data:
    return {name: {"mountPath": f"/{name}", **keys} for name in names}


@st.composite
def storages(draw: st.DrawFn) -> Data:
    """What the schema lets a site write about the file server and its volumes."""
    rule = SCHEMA["$defs"]["volume"]["properties"]
    names = st.lists(NAMES | st.sampled_from(COLLIDING), max_size=4, unique=True) | st.integers(25, 40).map(
        lambda number: [f"volume-{each}" for each in range(number)]
    )
    own = st.fixed_dictionaries(
        {}, optional={"directoryMode": values(rule["directoryMode"], SCHEMA), "existingClaim": st.just("disk")}
    )
    nfs = st.fixed_dictionaries(
        {}, optional={key: values(STORAGE["nfs"]["properties"][key], SCHEMA) for key in ("clients", "gracePeriod")}
    )
    every = volumes("home", *draw(names))
    return {
        "mode": "nfs",
        "nfs": draw(nfs),
        "volumes": {name: {**volume, **draw(own)} for name, volume in every.items()},
    }


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(storage=storages())
@example(storage={"mode": "nfs", "volumes": volumes("home", *COLLIDING)})
@example(storage={"mode": "nfs", "volumes": volumes("home", *(f"v{number}" for number in range(32)))})
@example(storage={"mode": "nfs", "volumes": volumes("home", existingClaim="disk")})
@example(
    storage={
        "mode": "nfs",
        "nfs": {"clients": [f"2001:0db8:0000:0000:0000:0000:{n:04x}:0000/112" for n in range(1800)]},
    }
)
@example(storage={"mode": "nfs", "nfs": {"gracePeriod": "180s"}})
def test_what_the_tool_accepts_the_file_server_accepts(storage: Data, storage_alone: Path) -> None:
    effective = accepted(storage, storage_alone.parent)
    if effective:
        offered = served(effective, storage_alone)
        assert {export.name for export in offered.exports} == {
            name for name, volume in effective["volumes"].items() if not volume.get("existingClaim")
        }


@pytest.mark.parametrize(
    ("storage", "good"),
    [
        ({"volumes": volumes("home", *(f"v{number}" for number in range(31)))}, True),
        ({"volumes": volumes("home", *(f"v{number}" for number in range(32)))}, False),
        ({"volumes": volumes("home", *COLLIDING)}, False),
        ({"volumes": volumes("home", COLLIDING[0]) | volumes(COLLIDING[1], existingClaim="tables")}, True),
        ({"volumes": volumes("home", existingClaim="disk")}, False),
        ({"volumes": volumes("home", existingClaim="disk") | volumes("scratch")}, True),
        ({"nfs": {"clients": [f"10.{n // 256}.{n % 256}.0/24" for n in range(500)]}}, True),
        ({"nfs": {"clients": [f"10.{n // 256}.{n % 256}.0/24" for n in range(501)]}}, False),
        ({"nfs": {"gracePeriod": "1s"}}, True),
    ],
)
def test_the_tool_refuses_what_the_file_server_refuses_and_no_more(storage: Data, good: bool, tmp_path: Path) -> None:
    assert bool(accepted({"mode": "nfs", **storage}, tmp_path)) is good


@pytest.mark.parametrize("mode", ["claim", "external", "hostPath"])
def test_without_the_file_server_its_limits_do_not_count(mode: str, tmp_path: Path) -> None:
    many = volumes("home", *COLLIDING, *(f"v{number}" for number in range(40)))
    external = {"external": {"server": "nfs.example.org"}} if mode == "external" else {}

    assert accepted({"mode": mode, "volumes": many, **external}, tmp_path)


@given(NAMES)
def test_the_tool_and_the_file_server_count_alike(name: str) -> None:
    assert export_number(name) == Export(name, 0o755, read_only=False, squash="none").export_id
    assert MOST_EXPORTS == MOST_OF_THE_SERVER
