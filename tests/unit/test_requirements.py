"""What images install is what `uv.lock` says: nobody forgets `make lock` after a change of pyproject.toml."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[2]
Pin = tuple[str, str]


def read(path: str) -> dict[str, Any]:
    return tomllib.loads((CHECKOUT / path).read_text())


GROUPS = read("pyproject.toml")["dependency-groups"]
ASKED: dict[str, list[str]] = {
    "hub": read("hub-extensions/pyproject.toml")["project"]["dependencies"],
    "lab": GROUPS["lab"],
    "lab-science": GROUPS["lab-science"],
}


@pytest.fixture(scope="module")
def locked() -> dict[Pin, set[str]]:
    """The hashes of what is known of a package of some version."""
    return {
        (package["name"], package["version"]): {
            each["hash"] for each in (*package.get("wheels", []), package.get("sdist")) if each
        }
        for package in read("uv.lock")["package"]
    }


def pinned(image: str) -> dict[Pin, set[str]]:
    """Name and version of what an image installs, each with the hashes that pip accepts."""
    text = (CHECKOUT / "images" / image / "requirements.txt").read_text()
    lines = [line for line in text.replace("\\\n", "").splitlines() if not line.lstrip().startswith("#")]
    parts = [line.partition("==") for line in lines]
    return {(name, rest.split()[0]): set(re.findall(r"sha256:\w+", rest)) for name, _, rest in parts}


@pytest.mark.parametrize("image", ASKED)
def test_an_image_installs_what_is_locked(image: str, locked: dict[Pin, set[str]]) -> None:
    installed = pinned(image)
    assert {pin: locked.get(pin) for pin in installed} == installed
    assert {canonicalize_name(Requirement(each).name) for each in ASKED[image]} <= {name for name, _ in installed}


def test_nothing_builds_a_grammar_at_each_start(locked: dict[Pin, set[str]]) -> None:
    """It would be a second of each start of a hub and of a lab: jsonschema imports the package wherever it is installed."""
    assert "rfc3987-syntax" not in {name for name, _ in locked}


def test_each_image_that_installs_python_packages_is_looked_at() -> None:
    assert {path.parent.name for path in CHECKOUT.glob("images/*/requirements.txt")} == set(ASKED)


def test_the_lab_for_science_adds_to_the_small_one_and_changes_nothing_of_it() -> None:
    small, science = set(pinned("lab")), set(pinned("lab-science"))
    names = {name for name, _ in small}
    assert {pin for pin in science if pin[0] in names} <= small
    assert science - small
