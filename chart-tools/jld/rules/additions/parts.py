"""The two places that take additions, and what JLD itself has there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jld.site.effective import storage_volumes
from jld.support.key_paths import JsonMap, KeyPath, map_at


@dataclass(frozen=True)
class Part:
    """The hub, or labs."""

    path: KeyPath
    mounts: Mapping[str, str]  # paths that JLD mounts, and what they are
    volumes: frozenset[str]  # names of volumes in the pod
    containers: frozenset[str]  # names of containers in the pod
    variables: Mapping[str, str]  # names that JLD sets, and why; the others are below `PREFIXES`

    def added(self, effective: JsonMap, kind: str) -> Iterator[tuple[str, object]]:
        """What a site adds of a kind, by name. What it took away with null is none."""
        for name, value in map_at(effective, *self.path, kind).items():
            if value is not None:
                yield str(name), value


PREFIXES = {
    "JLD_": "its own programs read them",
    "JUPYTERHUB_": "JupyterHub speaks to its labs by them",
    "JPY_": "JupyterHub speaks to its labs by them",
    "KUBERNETES_": "programs find the Kubernetes API by them",
}
HUB = Part(
    ("hub",),
    {
        "/etc/jld": "where the hub's own settings and secrets are",
        "/srv/jupyterhub": "where the hub's database is",
        "/opt/jupyterhub": "where the hub's program is",
        "/tmp": "the hub's own",  # noqa: S108
    },
    frozenset(
        ["settings", "python", "catalogue", "config", "secret", "state", "tmp", "trust", "files", "secret-files"]
    ),
    frozenset(["hub"]),
    {
        "PYTHONPATH": "the hub's program is found by it",
        "POD_NAME": "the hub knows its pod by it",
        "POD_NAMESPACE": "the hub knows its namespace by it",
        **dict.fromkeys(
            ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"),
            "it is said in global.proxy",
        ),
    },
)
LABS = Part(
    ("hub", "lab"),
    {
        "/tmp": "where each lab has room that is empty at its start (hub.lab.tmpSize)",  # noqa: S108
        "/run/jld": "where the files are that JLD brings into a lab",
        "/run/lab": "where a lab's sockets are",
        "/etc/passwd": "by which a lab knows its owner",
        "/etc/group": "by which a lab knows its owner's groups",
        "/etc/gitconfig": "by which git knows its owner",
        "/etc/ipython/ipython_config.py": "which JLD brings into a lab",
    },
    frozenset(["tmp", "run", "files", "secret-files"]),
    frozenset(["notebook", "home"]),
    {
        "HOME": "each person has a home of their own",
        "USER": "each lab belongs to somebody else",
        "XDG_CACHE_HOME": "caches belong into /tmp, not into the home",
        "XDG_RUNTIME_DIR": "sockets belong into memory, not into the home",
        **dict.fromkeys(
            ("JUPYTER_IMAGE", "JUPYTER_IMAGE_SPEC", "IMAGE_DESCRIPTION", "IMAGE_DIGEST"),
            "notebooks know by it the image that was chosen",
        ),
        **dict.fromkeys(
            ("CPU_LIMIT", "CPU_GUARANTEE", "MEM_LIMIT", "MEM_GUARANTEE"),
            "programs know by it the size that was chosen",
        ),
    },
)
PARTS = (HUB, LABS)


def mounts(part: Part, effective: JsonMap) -> dict[str, str]:
    """The paths in the pod that are taken, and what they are."""
    if part is not LABS:
        return dict(part.mounts)
    volumes = storage_volumes(effective).items()
    return {str(each.get("mountPath")): f"the folder of storage.volumes.{name}" for name, each in volumes} | dict(
        part.mounts
    )
