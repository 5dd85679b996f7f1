"""The list of people whose homes are taken over: a line for each old home."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LOWEST, _HIGHEST = 1000, 2**31 - 1  # of the UIDs and GIDs that JLD gives
_FORM = "NAME [UID [GID]] [was=OLD-NAME]"


class ListWrong(Exception):
    """The list cannot be used. The message names line, cause and remedy."""


@dataclass(frozen=True)
class Person:
    """Whose home it becomes. Without `uid` the home in JLD has to be there, and its owner is the person."""

    name: str
    uid: int | None
    gid: int | None
    was: str  # the user name in Zero to JupyterHub, or the name of the folder itself
    says_was: bool  # whether the list says so


def people_in(lines: Iterable[str]) -> Sequence[Person]:
    """The people of a list; what follows a `#` is a comment. Raises ListWrong."""
    found: dict[str, Person] = {}
    for number, line in enumerate(lines, 1):
        if words := line.partition("#")[0].split():
            person = _person(words, number)
            if person.was in found:
                raise ListWrong(f"line {number}: {person.was!a} is there twice, and an old home has one person")
            found[person.was] = person
    if not found:
        raise ListWrong(f"the list is empty: write a line {_FORM} for each home")
    return list(found.values())


def _person(words: Sequence[str], number: int) -> Person:
    plain = [word for word in words if not word.startswith("was=")]
    was = [word.removeprefix("was=") for word in words if word.startswith("was=")]
    name, *ids = plain or [""]
    if not name or len(ids) > 2 or len(was) > 1 or "" in was:
        raise ListWrong(f"line {number}: {' '.join(words)!a} has not the form {_FORM}")
    for each in ids:
        if not (each.isascii() and each.isdigit() and _LOWEST <= int(each) <= _HIGHEST):
            raise ListWrong(f"line {number}: {each!a} is no user or group number from {_LOWEST} to {_HIGHEST}")
    uid, gid, *_ = [*map(int, ids), None, None]
    return Person(name, uid, uid if gid is None else gid, was[0] if was else name, bool(was))
