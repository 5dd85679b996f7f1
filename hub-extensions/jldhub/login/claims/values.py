"""Reading and validating the claims of a login (OpenID Connect, or userinfo in general). Pure functions."""

import re
from collections.abc import Mapping
from typing import Any

from jldhub.identity import IdentityError, is_usable_id

Claims = Mapping[str, Any]

LONGEST = 255  # characters: the limit of `sub` in OpenID Connect Core 1.0, section 2; used for other claims too


def find(claims: Claims, claim: str) -> Any:
    """The value of a claim by its name, else by its path: `realm_access.roles`. None where there is none.

    The name wins, because it may hold dots itself: many are URLs.
    """
    if not claim:
        return None
    if claim in claims:
        return claims[claim]
    value: Any = claims
    for part in claim.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def subject(claims: Claims, claim: str) -> str:
    """The person's stable identifier at the provider, at most 255 characters. Raises IdentityError."""
    value = find(claims, claim)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # some OAuth providers without OpenID Connect send an integer
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or not value.isprintable():
        raise IdentityError(f"Your login has no usable claim {claim}, by which you are known. Tell an administrator.")
    return value


def unix_id(claims: Claims, claim: str) -> int | None:
    """A UID or GID, as an integer or as decimal digits. None where the claim is missing. Raises IdentityError."""
    value = find(claims, claim)
    if value is None:
        return None
    number = integer(value)
    if number is None or not is_usable_id(number):
        raise IdentityError(
            f"Your login has {str(value)[:40]!r} as {claim}, and only numbers from 1000 to 2147483647 are taken. "
            "Tell an administrator."
        )
    return number


def text(claims: Claims, claim: str) -> str:
    """A claim that is only displayed, such as the full name. Empty where it is missing or not printable."""
    value = find(claims, claim)
    return value.strip() if isinstance(value, str) and len(value) <= LONGEST and value.isprintable() else ""


def integer(value: object) -> int | None:
    """An integer, or decimal digits as one. None for everything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
