"""What a registry says with 401: how it wants to be asked. And whether a login may be sent where it says."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.request import parse_http_list

from yarl import URL

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)(?: +([^ =].*))?", re.DOTALL)
# co.uk, com.au: below these, two domains have two owners.
_SHARED = frozenset(("ac", "co", "com", "edu", "gov", "net", "org"))


@dataclass(frozen=True)
class Challenge:
    """`scheme` and the names of `parameters` are in small letters."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Those of all WWW-Authenticate headers: `Bearer realm="https://…",scope="repository:lab:pull,push"` is one. Never raises."""
    found: list[tuple[str, dict[str, str]]] = []
    for part in (part for header in headers for part in parse_http_list(header)):
        name, equals, value = part.partition("=")
        scheme = _SCHEME.fullmatch(part.strip())
        if scheme and (scheme[2] or not equals):
            found.append((scheme[1].lower(), {}))
            name, equals, value = (scheme[2] or "").partition("=")
        if found and equals:
            found[-1][1][name.strip().lower()] = _unquoted(value.strip())
    return tuple(Challenge(scheme, parameters) for scheme, parameters in found)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def belongs(realm: URL, registry: URL) -> bool:
    """Whether the login of a registry may be sent to this token server: it is the same host, or one of the same owner.

    The same owner has a domain and what is below it: auth.docker.io for registry-1.docker.io, gitlab.com for registry.gitlab.com. So a
    registry that was taken over, or a mistake in its configuration, hands nobody else the password.
    """
    host, its = (realm.host or "").rstrip("."), (registry.host or "").rstrip(".")
    if host == its:
        return bool(host)
    if _is_address(host) or _is_address(its):
        return False
    domain = its.partition(".")[2]
    return host.endswith(f".{its}") or (_has_one_owner(domain) and (host == domain or host.endswith(f".{domain}")))


def _has_one_owner(domain: str) -> bool:
    """Not what many have a name below: a top-level domain, or one like co.uk."""
    labels = domain.split(".")
    return len(labels) > 2 or (len(labels) == 2 and not (labels[0] in _SHARED and len(labels[1]) == 2))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
