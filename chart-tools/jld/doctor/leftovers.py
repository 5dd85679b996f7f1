"""What an earlier release left behind. Data is never called rubbish: what is kept is kept on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jld.doctor.facts import Cluster, Finding, Level, Object, Place, Silence
from jld.support.key_paths import value_at

SUBJECT = "earlier release"
_OWNER = "meta.helm.sh/release-name"
_OWNER_NAMESPACE = "meta.helm.sh/release-namespace"


def findings(cluster: Cluster, place: Place) -> Iterator[Finding]:
    """Volumes that nothing can bind, and claims that the next installation takes over, or cannot."""
    if isinstance(cluster.version, Silence):
        return
    answers = (cluster.volumes, cluster.claims, cluster.services)
    silent = [answer for answer in answers if isinstance(answer, Silence)]
    if silent:
        yield Finding(SUBJECT, Level.unknown, silent[0].reason)
    found: list[Finding] = []
    if not isinstance(cluster.volumes, Silence):
        found += [finding for volume in cluster.volumes if (finding := _volume(volume, place))]
        if not isinstance(cluster.services, Silence):
            found += _strayed(cluster.volumes, cluster.services, place)
    if not isinstance(cluster.claims, Silence):
        installed = not isinstance(cluster.services, Silence) and any(
            value_at(dict(service), "metadata", "name") == place.name("hub") for service in cluster.services
        )
        found += [finding for claim in cluster.claims if (finding := _claim(claim, place, installed))]
    yield from found
    if not found and not silent:
        yield Finding(SUBJECT, Level.ok, "left nothing behind")


def _volume(volume: Object, place: Place) -> Finding | None:
    """A volume of ours whose claim was deleted: it waits for that very claim, which never comes back."""
    name = str(value_at(dict(volume), "metadata", "name"))
    claim = value_at(dict(volume), "spec", "claimRef") or {}
    prefix = place.name("")
    ours = claim.get("namespace") == place.namespace and str(claim.get("name")).startswith(prefix)
    if not ours or value_at(dict(volume), "status", "phase") != "Released":
        return None
    return Finding(
        SUBJECT,
        Level.failure,
        f"volume {name} is Released: it holds data of the deleted claim {claim['name']}, and binds to no new one",
        "let the new claim bind it; the data stays",
        f"kubectl patch persistentvolume {name} --type json "
        """--patch '[{"op": "remove", "path": "/spec/claimRef/uid"}]'""",
    )


def _strayed(volumes: Sequence[Object], services: Sequence[Object], place: Place) -> Iterator[Finding]:
    """Volumes that show the file server where it is not."""
    here = {
        str(value_at(dict(each), "spec", "clusterIP"))
        for each in services
        if value_at(dict(each), "metadata", "name") == place.name("file-server")
    }
    for volume in volumes:
        shown = value_at(dict(volume), "spec", "nfs", "server")
        name = str(value_at(dict(volume), "metadata", "name"))
        if here and shown and shown not in here and name.startswith(f"{place.namespace}-{place.name('')}"):
            component = (value_at(dict(volume), "metadata", "labels") or {}).get("app.kubernetes.io/component")
            if component == "storage":
                yield Finding(
                    SUBJECT,
                    Level.failure,
                    f"volume {name} shows the file server at {shown}, and it is at {', '.join(here)}",
                    "let the hook bring them together; the data stays",
                    f"helm upgrade {place.release} ./chart -f values.yaml --namespace {place.namespace}",
                )


def _claim(claim: Object, place: Place, installed: bool) -> Finding | None:
    name = str(value_at(dict(claim), "metadata", "name"))
    if name not in (place.name("home"), place.name("hub-db")):
        return None
    annotations = value_at(dict(claim), "metadata", "annotations") or {}
    owner = (annotations.get(_OWNER), annotations.get(_OWNER_NAMESPACE))
    if owner != (place.release, place.namespace):
        return Finding(
            SUBJECT,
            Level.failure,
            f"claim {name} is there and belongs to no release {place.release}, so Helm refuses to install",
            "give it to the release; the data stays",
            f"kubectl --namespace {place.namespace} annotate persistentvolumeclaim {name} --overwrite "
            f"{_OWNER}={place.release} {_OWNER_NAMESPACE}={place.namespace} && "
            f"kubectl --namespace {place.namespace} label persistentvolumeclaim {name} --overwrite "
            "app.kubernetes.io/managed-by=Helm",
        )
    if value_at(dict(claim), "status", "phase") == "Lost":
        found = f"claim {name} is Lost: its volume is gone"
        return Finding(SUBJECT, Level.failure, found, "delete it, so that a new one is made", _delete(place, name))
    if installed:
        return None
    what = "home directories" if name == place.name("home") else "the hub's database"
    found = f"claim {name} keeps {what}; the next installation as {place.release} takes it over"
    return Finding(SUBJECT, Level.ok, found, "only to lose that for good, delete it", _delete(place, name))


def _delete(place: Place, name: str) -> str:
    return f"kubectl --namespace {place.namespace} delete persistentvolumeclaim {name}"
