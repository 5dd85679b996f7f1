"""Registries from which the native nodes pull, with certificates of a CA of their own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jlddev.clusters import load, nodes, workers


@contextmanager
def trusted(registry: str, authority: Path) -> Iterator[None]:
    """Let the nodes pull from a registry, `HOST:PORT`, whose certificate is of the CA in this file.

    A node that joins may too. At the end they forget the registry and what they pulled from there.
    """
    folder = nodes.FIRST.config / "registries" / registry
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(authority, folder / "ca.crt")
    for worker in nodes.running()[1:]:
        workers.trust_registries(worker)
    try:
        yield
    finally:
        for node in (nodes.FIRST, *nodes.WORKERS):
            shutil.rmtree(node.config / "registries" / registry, ignore_errors=True)
        load.remove_from_native(f"{registry}/")
