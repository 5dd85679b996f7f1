"""Values that want the files elsewhere are refused, by what the cluster has, before `helm upgrade` would touch anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jlddev.support.paths import CHECKOUT
from pytest_helm_charts.clusters import Cluster

from .release import Ports, Release

NAME = "jld-moved"
CLAIM, VOLUME = f"{NAME}-home", f"{NAME}.{NAME}-home"
ADDRESS = "10.96.0.77"
SITE = {
    "global": {"hostname": "moved.localhost"},
    "hub": {"auth": {"dummy": {"users": ["alice"]}}},
    "nginx": {"tls": {"selfSigned": True}},
}
OWNED = {  # as Helm and the hook leave what they made
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": NAME, "meta.helm.sh/release-namespace": NAME},
}
MODES: dict[str, dict[str, object]] = {
    "claim": {"mode": "claim"},
    "hook": {"mode": "nfs"},
    "static": {"mode": "nfs", "nfs": {"address": {"mode": "static", "clusterIP": ADDRESS}}},
    "external": {"mode": "external", "external": {"server": "nfs.example.org"}},
    "external, another server": {"mode": "external", "external": {"server": "other.example.org"}},
    "hostPath": {"mode": "hostPath"},
}
SOURCES: dict[str, dict[str, object] | None] = {  # of the volume that is there
    "claim": None,
    "hook": {"nfs": {"server": ADDRESS, "path": "/home"}},
    "hook, another address": {"nfs": {"server": "10.96.0.78", "path": "/home"}},
    "external": {"nfs": {"server": "nfs.example.org", "path": "/home"}},
    "hostPath": {"hostPath": {"path": "/var/lib/jld/home", "type": "DirectoryOrCreate"}},
}
# Where the rest of these meets, it is refused. The hook itself looks at volumes: an address that is another one is its daily work.
POSSIBLE = {
    *((name, name) for name in ("claim", "hook", "external", "hostPath")),
    *(("hook", "static"), ("hook, another address", "hook"), ("external", "hook"), ("hostPath", "hook")),
}


@pytest.fixture(scope="module")
def place(kube_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A namespace without a release: only claims and volumes, as a release left them."""
    release = Release(kube_cluster, NAME, Ports(http=0, https=0), tmp_path_factory.mktemp(NAME))
    release.delete()  # a test run that was killed may have left it
    release.create_namespace()
    yield release
    release.delete()


@pytest.fixture(params=SOURCES)
def source(place: Release, request: pytest.FixtureRequest) -> Iterator[str]:
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Mi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": CLAIM, **OWNED}, "spec": spec}
    name = str(request.param)
    if there := SOURCES[name]:
        claim["spec"] = {**spec, "storageClassName": "", "volumeName": VOLUME}
        fields = {**there, "accessModes": ["ReadWriteMany"], "capacity": {"storage": "1Gi"}, "storageClassName": ""}
        reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": NAME, "name": CLAIM}
        fields |= {"claimRef": reference, "persistentVolumeReclaimPolicy": "Retain"}
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": VOLUME, **OWNED}, "spec": fields}
        place.apply(yaml.safe_dump(volume))
    place.apply(yaml.safe_dump(claim))
    yield name
    delete(place)


def delete(place: Release) -> None:
    """As the documentation says."""
    place.kubectl("delete", "persistentvolumeclaim", CLAIM, "--ignore-not-found")
    place.kubectl("delete", "persistentvolume", VOLUME, "--ignore-not-found")


def refused(place: Release, values: Path) -> str:
    """What Helm says of these values for this cluster; nothing where it takes them."""
    try:
        place.helm("template", NAME, str(CHECKOUT / "chart"), "-f", str(values), "--dry-run=server")
    except AssertionError as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("mode", MODES)
def test_values_are_refused_that_want_the_files_elsewhere(place: Release, source: str, mode: str) -> None:
    folder = place.values.parent
    (folder / "site.yaml").write_text(yaml.safe_dump({**SITE, "storage": MODES[mode]}))
    (folder / "secrets.yaml").write_text("{}")
    place.write_values([folder / "site.yaml"], folder / "secrets.yaml")

    said = refused(place, place.values)

    if (source, mode) in POSSIBLE:
        assert said == ""
        return
    assert CLAIM in said
    assert (
        'nothing was changed; go back to what it was, or move the files as docs/storage.md says under "Moving the files"'
        in said
    )
    delete(place)
    assert refused(place, place.values) == ""
