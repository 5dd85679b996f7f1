"""Processes of one test run that share a cluster: the first starts it, and the last takes it away if it was started for them."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Users:
    """What the processes of a run know together, in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def first(self) -> Iterator[dict[str, Any] | None]:
        """Join. The first is given a document to fill in, while the others wait; they are given nothing."""
        with self._alone() as document:
            yield None if document["users"] else document["noted"]
            document["users"] += 1  # not where this one could not join

    @contextmanager
    def last(self) -> Iterator[dict[str, Any] | None]:
        """Leave. The last is given what the first filled in."""
        with self._alone() as document:
            document["users"] -= 1
            yield None if document["users"] else document["noted"]

    def noted(self) -> dict[str, Any]:
        """What the first filled in."""
        with self._alone() as document:
            return dict(document["noted"])

    @contextmanager
    def _alone(self) -> Iterator[dict[str, Any]]:
        with self._file.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            document = json.loads(file.read() or '{"users": 0, "noted": {}}')
            yield document
            file.truncate(0)
            file.write(json.dumps(document))


def shared_folder(base: Path, is_worker: bool) -> Path:
    """Where all processes of a run meet: pytest-xdist's each have a folder of their own in the run's."""
    return base.parent if is_worker else base
