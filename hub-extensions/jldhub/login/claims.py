"""What the claims of a login say, with nothing believed that has the wrong shape. No network and no database here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jldhub.identity import IdentityError, is_usable_id

Claims = Mapping[str, Any]

_LONGEST = 255  # characters of a subject, after OpenID Connect; of the others too
_MOST_GROUPS = 1000


@dataclass(frozen=True)
class ClaimedGroup:
    name: str
    gid: int | None = None


def subject(claims: Claims, claim: str) -> str:
    """What never changes about a person. Raises IdentityError."""
    value = claims.get(claim)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # as some providers that are not OpenID Connect tell it
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST or not value.isprintable():
        raise IdentityError(f"Your login has no usable claim {claim}, by which you are known. Tell an administrator.")
    return value


def username(value: object) -> str:
    """The name in the hub from the name at the provider: `Jane@uni.edu` is jane.uni.edu. Raises IdentityError."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._@:+-]{0,254}", value):
        raise IdentityError(
            f"Your login gives you the name {str(value)[:80]!r}, which cannot be a user name. Tell an administrator."
        )
    return re.sub(r"[@:+]", ".", value).lower()


def unix_id(claims: Claims, claim: str) -> int | None:
    """A user or group number, which directories often write as text; None without the claim. Raises IdentityError."""
    value = claims.get(claim) if claim else None
    if value is None:
        return None
    found = _integer(value)
    if found is None or not is_usable_id(found):
        raise IdentityError(
            f"Your login has {str(value)[:40]!r} as {claim}, and only numbers from 1000 to 2147483647 are taken. "
            "Tell an administrator."
        )
    return found


def text(claims: Claims, claim: str) -> str:
    """For people to read, and nothing depends on it: empty where there is none that can be shown."""
    value = claims.get(claim) if claim else None
    return value.strip() if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() else ""


def groups(claims: Claims, claim: str) -> tuple[ClaimedGroup, ...] | None:
    """The groups, or None where the claim is missing or has no form that is known.

    Known are a list, or one text with `;` between; of names, of directory names (`cn=lsst_users,ou=Groups,...`), and of
    objects with `name` and perhaps `id`.
    """
    value = claims.get(claim) if claim else None
    if isinstance(value, str):
        value = [part for part in value.split(";") if part.strip()]
    if not isinstance(value, list) or len(value) > _MOST_GROUPS:
        return None
    found: dict[str, ClaimedGroup] = {}
    for entry in value:
        group = _group(entry)
        if group:
            found.setdefault(group.name.casefold(), group)
    return tuple(found.values())


def _group(entry: object) -> ClaimedGroup | None:
    if isinstance(entry, Mapping):
        name, gid = entry.get("name"), _integer(entry.get("id"))
    else:
        name, gid = entry, None
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST or not name.isprintable():
        return None
    if re.match(r"\s*[A-Za-z]+=", name):
        directory = re.fullmatch(r"\s*cn=([^,=\\]+),(?:.*,)?\s*ou=groups\b.*", name, re.IGNORECASE)
        if not directory:
            return None
        name = directory[1]
    return ClaimedGroup(name.strip(), gid if gid is not None and is_usable_id(gid) else None)


def _integer(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
