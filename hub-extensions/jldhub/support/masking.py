"""Text for the hub's log, without secrets: those that the hub knows, and whatever else looks like one.

People send what is logged, in addresses and headers. So each expression takes time in proportion to the text, whatever it is.
"""

import re

HIDDEN = "[secret]"
_SHORTEST = 8  # characters; masking a shorter secret would hide parts of ordinary words

# A value in the query of a URL, by its name: ?code=…, &state=…, &_xsrf=…
_QUERY = re.compile(r"([?&;][\w-]+=)([^&;\s'\"<>\\]+)")
_CONFIDENTIAL = re.compile(r"token|code|state|secret|password|key|auth|_xsrf", re.IGNORECASE)
# A header: Authorization: token …
_HEADER = re.compile(r"\b((?:token|bearer|basic)\s+)[A-Za-z0-9._~+/=-]{12,}", re.IGNORECASE)
# GitHub's tokens, JWTs, and the form of JupyterHub's own tokens and session IDs.
_TOKENS = re.compile(
    r"\b(?:gh[opusr]_|github_pat_)[A-Za-z0-9_]{16,}"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?"
    r"|(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])"
)
# As long and as mixed as only a machine makes words up, such as the identifier of a session without a login.
_LONG_WORD = re.compile(r"(?<![A-Za-z0-9+_=-])[A-Za-z0-9+_=-]{32,}")
_MIXED = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9]"))
_WORD = re.compile(r"\S+")
_HOST = re.compile(r"[^/?#@]*")
_HOST_AND_PORT = re.compile(r"[^:]*(:[0-9]{1,5})?")

_known: set[str] = set()


def register_secrets(*secrets: str | bytes) -> None:
    """Mask these values from now on. Bytes are masked in their hexadecimal form, in which people write them."""
    texts = (secret.hex() if isinstance(secret, bytes) else secret for secret in secrets)
    _known.update(text for text in texts if len(text) >= _SHORTEST)


def mask(text: str) -> str:
    """The text with registered secrets, and whatever looks like a secret, replaced."""
    for secret in sorted(_known, key=len, reverse=True):  # an address before the password in it
        text = text.replace(secret, HIDDEN)
    text = _QUERY.sub(_without_value, text)
    text = _HEADER.sub(rf"\1{HIDDEN}", text)
    text = _WORD.sub(_without_password, text)
    text = _TOKENS.sub(HIDDEN, text)
    return _LONG_WORD.sub(_unless_mixed, text)


def _without_value(match: re.Match[str]) -> str:
    return f"{match[1]}{HIDDEN}" if _CONFIDENTIAL.search(match[1]) else match[0]


def _without_password(match: re.Match[str]) -> str:
    """Addresses without what stands between the user and the host: postgresql://jld:[secret]@db.

    A password may hold an @, a / or a # that should have been escaped. What follows a host, with a port or without one, is a path,
    which may hold an @ of its own.
    """
    before, at, host = match[0].rpartition("@")
    shown, *addresses = before.split("://") if at else (match[0],)
    for number, address in enumerate(addresses, 1):
        first = _HOST.match(address)[0]  # type: ignore[index]  # it matches the empty text, too
        next_one = address[len(first) : len(first) + 1]
        ends = bool(next_one) and next_one != "@" if number == len(addresses) else next_one != "@"
        if not (ends and _HOST_AND_PORT.fullmatch(first)):
            user, colon, _ = address.partition(":")
            return f"{shown}://{user}:{HIDDEN}@{host}" if colon else f"{shown}://{HIDDEN}@{host}"
        shown += f"://{address}"
    return match[0]


def _unless_mixed(match: re.Match[str]) -> str:
    return HIDDEN if all(kind.search(match[0]) for kind in _MIXED) else match[0]
