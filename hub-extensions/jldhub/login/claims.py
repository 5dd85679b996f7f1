"""Reading and validating the claims of a login (OpenID Connect, or userinfo in general). Pure functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jldhub.identity import IdentityError, is_usable_id

Claims = Mapping[str, Any]

_LONGEST = 255  # characters: the limit of `sub` in OpenID Connect Core 1.0, section 2; used for other claims too
_MOST_GROUPS = 1000  # more than any directory has for one person; bounds the work of one login


@dataclass(frozen=True)
class ClaimedGroup:
    """A group in a claim. `gid` is None where the claim has no usable GID."""

    name: str
    gid: int | None = None


def subject(claims: Claims, claim: str) -> str:
    """The person's stable identifier at the provider, at most 255 characters. Raises IdentityError."""
    value = claims.get(claim)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # some OAuth providers without OpenID Connect send an integer
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST or not value.isprintable():
        raise IdentityError(f"Your login has no usable claim {claim}, by which you are known. Tell an administrator.")
    return value


def username(value: object) -> str:
    """The user name in the hub for the one at the provider: `Jane@uni.edu` is jane.uni.edu. Raises IdentityError."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._@:+-]{0,254}", value):
        raise IdentityError(
            f"Your login gives you the name {str(value)[:80]!r}, which cannot be a user name. Tell an administrator."
        )
    return re.sub(r"[@:+]", ".", value).lower()


def unix_id(claims: Claims, claim: str) -> int | None:
    """A UID or GID, as an integer or as decimal digits. None where the claim is missing. Raises IdentityError."""
    value = claims.get(claim) if claim else None
    if value is None:
        return None
    number = _integer(value)
    if number is None or not is_usable_id(number):
        raise IdentityError(
            f"Your login has {str(value)[:40]!r} as {claim}, and only numbers from 1000 to 2147483647 are taken. "
            "Tell an administrator."
        )
    return number


def text(claims: Claims, claim: str) -> str:
    """A claim that is only displayed, such as the full name. Empty where it is missing or not printable."""
    value = claims.get(claim) if claim else None
    return value.strip() if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() else ""


def groups(claims: Claims, claim: str) -> tuple[ClaimedGroup, ...] | None:
    """The groups, each once by its name without case. None where the claim is missing or has none of the known forms.

    Known forms are a list, and one string with `;` as the separator. Each entry is a name, an LDAP distinguished name
    (`cn=lsst_users,ou=Groups,...`), or an object with `name` and optionally `id`, which is the GID.
    """
    value = claims.get(claim) if claim else None
    if isinstance(value, str):
        value = [part for part in value.split(";") if part.strip()]
    if not isinstance(value, list) or len(value) > _MOST_GROUPS:
        return None
    by_name: dict[str, ClaimedGroup] = {}
    for entry in value:
        group = _group(entry)
        if group:
            by_name.setdefault(group.name.casefold(), group)
    return tuple(by_name.values())


def _group(entry: object) -> ClaimedGroup | None:
    if isinstance(entry, Mapping):
        name, gid = entry.get("name"), _integer(entry.get("id"))
    else:
        name, gid = entry, None
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST or not name.isprintable():
        return None
    if re.match(r"\s*[A-Za-z]+=", name):
        distinguished_name = re.fullmatch(r"\s*cn=([^,=\\]+),(?:.*,)?\s*ou=groups\b.*", name, re.IGNORECASE)
        if not distinguished_name:
            return None
        name = distinguished_name[1]
    return ClaimedGroup(name.strip(), gid if gid is not None and is_usable_id(gid) else None)


def _integer(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
