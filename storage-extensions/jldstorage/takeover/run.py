"""Takes homes over, one after the other: finds the old one and the person's, and notes on the volume what is done."""

import fcntl
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic

from jldstorage.backup.owner import HomeRefused, require_home
from jldstorage.backup.tree import Notes
from jldstorage.takeover.copying import Copied, HomeCopier
from jldstorage.takeover.names import escaped, old_names, slug, unescaped
from jldstorage.takeover.people import Person

# Beside the homes, where no lab mounts: a file for each old home, which is empty until that home is complete.
DONE = ".jld-taken-over"
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_EVERY = 10.0  # seconds between two lines about one home
_REMEDY = "mend the cause and create the Job again, which goes on from here"


@dataclass(frozen=True)
class Outcome:
    """What became of one old home."""

    name: str
    was_left: bool
    sentence: str

    def __str__(self) -> str:
        return f"{ascii(self.name)[1:-1]}: {self.sentence}"


class _Left(Exception):
    """The home is not taken over. The message says why."""


class TakeOver:
    """A run: from the folder `old`, with a folder for each old home, into `new`, the volume of the homes."""

    def __init__(self, old: Path, new: Path, say: Callable[[str], None]) -> None:
        self._old, self._new, self._say = old, new, say

    def run(self, people: Sequence[Person]) -> Sequence[Outcome]:
        """An outcome for each person. Raises OSError where a volume cannot be used at all."""
        old, new = os.open(self._old, _OPEN_FOLDER), os.open(self._new, _OPEN_FOLDER)
        with suppress(FileExistsError):
            os.mkdir(DONE, 0o700, dir_fd=new)
        done = os.open(DONE, _OPEN_FOLDER, dir_fd=new)
        try:
            sources = [_source(old, person) for person in people]
            return [self._one(person, sources, old, new, done) for person in people]
        finally:
            for descriptor in (done, new, old):
                os.close(descriptor)

    def not_listed(self, people: Sequence[Person]) -> Sequence[str]:
        """Old homes of which no person of the list can be the owner."""
        listed = {name for person in people for name in old_names(person.was)}
        return sorted(
            each.name for each in self._old.iterdir() if each.is_dir() and each.name not in {*listed, "lost+found"}
        )

    def _one(self, person: Person, sources: Sequence[str | None], old: int, new: int, done: int) -> Outcome:
        try:
            source = _old_home(old, person)
            if sources.count(source) > 1:
                raise _Left(
                    f"several lines of the list mean the old home {source!a}; write was= and the folder in the others"
                )
            return Outcome(person.name, False, self._taken(person, source, old, new, done))
        except (_Left, HomeRefused) as reason:
            return Outcome(person.name, True, f"left, because {reason}")
        except OSError as error:
            where = f"{error.filename!a}: " if isinstance(error.filename, str) else ""
            return Outcome(person.name, True, f"left, because {where}{error.strerror}; {_REMEDY}")

    def _taken(self, person: Person, source: str, old: int, new: int, done: int) -> str:
        mark = f"{slug(person.name)}.{sha256(os.fsencode(source)).hexdigest()[:16]}"
        note = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=done)
        try:
            try:
                fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise _Left("another Job copies it now; wait for its end") from error
            if before := os.read(note, 4096):
                return f"already there; {os.fsdecode(before).strip()}"
            said = self._copied(person, source, old, new)
            os.sync()  # what was copied is on the disk before it is called so
            os.write(note, os.fsencode(f"{said}\n"))
            os.fsync(note)
            return said
        finally:
            os.close(note)

    def _copied(self, person: Person, source: str, old: int, new: int) -> str:
        uid, gid = _owner(new, person)
        require_home(new, slug(person.name), uid, gid, "list")
        notes = Notes()
        copier = HomeCopier(uid, gid, notes, _Progress(person.name, self._say))
        self._say(f"{person.name}: from {source!a} to user {uid}, group {gid}")
        descriptors = [os.open(source, _OPEN_FOLDER, dir_fd=old)]
        try:
            descriptors.append(os.open(slug(person.name), os.O_PATH | _OPEN_FOLDER, dir_fd=new))
            copier.copy(*descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        found = copier.copied
        there = f", and {found.there} were there from a run before" if found.there else ""
        but = f"; not copied: {notes.sentence()}" if notes.counts else ""
        return f"copied from {source!a}: {found.files} files of {found.size} bytes{there}{but}"


def _source(old: int, person: Person) -> str | None:
    with suppress(_Left, OSError):
        return _old_home(old, person)
    return None


def _old_home(old: int, person: Person) -> str:
    names = old_names(person.was)
    found = [name for name in names if _folder(old, name)]
    if not found:
        raise _Left(f"there is no old home {' or '.join(map(ascii, names))}; write its name after was=")
    if person.says_was and person.was in found:
        return person.was
    if len(found) > 1:
        raise _Left(
            f"there are several old homes, {' and '.join(map(ascii, found))}; write was= and the folder, a line for each"
        )
    if found[0] != escaped(person.was) and (other := unescaped(found[0])):
        raise _Left(
            f"the old home {found[0]!a} may be that of {other!a}; write was={found[0]} if it is {person.name}'s"
        )
    return found[0]


def _owner(new: int, person: Person) -> tuple[int, int]:
    """The numbers of the person: those of the home that is there, for the hub itself gave it, else those of the list."""
    there = _folder(new, slug(person.name))
    if there and there.st_uid and person.uid in (None, there.st_uid):
        return there.st_uid, there.st_gid
    if person.uid is None or person.gid is None:
        raise _Left(
            "nobody knows the person's number yet; let them start a lab once, or write the number into the list, "
            "and create the Job again"
        )
    return person.uid, person.gid


def _folder(parent: int, name: str) -> os.stat_result | None:
    try:
        there = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return there if stat.S_ISDIR(there.st_mode) else None


class _Progress:
    """Says now and then how far a home is."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self._name, self._say = name, say
        self._last = monotonic()

    def __call__(self, copied: Copied) -> None:
        if monotonic() - self._last >= _EVERY:
            self._last = monotonic()
            self._say(f"{self._name}: {copied.files} files of {copied.size} bytes so far")
