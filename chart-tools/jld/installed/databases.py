"""The drivers of databases that SQLAlchemy finds in the hub's image."""

from __future__ import annotations

import pkgutil
from collections.abc import Container, Iterator
from importlib import import_module
from importlib.metadata import packages_distributions
from sys import stdlib_module_names
from typing import Any

from sqlalchemy import dialects


def drivers(packages: Container[str]) -> dict[str, list[str]]:
    """The drivers that the hub can use, by the name of the database, where the image has nothing but `packages`."""
    return {name: sorted(set(_drivers(name, packages))) for name in sorted(dialects.__all__)}


def _drivers(database: str, packages: Container[str]) -> Iterator[str]:
    above = import_module(f"sqlalchemy.dialects.{database}")
    for found in pkgutil.iter_modules(above.__path__):
        dialect = getattr(import_module(f"{above.__name__}.{found.name}"), "dialect", None)
        # JupyterHub speaks to its database without asyncio.
        if dialect is not None and not dialect.is_async and _is_installed(dialect, packages):
            yield dialect.driver


def _is_installed(dialect: Any, packages: Container[str]) -> bool:
    try:
        module = dialect.import_dbapi().__name__.partition(".")[0]
    except (ImportError, NotImplementedError):
        return False
    return module in stdlib_module_names or any(each in packages for each in packages_distributions().get(module, ()))
