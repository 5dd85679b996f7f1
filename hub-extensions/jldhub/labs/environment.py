"""The environment of a lab's programs."""

from typing import Any

from jldhub.labs.pod import CACHES, RUN, home_path
from jldhub.labs.secret import FILES
from jldhub.settings.hub import Culling
from jldhub.settings.settings import Settings

_FIREFLY_PAGE = "slate.html"  # the page of Firefly that its Python client opens


def lab_environment(settings: Settings) -> dict[str, Any]:
    """Variables by name. What depends on the person is a function of the spawner: KubeSpawner's own templates drop a hyphen at
    the end of a name.
    """
    volumes, repositories = settings.names.volumes, settings.hub.lab.repositories
    return {
        "HOME": lambda spawner: home_path(volumes, spawner.user.name),
        "USER": lambda spawner: spawner.user.name,
        "JLD_FILES": FILES,
        "JLD_RUN": RUN,
        "XDG_CACHE_HOME": CACHES,
        **firefly_environment(settings),
        **culling_environment(settings.hub.culling),
        **({"JLD_REPOSITORIES": " ".join(repositories)} if repositories else {}),
    }


def firefly_environment(settings: Settings) -> dict[str, str]:
    """As the Python client of Firefly reads it."""
    found = settings.names.firefly
    if found is None:
        return {}
    return {
        "FIREFLY_URL": f"{settings.site.origin}{found.route}",
        "FIREFLY_ROUTE": found.route,
        "FIREFLY_HTML": _FIREFLY_PAGE,
    }


def culling_environment(culling: Culling) -> dict[str, str]:
    """What tells a lab (images/lab/jld_activity.py) not to report a silent computation as activity."""
    return {"JLD_BUSY_IS_IDLE": "1"} if culling.busy_labs else {}
