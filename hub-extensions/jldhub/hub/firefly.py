"""The route to Firefly through the front door, where the site has it."""

from jldhub.settings.settings import Settings


def extra_routes(settings: Settings) -> dict[str, str]:
    """For JupyterHub's proxy, which tells it to the front door with its own routes, and takes it back when it is gone."""
    found = settings.names.firefly
    return {f"{found.route}/": found.url} if found else {}
