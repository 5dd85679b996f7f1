"""The scopes of JupyterHub. The hub itself looks into JupyterHub's own table when it starts (jldhub/hub/services.py)."""

from __future__ import annotations

import difflib
import re

_NAMES = (
    "access:servers access:services admin-ui admin:auth_state admin:groups admin:server_state admin:servers "
    "admin:services admin:users delete:groups delete:servers delete:users groups groups:shares list:groups "
    "list:services list:users proxy read:groups read:groups:name read:groups:shares read:hub read:metrics "
    "read:roles read:roles:groups read:roles:services read:roles:users read:servers read:services "
    "read:services:name read:shares read:tokens read:users read:users:activity read:users:groups "
    "read:users:name read:users:shares self servers shares shutdown start:servers tokens users users:activity "
    "users:shares"
)
SCOPES = frozenset(_NAMES.split())
_FILTER = re.compile(r"user|service|server|(user|service|server|group)=\S+")


def fault(scope: str) -> str | None:
    """What is wrong with a scope, and the remedy."""
    name, has_filter, chosen = scope.partition("!")
    if name not in SCOPES:
        close = difflib.get_close_matches(name, sorted(SCOPES), 1)
        hint = f"did you mean {close[0]}?" if close else "write one of JupyterHub's documentation, like list:users"
        return f"JupyterHub has no scope {name}; {hint}"
    if has_filter and not _FILTER.fullmatch(chosen):
        return (
            f"JupyterHub has no filter !{chosen.partition('=')[0]}; "
            "write !user=NAME, !group=NAME, !server=USER/NAME or !service=NAME"
        )
    return None
