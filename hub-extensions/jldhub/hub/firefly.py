"""Firefly, where the site has it: the way to it through the front door, and what labs are told about it."""

from jldhub.settings.settings import Settings

# The page of Firefly that its Python client opens.
PAGE = "slate.html"


def extra_routes(settings: Settings) -> dict[str, str]:
    """For JupyterHub's proxy, which tells it to the front door with its own routes, and takes it back when it is gone."""
    found = settings.names.firefly
    return {f"{found.route}/": found.url} if found else {}


def lab_environment(settings: Settings) -> dict[str, str]:
    """As the Python client of Firefly reads it."""
    found = settings.names.firefly
    if found is None:
        return {}
    return {"FIREFLY_URL": f"{settings.site.origin}{found.route}", "FIREFLY_ROUTE": found.route, "FIREFLY_HTML": PAGE}
