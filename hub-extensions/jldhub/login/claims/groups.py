"""Reading the claim that lists a person's groups, and whether all of it was understood. Pure functions.

A group that is not understood may be one whose members are denied, so the reader never leaves anything out in silence.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jldhub.identity import group_key, is_usable_id
from jldhub.login.claims.values import LONGEST, Claims, find, integer

_MOST = 1000  # more than any directory has for one person; bounds the work of one login
# Names that may be several groups in one text, or one in another encoding: JSON, directory names, domains of Windows,
# URL-encoded text.
_AMBIGUOUS = re.compile(r'[=,;|\\{}\[\]"<>]|%[0-9A-Fa-f]{2}')
# The same in a common name, where a directory escapes what separates.
_AMBIGUOUS_COMMON_NAME = re.compile(r"[=|{}\[\]]|%[0-9A-Fa-f]{2}")
_DIRECTORY_NAME = re.compile(r"([A-Za-z][A-Za-z0-9-]*|[0-9.]+)\s*=")
# One `type=value` of a directory name with what separates it from the next one (RFC 4514, section 3; LDAPv2 had `;`, too).
_RELATIVE_NAME = re.compile(
    r'\s*([A-Za-z][A-Za-z0-9-]*|[0-9.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"\s*|((?:[^,+;"\\<>]|\\.)*))([,+;]|\Z)'
)
_ESCAPED = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)")


@dataclass(frozen=True)
class ClaimedGroup:
    """A group in a claim. `gid` is None where the claim has no usable GID."""

    name: str
    gid: int | None = None

    @property
    def key(self) -> str:
        """What groups are compared by."""
        return group_key(self.name)

    @property
    def words(self) -> frozenset[str]:
        """The names of which a name with blanks may be a list."""
        return frozenset(group_key(word) for word in self.name.split())


@dataclass(frozen=True)
class ClaimedGroups:
    """The groups of a claim, each once.

    `unread` says why there may be more, as a clause for the person who logs in. It is empty where everything was understood.
    """

    groups: tuple[ClaimedGroup, ...] = ()
    unread: str = ""


def claimed_groups(claims: Claims, claim: str) -> ClaimedGroups:
    """The groups of a login.

    Known forms are a list, and one text with `;` or `,` between its groups. Each entry is a name, a directory name
    (`cn=lsst_users,ou=Groups,...`, of which the common name counts), or an object with `name` and optionally `id`, the GID.
    """
    value = find(claims, claim)
    if value is None:
        return ClaimedGroups(unread=f"your login has no claim {claim}" if claim else "no claim lists your groups")
    entries = _parts(value) if isinstance(value, str) else value
    if not isinstance(entries, list):
        return ClaimedGroups(unread=f"the claim {claim} of your login has no form that is known here")
    if len(entries) > _MOST:
        return ClaimedGroups(unread=f"the claim {claim} of your login has more than {_MOST} groups")
    groups: dict[str, ClaimedGroup] = {}
    unread = ""
    for number, entry in enumerate(entries, 1):
        group, understood = _group(entry)
        if group:
            groups.setdefault(group.key, group)
        if not understood:
            unread = unread or f"group {number} in the claim {claim} of your login has no form that is known here"
    return ClaimedGroups(tuple(groups.values()), unread)


def _parts(text: str) -> list[str] | None:
    """The groups of one text. None where it is not clear what separates them."""
    semicolons = [part for part in text.split(";") if part.strip()]
    if all(_DIRECTORY_NAME.match(part.strip()) for part in semicolons):
        several = any(
            len(_common_names(part)) > 1 for part in semicolons
        )  # `cn=a,cn=b`: two groups, or one below another
        return None if several else semicolons
    if ";" not in text:
        parts = [part for part in text.split(",") if part.strip()]
        # A single text with blanks may be a list, as OAuth's scopes are.
        return None if len(parts) == 1 and len(text.split()) > 1 else parts
    return semicolons


def _group(entry: object) -> tuple[ClaimedGroup | None, bool]:
    """The group of an entry as far as it can be told, and whether the entry was understood completely."""
    understood, gid = True, None
    if isinstance(entry, Mapping):
        understood = entry.keys() <= {"name", "id"}
        gid = integer(entry.get("id"))
        entry = entry.get("name")
    if not isinstance(entry, str) or not group_key(entry) or len(entry) > LONGEST or not entry.isprintable():
        return None, False
    name = entry.strip()
    if _DIRECTORY_NAME.match(name):
        names = _common_names(name)
        if not names or not names[0].strip() or not names[0].isprintable() or _AMBIGUOUS_COMMON_NAME.search(names[0]):
            return None, False
        name = names[0].strip()
    elif _AMBIGUOUS.search(name):
        return None, False
    return ClaimedGroup(name, gid if gid is not None and is_usable_id(gid) else None), understood


def _common_names(text: str) -> list[str]:
    """The common names of a directory name, from left to right. Empty where it is none, or holds several joined by commas."""
    types: list[str] = []
    names: list[str] = []
    end = 0
    while end < len(text):
        match = _RELATIVE_NAME.match(text, end)
        if not match or bool(match[4]) != (match.end() < len(text)):
            return []
        kind = match[1].lower()
        if kind in ("cn", "2.5.4.3"):
            if types and types[-1] != "cn":
                return []
            kind = "cn"
            names.append(_unescaped(match[2] if match[2] is not None else match[3].strip()))
        types.append(kind)
        end = match.end()
    return names


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        if match[1]:
            return bytes.fromhex(match[1].replace("\\", "")).decode("utf-8", "replace")
        return match[2]

    return _ESCAPED.sub(character, text)
