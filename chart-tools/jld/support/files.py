"""Read whatever a person names as a file, and replace a file as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import tempfile
from pathlib import Path

from jld.support.errors import EnvironmentUnfit

PRIVATE = 0o600
_WAIT = 60.0  # seconds for a pipe's next bytes: whoever writes may ask a person for a pass phrase first
_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def read_start(path: Path, limit: int) -> bytes:
    """The first `limit` bytes of a file, a pipe or a device.

    Raises OSError for whatever else a person may name; TimeoutError, which is one, when nobody writes to a pipe.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except ValueError:  # a character that no name has
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from None
    content = bytearray()
    try:
        ready = select.poll()
        ready.register(descriptor, select.POLLIN)
        while len(content) < limit:
            if not ready.poll(_WAIT * 1000):
                raise TimeoutError(errno.ETIMEDOUT, "nobody writes to it")
            part = os.read(descriptor, min(limit - len(content), 1 << 20))
            if not part:
                break
            content += part
    finally:
        os.close(descriptor)
    return bytes(content)


def kind_of(path: Path) -> str | None:
    """What a path names, where that is no file that can be replaced: a folder, a pipe, a device. None for all else."""
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):
        return None
    return None if kind == stat.S_IFREG else _KINDS.get(kind, "a device")


def is_file(path: Path) -> bool:
    """Whether a path names a file. One that cannot be a path, or cannot be looked at, names none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def replace_file(path: Path, content: bytes, mode: int = PRIVATE) -> bool:
    """Make `path` hold `content`; return whether it changed. A reader sees the old file or the new one, never a part.

    A symbolic link stays, and the file that it names is replaced.
    """
    if kind := kind_of(path):
        raise EnvironmentUnfit(f"{path}: is {kind}; name a file")
    try:
        target = path.resolve()
        if target.is_file() and target.stat().st_mode & 0o777 == mode and target.read_bytes() == content:
            return False
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".jld.")
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: symbolic links in a circle
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


def _unwritable(path: Path, error: Exception) -> EnvironmentUnfit:
    reason = error.strerror if isinstance(error, OSError) else "not the name of a file"
    return EnvironmentUnfit(f"{path}: cannot be written ({reason}); make its folder writable, or name another file")
