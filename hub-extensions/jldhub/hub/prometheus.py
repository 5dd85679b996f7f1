"""Lets Prometheus scrape the hub's metrics, with a token that has no other scope."""

from typing import Any

from jldhub.settings.secret_files import HubSecrets

_NAME = "prometheus"


def scraping_services(secrets: HubSecrets) -> list[dict[str, Any]]:
    """Entries for `JupyterHub.services`: a service without a process, to which the token belongs."""
    return [{"name": _NAME, "api_token": secrets.metrics_token}] if secrets.metrics_token else []


def scraping_roles(secrets: HubSecrets) -> list[dict[str, Any]]:
    """Entries for `JupyterHub.load_roles`: read the metrics."""
    return [{"name": _NAME, "services": [_NAME], "scopes": ["read:metrics"]}] if secrets.metrics_token else []
