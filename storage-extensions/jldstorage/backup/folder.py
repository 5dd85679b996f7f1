"""The folder of archives: their names, one run at a time, and which generations stay.

An archive is written as NAME.part, synced, and renamed: what has an archive's name is whole.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

_PART = ".part"
_LOCK = ".lock"
_STAMP = r"\d{4}-\d{2}-\d{2}T\d{6}Z"


class BackupFailed(Exception):
    """A backup or restore that cannot go on. The message names place, cause and remedy."""


class ArchiveFolder:
    """The mounted folder of archives, with this run's time."""

    def __init__(self, path: Path, now: datetime | None = None) -> None:
        self.path = path
        self._stamp = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H%M%SZ")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One run at a time, also of Jobs that somebody made by hand. What killed runs left is removed."""
        try:
            descriptor = os.open(self.path / _LOCK, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BackupFailed(
                f"{self.path}: root cannot write there ({error.strerror}); the claim of storage.backup.claim must let root write"
            ) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BackupFailed("another backup runs on this volume; wait for its end") from error
            for part in self.path.glob(f"*{_PART}"):
                part.unlink()
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def writing(self, name: str, suffix: str) -> Iterator[Path]:
        """The path of a file to write. It gets its name at the end of the block, and is gone after an exception."""
        final = self.path / f"{name}-{self._stamp}{suffix}"
        part = final.with_name(final.name + _PART)
        if final.exists():
            raise BackupFailed(f"{final.name} is there already; run the backup again")
        try:
            part.touch(0o600, exist_ok=False)
            yield part
            _sync(part)
            part.rename(final)
            _sync(self.path)
        except OSError as error:
            raise written_badly(part, error) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def generations(self, name: str, suffix: str) -> list[Path]:
        """The whole archives of `name`, newest first."""
        pattern = re.compile(rf"{re.escape(name)}-{_STAMP}{re.escape(suffix)}")
        return sorted((path for path in self.path.iterdir() if pattern.fullmatch(path.name)), reverse=True)

    def drop_old(self, name: str, suffix: str, keep: int) -> None:
        """Remove all but the `keep` newest archives of `name`."""
        for old in self.generations(name, suffix)[keep:]:
            old.unlink()

    def find(self, wanted: str, name: str, suffix: str) -> Path:
        """The archive `wanted` of `name`; `latest` is the newest. Raises BackupFailed with what there is."""
        there = self.generations(name, suffix)
        for path in there:
            if wanted in ("latest", path.name):
                return path
        listed = ", ".join(path.name for path in there) or "none"
        raise BackupFailed(f"there is no archive {wanted} of {name}; there are: {listed}")


def written_badly(part: Path, error: OSError) -> BackupFailed:
    """The sentence for a file that could not be written."""
    return BackupFailed(
        f"{part.name} cannot be written: {error.strerror}. Earlier archives are untouched. When the volume is full, make it "
        "larger or keep fewer generations (storage.backup.keep): it must hold one more than are kept"
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
