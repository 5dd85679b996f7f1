"""A home that has to belong to a person: found, or made for them, and refused when it belongs to somebody else."""

import os
import stat


class HomeRefused(Exception):
    """What is there is not the home of that person."""


def require_home(top: int, name: str, uid: int, gid: int, source: str) -> None:
    """The folder `name` in the folder with the descriptor `top` is the home of uid:gid; made where it was not there.

    `source` says where this owner is written. Raises HomeRefused.
    """
    try:
        there = os.stat(name, dir_fd=top, follow_symlinks=False)
    except FileNotFoundError:
        os.mkdir(name, 0o700, dir_fd=top)
        there = os.stat(name, dir_fd=top, follow_symlinks=False)
    if not stat.S_ISDIR(there.st_mode):
        raise HomeRefused("it is a link or a file and no folder; move it away")
    if there.st_uid == uid:
        return
    if there.st_uid != os.geteuid():
        raise HomeRefused(f"it belongs to user {there.st_uid}, and in the {source} to user {uid}; nothing was changed")
    # Made above, by an interrupted run, or by the kubelet for the mount of a home that is not there.
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
    try:
        if os.listdir(descriptor):  # noqa: PTH208
            raise HomeRefused("it belongs to root and is not empty; move it away")
        os.fchmod(descriptor, 0o700)
        os.fchown(descriptor, uid, gid)
    finally:
        os.close(descriptor)
