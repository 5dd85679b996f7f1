"""The tree answers where a thing lives: small modules, few beside each other, in packages that say what they hold."""

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ["chart-tools/jld", "dev-tools/jlddev", "hub-extensions/jldhub", "storage-extensions/jldstorage"]
MOST_LINES = 300
MOST_MODULES = 12  # in one folder, which a reader takes in at a glance


def folders(package: str) -> list[Path]:
    return sorted({module.parent for module in (CHECKOUT / package).rglob("*.py")})


def modules(folder: Path) -> list[Path]:
    return [module for module in folder.glob("*.py") if module.name != "__init__.py"]


@pytest.mark.parametrize("package", [*PACKAGES, "images"])
def test_no_module_is_too_long(package: str) -> None:
    lines = {
        str(module.relative_to(CHECKOUT)): len(module.read_text().splitlines())
        for folder in folders(package)
        for module in modules(folder)
    }

    assert lines
    assert {name: number for name, number in lines.items() if number > MOST_LINES} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_holds_too_many_modules(package: str) -> None:
    numbers = {str(folder.relative_to(CHECKOUT)): len(modules(folder)) for folder in folders(package)}

    assert {name: number for name, number in numbers.items() if number > MOST_MODULES} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_what_it_holds(package: str) -> None:
    # Below `inside` are programs for a lab, which nothing here imports.
    packages = [folder for folder in folders(package) if "inside" not in {parent.name for parent in folder.parents}]
    texts = {str(folder.relative_to(CHECKOUT)): (folder / "__init__.py").read_text() for folder in packages}

    assert [name for name, text in texts.items() if not ast.get_docstring(ast.parse(text))] == []
