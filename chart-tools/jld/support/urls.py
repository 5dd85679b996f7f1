"""The addresses under which a site is reached."""

from __future__ import annotations

HTTPS_PORT = 443


def external_url(hostname: str, port: int) -> str:
    """What people type: the port is named only when it is not the one that browsers assume."""
    return f"https://{hostname}" if port == HTTPS_PORT else f"https://{hostname}:{port}"


def oauth_callback(hostname: str, port: int, hub_route: str = "/") -> str:
    """What is registered at the identity provider."""
    return f"{external_url(hostname, port)}{hub_route}hub/oauth_callback"
