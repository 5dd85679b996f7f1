"""Which log files filebeat has open, and which of them are deleted.

filebeat's statistics do not tell it: `filebeat.harvester.open_files` counts files without saying which are deleted (and is 0 in
some releases), and a look at the log folder shows which files exist, but not which of them are open.
So this looks where the kernel tells it, at the file descriptors of filebeat's process in /proc: a file that has no name any more has
no links. That is exact, for any version of filebeat, and needs two things of the pod: `shareProcessNamespace: true`, and an exporter
that runs as the same user and group as filebeat, with no capability less. Without them the numbers are not known, and are left out.

Limits: it is what is open at the moment of the look. filebeat keeps a deleted file open for a while after it has read its end (see
`close.on_state_change.inactive` in its configuration), so that some are normal where pods end or files rotate. A file that was
deleted before filebeat opened it is not seen here, nor is it read by anybody.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = "filebeat"
_BLOCK = 512  # bytes: the unit of st_blocks, whatever the file system
_REMEDY = "the pod needs shareProcessNamespace, and the exporter filebeat's user and group"


class FilesHidden(Exception):
    """Which files filebeat has open cannot be seen. The text is a sentence."""


@dataclass(frozen=True)
class OpenFiles:
    """Log files that filebeat has open, each counted once."""

    open: int
    deleted: int  # of those
    deleted_bytes: int  # that the deleted ones take on the disk


def open_files(proc: Path, folder: Path) -> OpenFiles:
    """Count the files below `folder`, as filebeat sees it, that filebeat has open. Raises FilesHidden."""
    try:
        processes = [each for each in proc.iterdir() if each.name.isdigit() and _program(each) == _PROGRAM]
        if not processes:
            raise FilesHidden(f"filebeat's open files: {proc} shows no process {_PROGRAM}; {_REMEDY}")
        found = {(file.st_dev, file.st_ino): file for each in processes for file in _opened(each / "fd", folder)}
    except OSError as error:
        raise FilesHidden(f"filebeat's open files: {error.filename}: {error.strerror}; {_REMEDY}") from error
    deleted = [file for file in found.values() if file.st_nlink == 0]
    return OpenFiles(len(found), len(deleted), sum(file.st_blocks * _BLOCK for file in deleted))


def _program(process: Path) -> str:
    try:
        return (process / "comm").read_text().rstrip("\n")
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return ""


def _opened(descriptors: Path, folder: Path) -> Iterator[os.stat_result]:
    """The files below a folder that a process has open. Raises OSError where the process may not be looked into."""
    for descriptor in descriptors.iterdir():
        try:
            if str(descriptor.readlink()).startswith(f"{folder}/"):  # a deleted file's name has ` (deleted)` behind it
                yield descriptor.stat()
        except FileNotFoundError:  # it was closed meanwhile
            continue
