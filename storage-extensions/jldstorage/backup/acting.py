"""What the process may do: root's rights to read an archive, a person's rights to write into their home."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def acting_as(uid: int, gid: int) -> Iterator[None]:
    """Files are read and written with this user's and group's rights, and no capability. Needs SETUID and SETGID."""
    if os.geteuid() == uid:
        yield
        return
    before = os.geteuid(), os.getegid(), os.getgroups()
    os.setgroups([gid])
    os.setegid(gid)
    os.seteuid(uid)  # the kernel takes away the effective capabilities with user 0
    try:
        yield
    finally:
        os.seteuid(before[0])
        os.setegid(before[1])
        os.setgroups(before[2])
