"""Blocked people (`hub.auth.blocked`): what the hub still has of them ends when it sees it.

When the hub starts, JupyterHub stops their labs and takes their roles.
"""

from typing import Any

from jupyterhub.utils import utcnow


def end_tokens(user: Any) -> None:
    """Let every API token of a person expire now. Not deleted: the request that showed one still looks at it."""
    tokens = [token for token in user.orm_user.api_tokens if token.expires_at is None or token.expires_at > _now()]
    for token in tokens:
        token.expires_at = _now()
    if tokens:
        user.db.commit()


def _now() -> Any:
    return utcnow(with_tz=False)
