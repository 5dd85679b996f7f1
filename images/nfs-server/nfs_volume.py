"""The volume with the exports: its folders, the server's identity, and whether its file system can be exported."""

import ctypes
import fcntl
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
    require_lasting_number(volume, os.statvfs(volume).f_fsid, volume.stat().st_dev)
    try:
        require_folder(state, 0o700)
        wait_to_be_alone(state / "lock")
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
        raise Refused(f"{volume}: Ganesha does not export {kinds[-1]}; use a volume with ext4 or Btrfs")


def require_lasting_number(volume: Path, number: int, device: int) -> None:
    """Raise Refused where the file system's `number` (statfs's f_fsid) is made of the device's.

    File handles contain it, and a disk has another device number on another node: each mount would be stale for good.
    XFS makes it so, ext4 and Btrfs make it of their UUID.
    """
    major, minor = os.major(device), os.minor(device)
    # The kernel's huge_encode_dev(), <linux/kdev_t.h>.
    if number == (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12):
        raise Refused(
            f"{volume}: its file system is known by the number of its device, as XFS is, so every mount would break when "
            "the disk moves to another node; use a volume with ext4, as a StorageClass with the parameter "
            "csi.storage.k8s.io/fstype: ext4 makes one, and copy the files to it"
        )


def wait_to_be_alone(path: Path) -> None:
    """Lock the file for as long as this process and the one that it becomes live: two servers would spoil one disk.

    Kubernetes may start a second one beside the first, for example when a node does not answer and its pod is deleted.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{path}: another NFS server serves this volume; waiting for its end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)


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
                "use a volume with ext4 or Btrfs"
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
