"""Names of people in a site: whether a login can give them, and what to write instead.

The hub refuses the same ones when it starts (jldhub/settings/listed_names.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_SYSTEM_ACCOUNTS = (
    "_apt adm administrator backup bin daemon dbus ftp games gnats halt irc jovyan jupyter jupyterhub "
    "list lp mail man messagebus news nfsnobody nobody nogroup operator polkitd postgres proxy root "
    "shutdown sshd sudo sync sys systemd-network systemd-resolve systemd-timesync tty uucp uuidd wheel "
    "www-data"
)
RESERVED = frozenset(_SYSTEM_ACCOUNTS.split())  # names that nobody gets
# Written as at the provider. The hub makes dots of them.
_SEPARATORS = re.compile(r"[@:+]")
_GITHUB = re.compile(r"[a-z0-9][a-z0-9_-]*")  # an underscore only in the accounts of a company
_WITH_DOMAIN = ("eppn", "email")  # claims that hold jane@uni.edu
_DOMAIN_TAKEN_OFF = ("globus", "google")  # classes that do so, google for the domain of the site


class Derivation(NamedTuple):
    """How the people of an identity provider of CILogon get their names."""

    claim: str
    strip_domain: str
    prefix: str
    key: str = "identityProviders"  # where the site says so


def github_fault(name: str) -> str | None:
    """Why nobody has this name with GitHub, and the remedy."""
    if _GITHUB.fullmatch(name):
        return None
    if ":" in name:
        return "is no login; write organizations and teams in organizations.allow"
    return "is no login of GitHub, which has letters, digits and hyphens; write one like octocat"


def cilogon_fault(name: str, derivations: Sequence[Derivation]) -> str | None:
    """Why nobody has this name with these identity providers, and the remedy."""
    if _SEPARATORS.search(name):
        return _as_in_the_hub(_in_the_hub(name, each) for each in derivations)
    if any(_gives(name, each) for each in derivations):
        return None
    examples = dict.fromkeys(_example(name, each) for each in derivations)
    keys = ", ".join(dict.fromkeys(each.key for each in derivations))
    return f"is a name that none of {keys} gives; write it like {' or '.join(examples)}"


def other_fault(name: str, authenticator: str) -> str | None:
    """Why nobody has this name with another class of oauthenticator, and the remedy."""
    if not _SEPARATORS.search(name):
        return None
    local = [name.split("@")[0]] if "@" in name and authenticator in _DOMAIN_TAKEN_OFF else []
    return _as_in_the_hub(_SEPARATORS.sub(".", each) for each in (name, *local))


def _as_in_the_hub(names: Iterable[str]) -> str:
    return f"is written as at the provider; write {' or '.join(dict.fromkeys(names))}, as in the hub"


def _in_the_hub(name: str, how: Derivation) -> str:
    """The name in the hub of somebody who has `name` at the identity provider."""
    if how.strip_domain:
        name = name.removesuffix(f"@{how.strip_domain.lower()}")
    if how.prefix and not name.startswith(f"{how.prefix}:"):
        name = f"{how.prefix}:{name}"
    return _SEPARATORS.sub(".", name)


def _gives(name: str, how: Derivation) -> bool:
    """Whether somebody's name in the hub may be this one."""
    rest = name.removeprefix(f"{how.prefix}.") if how.prefix else name
    if how.prefix and rest == name:
        return False
    if how.strip_domain:
        return not rest.endswith(f".{how.strip_domain.lower()}")
    return how.claim not in _WITH_DOMAIN or "." in rest


def _example(name: str, how: Derivation) -> str:
    """What `name` may stand for, as a name in the hub."""
    if how.strip_domain:
        return name.removesuffix(f".{how.strip_domain.lower()}")
    domain = ".uni.edu" if how.claim in _WITH_DOMAIN and "." not in name.removeprefix(f"{how.prefix}.") else ""
    prefix = f"{how.prefix}." if how.prefix and not name.startswith(f"{how.prefix}.") else ""
    return f"{prefix}{name}{domain}"
