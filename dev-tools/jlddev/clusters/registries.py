"""Registries from which the native node pulls, with certificates of a CA of their own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jlddev.clusters import load, native


@contextmanager
def trusted(registry: str, authority: Path) -> Iterator[None]:
    """Let the node pull from a registry, `HOST:PORT`, whose certificate is of the CA in this file.

    At the end it forgets the registry and what it pulled from there.
    """
    folder = native.CONFIG / "registries" / registry
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(authority, folder / "ca.crt")
    try:
        yield
    finally:
        shutil.rmtree(folder)
        load.remove_from_native(f"{registry}/")
