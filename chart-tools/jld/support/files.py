"""Replace a file as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from jld.support.errors import EnvironmentUnfit

PRIVATE = 0o600


def replace_file(path: Path, content: bytes, mode: int = PRIVATE) -> bool:
    """Make `path` hold `content`; return whether it changed. A reader sees the old file or the new one, never a part.

    A symbolic link stays, and the file that it names is replaced.
    """
    target = path.resolve()
    try:
        if target.is_file() and target.stat().st_mode & 0o777 == mode and target.read_bytes() == content:
            return False
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):  # it is gone when it became the new file
            Path(temporary).unlink()
    _sync_folder(target.parent)
    return True


def _sync_folder(folder: Path) -> None:
    """Write the new name to the disk. A file system that cannot sync folders loses nothing of the content."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> EnvironmentUnfit:
    return EnvironmentUnfit(
        f"{path}: cannot be written ({error.strerror}); make its folder writable, or name another file"
    )
