"""Files with holes: where their data is, and how an archive tells it (GNU's sparse format 1.0, which tar knows too)."""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence

Segments = Sequence[tuple[int, int]]  # offset and length of each piece of data

_MOST_SEGMENTS = 200_000
_BLOCK = 512


class TooManyHoles(Exception):
    """The file has more pieces, or more that reads as zeros, than a run could take."""


def segments(descriptor: int, info: os.stat_result) -> Segments:
    """Where the data of a regular file is. One segment where there is no hole. Raises TooManyHoles."""
    found: list[tuple[int, int]] = []
    for segment in _data(descriptor, info.st_size):
        found.append(segment)
        if len(found) > _MOST_SEGMENTS:
            raise TooManyHoles
    # A file server that does not tell holes, and a person who made a file of exbibytes of them: it would never end.
    if sum(length for _, length in found) > 1000 * (info.st_blocks * _BLOCK + 2**30):
        raise TooManyHoles
    return found


def _data(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
            end = min(os.lseek(descriptor, start, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
            start, end = end, size
        if start < size:
            yield start, end - start


def is_sparse(found: Segments, size: int) -> bool:
    return sum(length for _, length in found) < size


def headers(name: str, size: int) -> Mapping[str, str]:
    """The pax headers of a sparse member."""
    return {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": name,
        "GNU.sparse.realsize": str(size),
    }


def table(found: Segments, size: int) -> bytes:
    """What stands before the member's data: the segments, and that the file ends at `size`."""
    listed = [*found, (size, 0)]
    text = f"{len(listed)}\n" + "".join(f"{offset}\n{length}\n" for offset, length in listed)
    return text.encode("ascii").ljust(-(-len(text) // _BLOCK) * _BLOCK, b"\0")
