"""Archives in a folder of the test's own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jldstorage.backup.folder import ArchiveFolder


class Clock:
    """A folder of archives whose every run is an hour later."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = datetime(2026, 1, 31, 2, tzinfo=UTC)

    def next_run(self) -> ArchiveFolder:
        self.now += timedelta(hours=1)
        return ArchiveFolder(self.path, self.now)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir() if path.name != ".lock")


@pytest.fixture
def archives(tmp_path: Path) -> Clock:
    (tmp_path / "archives").mkdir()
    return Clock(tmp_path / "archives")


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    (tmp_path / "volumes" / "home").mkdir(parents=True)
    return tmp_path / "volumes" / "home"
