"""Creates a person's home directory before their lab starts, unless it exists.

The text of this file is the program of the lab pod's init container, which runs as root. So it is one file that imports
the standard library only. It contains no dollar sign, because Kubernetes expands variables in a container's arguments.
"""

import errno
import os
import stat
import sys
from contextlib import suppress

MODE = 0o700
_SQUASHED = (
    "the file server maps root to somebody else (root_squash, or an access point with a user of its own); an administrator "
    "must export it with no_root_squash, or make the homes and write hub.lab.provisionHomes: false"
)
_REMEDIES = {
    errno.EACCES: _SQUASHED,
    errno.EPERM: _SQUASHED,
    errno.ENOTDIR: "it is a link or a file and no directory; an administrator must move it away",
    errno.ELOOP: "it is a link or a file and no directory; an administrator must move it away",
    errno.ESTALE: (
        "the node has mounted what the file server no longer has; an administrator must drain the node, so that it mounts "
        "anew, and see whether the volume was replaced"
    ),
    errno.EIO: "the disk or the file server is faulty; an administrator must look at its log before anybody works on it",
    errno.EROFS: "an administrator must mount it writable; a disk with errors is mounted so by itself",
    errno.ENOSPC: "an administrator must remove files or enlarge the disk",
    errno.EDQUOT: "an administrator must remove files or raise the quota",
    errno.ETIMEDOUT: "the file server does not answer; an administrator must look whether it runs",
}


class HomeUnusable(Exception):
    """The home directory cannot be used. The message says why, and what an administrator must do."""


def provision(root: str, name: str, uid: int, gid: int) -> bool:
    """Create the directory `name` below `root` and give it to uid:gid. True when it was created, False when it existed.

    Raises HomeUnusable.
    """
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise HomeUnusable(f"{name!r} is not the name of a home directory")
    if uid < 1 or gid < 1:
        raise HomeUnusable(f"a home directory cannot belong to {uid}:{gid}")
    path = root
    try:
        root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        path = f"{root}/{name}"
        try:
            return _provision_below(root_fd, path, name, uid, gid)
        finally:
            os.close(root_fd)
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "an administrator must look at the volume of the homes")
        raise HomeUnusable(f"{path}: {error.strerror}; {remedy}") from error


def _provision_below(root_fd: int, path: str, name: str, uid: int, gid: int) -> bool:
    with suppress(FileExistsError):
        os.mkdir(name, MODE, dir_fd=root_fd)
    # Never through a symbolic link: everything below uses this descriptor and not the name.
    home_fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root_fd)
    try:
        owner = os.fstat(home_fd).st_uid
        if owner == uid:
            return False
        # An empty directory of root was created above, by an interrupted start, or by the kubelet for a subPath mount.
        if owner != 0 or os.listdir(home_fd):  # noqa: PTH208
            raise HomeUnusable(
                f"{path} belongs to user {owner} and not to user {uid}; "
                f"an administrator must move it away or give it to {uid}"
            )
        os.fchmod(home_fd, MODE)
        os.fchown(home_fd, uid, gid)
        made = os.fstat(home_fd)
        if (made.st_uid, made.st_gid, stat.S_IMODE(made.st_mode)) != (uid, gid, MODE):
            raise HomeUnusable(f"{path} could not be given to {uid}:{gid}; {_SQUASHED}")
        return True
    finally:
        os.close(home_fd)


def main(arguments: list[str]) -> int:
    root, name, uid, gid = arguments
    try:
        made = provision(root, name, int(uid), int(gid))
    except HomeUnusable as refusal:
        print(f"home directory refused: {refusal}", file=sys.stderr)
        return 1
    print(f"home directory of {name} {'made' if made else 'found'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
