"""What an earlier release left behind. Data is never called rubbish: what was retained was retained on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jld.doctor.facts import ClusterFacts, Finding, Level, NoResponse, Object, Release
from jld.support.key_paths import value_at

SUBJECT = "earlier release"
_MOST_NAMED = 20
_OWNER = "meta.helm.sh/release-name"
_OWNER_NAMESPACE = "meta.helm.sh/release-namespace"


def findings(cluster: ClusterFacts, release: Release) -> Iterator[Finding]:
    """Volumes that nothing can bind, and claims that the next installation takes over, or cannot."""
    if isinstance(cluster.version, NoResponse):
        return
    responses = (cluster.volumes, cluster.claims, cluster.services)
    missing = [response for response in responses if isinstance(response, NoResponse)]
    if missing:
        yield Finding.unknown(SUBJECT, missing[0])
    results: list[Finding] = []
    if not isinstance(cluster.volumes, NoResponse):
        results += [finding for volume in cluster.volumes if (finding := _volume(volume, release))]
        results += _of_people(cluster.volumes, release)
        if not isinstance(cluster.services, NoResponse):
            results += _at_another_address(cluster.volumes, cluster.services, release)
    if not isinstance(cluster.claims, NoResponse):
        installed = not isinstance(cluster.services, NoResponse) and any(
            value_at(service, "metadata", "name") == release.object_name("hub") for service in cluster.services
        )
        results += [finding for claim in cluster.claims if (finding := _claim(claim, release, installed))]
    yield from results
    if not results and not missing:
        yield Finding(SUBJECT, Level.ok, "left nothing behind")


def _volume(volume: Object, release: Release) -> Finding | None:
    """A volume of this release whose claim was deleted: it waits for that very claim, which never comes back."""
    name = str(value_at(volume, "metadata", "name"))
    claim = value_at(volume, "spec", "claimRef") or {}
    prefix = release.object_name("")
    of_this_release = claim.get("namespace") == release.namespace and str(claim.get("name")).startswith(prefix)
    if not of_this_release or value_at(volume, "status", "phase") != "Released":
        return None
    return Finding(
        SUBJECT,
        Level.failure,
        f"volume {name} is Released: it holds data of the deleted claim {claim['name']}, and binds to no new one",
        "let the new claim bind it; the data stays",
        f"kubectl patch persistentvolume {name} --type json "
        """--patch '[{"op": "remove", "path": "/spec/claimRef/uid"}]'""",
    )


def _at_another_address(volumes: Sequence[Object], services: Sequence[Object], release: Release) -> Iterator[Finding]:
    """Volumes that show the file server where it is not."""
    here = {
        str(value_at(each, "spec", "clusterIP"))
        for each in services
        if value_at(each, "metadata", "name") == release.object_name("file-server")
    }
    for volume in volumes:
        shown = value_at(volume, "spec", "nfs", "server")
        if here and shown and shown not in here and _is_of(release, volume):
            name = value_at(volume, "metadata", "name")
            yield Finding(
                SUBJECT,
                Level.failure,
                f"volume {name} shows the file server at {shown}, and it is at {', '.join(here)}",
                "let the hook bring them together; the data stays. What mounts the volumes since before and hangs has to be "
                'stopped and started then: docs/storage.md, "Pods that hang on a dead mount"',
                f"helm upgrade {release.name} ./chart -f values.yaml --namespace {release.namespace}",
            )


def _of_people(volumes: Sequence[Object], release: Release) -> Iterator[Finding]:
    """Volumes in namespaces of people that show what the release's volumes showed before."""
    shown = [_shows(volume) for volume in volumes if _is_of(release, volume)]
    old = [volume for volume in volumes if _is_of_a_person(release, volume) and _shows(volume) not in shown]
    if not old:
        return
    named = [str(value_at(each, "metadata", "name")) for each in old]
    claims = [value_at(each, "spec", "claimRef") or {} for each in old[:_MOST_NAMED]]
    commands = [f"kubectl delete persistentvolume {' '.join(named[:_MOST_NAMED])} --wait=false"]
    commands += [
        f"kubectl delete persistentvolumeclaim {claim.get('name')} --namespace {claim.get('namespace')} --wait=false"
        for claim in claims
    ]
    more = f", and {len(old) - _MOST_NAMED} more" if len(old) > _MOST_NAMED else ""
    observed = (
        f"volumes of people show what no volume of the release shows any more: {', '.join(named[:_MOST_NAMED])}{more}"
    )
    remedy = (
        "a person's own go at their next start; delete those of people who do not come back. No file goes with them, and "
        "Kubernetes waits for labs that use them"
    )
    yield Finding(SUBJECT, Level.warning, observed, remedy, " && ".join(commands))


def _shows(volume: Object) -> dict[str, object]:
    """What a person's volume has in common with the release's."""
    return {key: value for key, value in (value_at(volume, "spec") or {}).items() if key != "claimRef"}


def _is_of_a_person(release: Release, volume: Object) -> bool:
    labels = value_at(volume, "metadata", "labels") or {}
    return (
        labels.get("app.kubernetes.io/component") == "user-namespace"
        and labels.get("app.kubernetes.io/instance") == release.name
        and labels.get("jld.lsst.org/release-namespace") == release.namespace
    )


def _is_of(release: Release, volume: Object) -> bool:
    """Whether a volume is the storage of this release. Its name does not say that alone."""
    labels = value_at(volume, "metadata", "labels") or {}
    return (
        labels.get("app.kubernetes.io/component") == "storage"
        and labels.get("app.kubernetes.io/instance") == release.name
        and value_at(volume, "spec", "claimRef", "namespace") == release.namespace
    )


def _claim(claim: Object, release: Release, installed: bool) -> Finding | None:
    name = str(value_at(claim, "metadata", "name"))
    if name not in (release.object_name("home"), release.object_name("hub-db")):
        return None
    annotations = value_at(claim, "metadata", "annotations") or {}
    owner = (annotations.get(_OWNER), annotations.get(_OWNER_NAMESPACE))
    if owner != (release.name, release.namespace):
        return Finding(
            SUBJECT,
            Level.failure,
            f"claim {name} is there and belongs to no release {release.name}, so Helm refuses to install",
            "give it to the release; the data stays",
            f"kubectl --namespace {release.namespace} annotate persistentvolumeclaim {name} --overwrite "
            f"{_OWNER}={release.name} {_OWNER_NAMESPACE}={release.namespace} && "
            f"kubectl --namespace {release.namespace} label persistentvolumeclaim {name} --overwrite "
            "app.kubernetes.io/managed-by=Helm",
        )
    if value_at(claim, "status", "phase") == "Lost":
        observed = f"claim {name} is Lost: its volume is gone"
        return Finding(SUBJECT, Level.failure, observed, "delete it, so that a new one is made", _delete(release, name))
    if installed:
        return None
    what = "home directories" if name == release.object_name("home") else "the hub's database"
    observed = f"claim {name} keeps {what}; the next installation as {release.name} takes it over"
    return Finding(SUBJECT, Level.ok, observed, "only to lose that for good, delete it", _delete(release, name))


def _delete(release: Release, name: str) -> str:
    return f"kubectl --namespace {release.namespace} delete persistentvolumeclaim {name}"
