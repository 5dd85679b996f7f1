"""The table of what the hub's image has installed says the same as the installed packages."""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import kubernetes_validate.utils  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jld.installed.table import table
from jld.rules.traits import accepting, hub_image, pod_types, using
from jld.rules.traits.owned import CLASSES, OPTIONS, OWNED
from sqlalchemy import create_engine
from sqlalchemy.exc import NoSuchModuleError
from tornado.httpclient import HTTPRequest

from tests.unit.test_requirements import CHECKOUT, pinned

NEWEST = kubernetes_validate.utils.latest_version()
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)  # else read for each pod
REQUIREMENTS = CHECKOUT / "images" / "hub" / "requirements.txt"
VALUES: list[Any] = [
    *(True, False, 0, 1, -1, 2, 10, 0.5, 1.0, 1.5, "", "a", "10", "DEBUG", "INFO", "autorename", "null"),
    *([], ["a"], [1], [[]], [{}], {}, {"a": 1}, {"a": "b"}, {"a": ["b"]}, {"a": [1]}, {1: "a"}),
]
LOGINS = {
    point.name: point
    for point in entry_points(group="jupyterhub.authenticators")
    if point.name in hub_image.table()["options"]
}
WHOSE = {name: getattr(import_module(module), name) for name, module in CLASSES.items()}


def test_the_table_is_of_the_packages_that_are_installed(desk: Any) -> None:
    assert hub_image.FILE.read_text() == table(REQUIREMENTS)
    assert desk.run("installed", "--check").exit_code == 0


def test_the_table_is_of_the_packages_in_the_image() -> None:
    of_image = dict(iter(pinned("hub")))
    told = {name: version for name, version in hub_image.table()["packages"].items() if name in of_image}
    assert told == {name: of_image[name] for name in told}
    assert {"jupyterhub", "jupyterhub-kubespawner", "oauthenticator", "sqlalchemy", "psycopg"} <= told.keys()


def takes(cls: Any, trait: Any, value: Any) -> bool:
    """As the hub asks it."""
    try:
        getattr(trait, "validate", lambda _, value: value)(cls.__new__(cls), value)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("name", [*WHOSE, *LOGINS])
def test_a_trait_takes_the_same_values_without_its_class(name: str) -> None:
    cls = WHOSE[name] if name in WHOSE else LOGINS[name].load()
    known = hub_image.traits(name) if name in WHOSE else hub_image.table()["options"][name]
    traits = cls.class_traits(config=True)
    assert known.keys() == traits.keys()
    differing = []
    for trait in traits.keys() - (OWNED.get(name) or OPTIONS).keys():
        for value in VALUES:
            says = not any(accepting.faults(trait, known[trait], value))
            if trait.endswith("_hook"):  # a function is no YAML
                right = not says
            elif (
                isinstance(value, bool) or known[trait]["kind"] == "Bool"
            ):  # Python counts True as 1, and YAML does not
                right = takes(cls, traits[trait], value) or not says
            else:
                right = says == takes(cls, traits[trait], value)
            if not right:
                differing.append((trait, value, says))
    assert differing == []


@pytest.mark.parametrize("database", hub_image.table()["drivers"])
def test_the_drivers_are_those_that_sqlalchemy_loads(database: str) -> None:
    for driver in (
        "psycopg",
        "psycopg2",
        "pg8000",
        "pysqlite",
        "pysqlcipher",
        "pymysql",
        "mysqldb",
        "pyodbc",
        "oracledb",
    ):
        try:
            create_engine(f"{database}+{driver}://")
            loaded = True
        except (ImportError, NoSuchModuleError):
            loaded = False
        assert (driver in hub_image.table()["drivers"][database]) == loaded


SCALARS = st.none() | st.booleans() | st.integers(-1, 70000) | st.sampled_from(["Exists", "In", "Always", "a", ""])


def of_type(name: str, depth: int = 3) -> st.SearchStrategy[Any]:
    """Mostly what the API takes, and now and then what it does not."""
    right: dict[str, st.SearchStrategy[Any]] = {
        "string": st.sampled_from(["Exists", "In", "a", "NoExecute"]),
        "integer": st.integers(1, 90),
        "boolean": st.booleans(),
        "quantity": st.sampled_from(["1", "2Gi"]),
        "int-or-string": st.sampled_from([80, "http"]),
    }
    if name in right:
        chosen = right[name]
    elif name.startswith("list["):
        chosen = st.lists(of_type(name[5:-1], depth), min_size=1, max_size=2)
    elif name.startswith("map["):
        chosen = st.dictionaries(st.sampled_from(["a", "b"]), of_type(name[4:-1], depth), max_size=2)
    elif depth == 0 or name not in hub_image.table()["types"]:
        chosen = st.just({})
    else:
        described = hub_image.table()["types"][name]
        keys = {key: st.deferred(lambda of=of: of_type(of, depth - 1)) for key, of in described["keys"].items()}
        needed = {key: keys.pop(key) for key in described["required"]}
        chosen = st.fixed_dictionaries(needed, optional=keys)
    return st.integers(0, 30).flatmap(lambda dice: SCALARS if dice == 0 else chosen)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.data())
def test_what_the_table_accepts_of_a_pod_the_api_accepts(data: st.DataObject) -> None:
    kind = data.draw(
        st.sampled_from(["Toleration", "Affinity", "Lifecycle", "Probe", "Volume", "ResourceRequirements"])
    )
    value = data.draw(of_type(kind))
    container = {"name": "a", "image": "a"}
    spec: dict[str, Any] = {"containers": [container]}
    match kind:
        case "Toleration":
            spec["tolerations"] = [value]
        case "Volume":
            spec["volumes"] = [value]
        case "Affinity":
            spec["affinity"] = value
        case "Lifecycle":
            container |= {"lifecycle": value}
        case "Probe":
            container |= {"livenessProbe": value}
        case _:
            container |= {"resources": value}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
    try:
        kubernetes_validate.validate(pod, NEWEST, strict=True)
        accepted = True
    except kubernetes_validate.ValidationError:
        accepted = False
    assert accepted or any(pod_types.violations(f"V1{kind}", value))


def test_the_arguments_of_requests_are_those_that_tornado_takes() -> None:
    taken = inspect.signature(HTTPRequest.__init__).parameters
    assert set(using.REQUEST_ARGUMENTS) <= set(taken)
