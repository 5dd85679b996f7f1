"""Lets Prometheus read the hub's numbers, with a token that can do nothing else."""

from typing import Any

from jldhub.settings.secret_files import HubSecrets

_NAME = "prometheus"


def scraping_services(secrets: HubSecrets) -> list[dict[str, Any]]:
    """No process of ours: a name for whoever brings the token."""
    return [{"name": _NAME, "api_token": secrets.metrics_token}] if secrets.metrics_token else []


def scraping_roles(secrets: HubSecrets) -> list[dict[str, Any]]:
    return [{"name": _NAME, "services": [_NAME], "scopes": ["read:metrics"]}] if secrets.metrics_token else []
