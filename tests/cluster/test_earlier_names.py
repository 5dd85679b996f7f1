"""An installation from before cluster-wide names had a dot keeps its volumes and the role that owns the namespaces of people."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jlddev.support.paths import CHECKOUT
from pytest_helm_charts.clusters import Cluster

from .release import Ports, Release

NAME = "jld-earlier"
SITE = {
    "global": {"hostname": "earlier.localhost", "userNamespaces": True},
    "hub": {"auth": {"dummy": {"users": ["alice"]}}},
    "nginx": {"tls": {"selfSigned": True}},
    "storage": {
        "mode": "external",
        "external": {"server": "nfs.example.org"},
        "volumes": {"new": {"mountPath": "/new"}},
    },
}
EARLIER = f"""
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {NAME}-home
  labels: {{app.kubernetes.io/managed-by: Helm}}
  annotations: {{meta.helm.sh/release-name: {NAME}, meta.helm.sh/release-namespace: {NAME}}}
spec:
  accessModes: [ReadWriteMany]
  resources: {{requests: {{storage: 1Mi}}}}
  storageClassName: ""
  volumeName: {NAME}-{NAME}-home
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {NAME}-{NAME}-hub
  labels: {{app.kubernetes.io/managed-by: Helm}}
  annotations: {{meta.helm.sh/release-name: {NAME}, meta.helm.sh/release-namespace: OWNER}}
rules: []
"""


@pytest.fixture
def place(kube_cluster: Cluster, tmp_path: Path) -> Iterator[Release]:
    release = Release(kube_cluster, NAME, Ports(http=0, https=0), tmp_path)
    release.delete()  # a test run that was killed may have left it
    release.create_namespace()
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(SITE))
    (tmp_path / "secrets.yaml").write_text("{}")
    release.write_values([tmp_path / "site.yaml"], tmp_path / "secrets.yaml")
    yield release
    release.kubectl("delete", "clusterrole", f"{NAME}-{NAME}-hub", "--ignore-not-found")
    release.delete()


def names(release: Release) -> dict[str, set[str]]:
    """The cluster-wide names by kind, as `helm upgrade` would apply them to this cluster."""
    text = release.helm("template", NAME, str(CHECKOUT / "chart"), "-f", str(release.values), "--dry-run=server")
    objects: list[dict[str, Any]] = [each for each in yaml.safe_load_all(text) if each]
    kinds = ("PersistentVolume", "ClusterRole", "ClusterRoleBinding")
    found = {kind: {each["metadata"]["name"] for each in objects if each["kind"] == kind} for kind in kinds}
    claims = [each for each in objects if each["kind"] == "PersistentVolumeClaim"]
    found["bound"] = {each["spec"]["volumeName"] for each in claims if "volumeName" in each["spec"]}
    return found


def test_what_is_there_keeps_its_name_and_what_is_new_gets_one_with_a_dot(place: Release) -> None:
    volumes, role = {f"{NAME}.{NAME}-home", f"{NAME}.{NAME}-new"}, {f"{NAME}.{NAME}-hub"}
    assert names(place) == {
        "PersistentVolume": volumes,
        "ClusterRole": role,
        "ClusterRoleBinding": role,
        "bound": volumes,
    }
    place.apply(EARLIER.replace("OWNER", "elsewhere"))
    volumes = {f"{NAME}-{NAME}-home", f"{NAME}.{NAME}-new"}
    assert names(place)["ClusterRole"] == role  # somebody else's
    place.apply(EARLIER.replace("OWNER", NAME))
    role = {f"{NAME}-{NAME}-hub"}
    assert names(place) == {
        "PersistentVolume": volumes,
        "ClusterRole": role,
        "ClusterRoleBinding": role,
        "bound": volumes,
    }
