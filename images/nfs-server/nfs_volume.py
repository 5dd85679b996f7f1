"""The volume with the exports: its folders, the server's identity, and whether its file system can be exported."""

import ctypes
import os
import stat
import uuid
from pathlib import Path

from nfs_settings import Export, Refused

# Ganesha silently skips these file systems, and exports nothing.
NOT_EXPORTED = ("tmpfs", "nfs", "nfs4")
AT_EMPTY_PATH = 0x1000  # <fcntl.h>


def prepare_volume(volume: Path, state: Path, exports: tuple[Export, ...]) -> str:
    """Create missing folders on the volume; existing ones are unchanged.

    Returns the server's identity. Raises Refused.
    """
    require_file_system(volume, Path("/proc/self/mounts").read_text())
    try:
        require_folder(state, 0o700)
        for export in exports:
            require_folder(volume / export.name, export.mode)
        identity = server_identity(state / "server-id")
    except OSError as error:
        raise Refused(
            f"{error.filename or volume}: {error.strerror}; give the server a volume that it can write"
        ) from error
    require_handles(volume)
    return identity


def require_file_system(volume: Path, mounts: str) -> None:
    """Raise Refused unless a file system of the right kind is mounted on the volume's folder."""
    kinds = [kind for _, folder, kind, *_ in map(str.split, mounts.splitlines()) if folder == str(volume)]
    if not kinds:
        raise Refused(f"{volume}: no volume is mounted there; mount the claim that holds the data")
    if kinds[-1] in NOT_EXPORTED:
        raise Refused(f"{volume}: Ganesha does not export {kinds[-1]}; use a volume with ext4, XFS or Btrfs")


def require_folder(path: Path, mode: int) -> None:
    """Create a folder unless it exists. Raises Refused for anything else at the path.

    The mode is set before the folder gets its name, so that an interrupted start leaves none with another mode.
    """
    try:
        existing = path.lstat()
    except FileNotFoundError:
        new = path.with_name(f".{path.name.lstrip('.')}.new")
        new.mkdir(exist_ok=True)
        new.chmod(mode)
        new.rename(path)
        return
    if not stat.S_ISDIR(existing.st_mode):
        raise Refused(f"{path}: is a link or a file and no folder; move it away")


def server_identity(path: Path) -> str:
    """The UUID in the file `path`, which is created with a random one. Raises Refused.

    Clients reclaim locks only from a server with the same identity (RFC 8881, section 2.10.4), and take two servers
    with equal identities for one. So it is stored on the volume, and is neither the pod's name nor a constant.
    """
    try:
        return str(uuid.UUID(path.read_text().strip()))
    except FileNotFoundError:
        pass
    except ValueError as error:
        raise Refused(
            f"{path}: is not an identity; remove the file, and clients lose the locks that they hold"
        ) from error
    identity = str(uuid.uuid4())
    new = path.with_suffix(".new")
    with new.open("w") as file:
        file.write(identity + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    return identity


class FileHandle(ctypes.Structure):
    """struct file_handle of name_to_handle_at(2), with room for MAX_HANDLE_SZ bytes."""

    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("handle", ctypes.c_ubyte * 128)]


def require_handles(volume: Path) -> None:
    """Raise Refused where the file system has no file handles, or the container may not open files by them."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle, mount = FileHandle(bytes=128), ctypes.c_int()
    directory = os.open(volume, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if libc.name_to_handle_at(directory, b"", ctypes.byref(handle), ctypes.byref(mount), AT_EMPTY_PATH):
            raise Refused(
                f"{volume}: its file system gives no file handles ({os.strerror(ctypes.get_errno())}); "
                "use a volume with ext4, XFS or Btrfs"
            )
        opened = libc.open_by_handle_at(directory, ctypes.byref(handle), os.O_RDONLY)
        if opened < 0:
            raise Refused(
                f"{volume}: files cannot be opened by handle ({os.strerror(ctypes.get_errno())}); "
                "give the container the capability DAC_READ_SEARCH"
            )
        os.close(opened)
    finally:
        os.close(directory)
