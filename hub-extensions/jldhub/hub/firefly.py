"""The front door's route to Firefly, where the site has one."""

from jldhub.settings.settings import Settings


def extra_routes(settings: Settings) -> dict[str, str]:
    """The trait `Proxy.extra_routes`.

    JupyterHub adds these routes to its own, and removes one that is no longer listed.
    """
    firefly = settings.names.firefly
    return {f"{firefly.route}/": firefly.url} if firefly else {}
