"""The environment variables of a lab."""

from typing import Any

from jldhub.labs.additions import site_environment
from jldhub.labs.pod import CACHES, RUN, home_path
from jldhub.labs.secret import FILES
from jldhub.settings.hub import Culling
from jldhub.settings.settings import Settings

_FIREFLY_PAGE = "slate.html"  # the page of Firefly that its Python client opens


def lab_environment(settings: Settings) -> dict[str, Any]:
    """Variables by name, where JLD's own win over the site's. Those that depend on the person are functions of the spawner.

    They are no templates of KubeSpawner, because those drop a hyphen at the end of a user name.
    """
    volumes, repositories = settings.names.volumes, settings.hub.lab.repositories
    return {
        **site_environment(settings.hub.lab),
        "HOME": lambda spawner: home_path(volumes, spawner.user.name),
        "USER": lambda spawner: spawner.user.name,
        "JLD_FILES": FILES,
        "JLD_RUN": RUN,
        "XDG_CACHE_HOME": CACHES,
        **proxy_environment(settings),
        **firefly_environment(settings),
        **culling_environment(settings.hub.culling),
        **({"JLD_REPOSITORIES": " ".join(repositories)} if repositories else {}),
    }


def proxy_environment(settings: Settings) -> dict[str, str]:
    """The HTTP proxy, in both spellings, for some programs read the one and some the other; empty where the site has none."""
    proxy = settings.site.proxy.https
    if not proxy:
        return {}
    variables = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NO_PROXY": settings.names.without_proxy}
    return variables | {name.lower(): value for name, value in variables.items()}


def firefly_environment(settings: Settings) -> dict[str, str]:
    """The variables of Firefly's Python client; empty where the site has no Firefly."""
    firefly = settings.names.firefly
    if firefly is None:
        return {}
    return {
        "FIREFLY_URL": f"{settings.site.origin}{firefly.route}",
        "FIREFLY_ROUTE": firefly.route,
        "FIREFLY_HTML": _FIREFLY_PAGE,
    }


def culling_environment(culling: Culling) -> dict[str, str]:
    """How often a lab reports its activity.

    With `busy_labs`, inside/library/jld_activity.py does not count a busy kernel without output as activity.
    """
    busy = {"JLD_BUSY_IS_IDLE": "1"} if culling.busy_labs else {}
    return {"JUPYTERHUB_ACTIVITY_INTERVAL": str(culling.report_seconds), **busy}
