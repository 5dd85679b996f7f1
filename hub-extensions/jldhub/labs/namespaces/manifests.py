"""Namespaces of people: what is in one besides the lab, as data.

A ServiceAccount for labs and their NetworkPolicy, as in the release's own namespace; what the person may use; and for each
volume a claim of its own, with a PersistentVolume that shows the same files as the release's.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from jldhub.settings.lab import PER_USER, PerUser, Quota
from jldhub.settings.names import UserNamespaces

Manifest = dict[str, Any]
Object = Mapping[str, Any]


def namespace_config(settings: UserNamespaces | None) -> dict[str, Any]:
    """KubeSpawner's traits."""
    if settings is None:
        return {}
    return {
        "enable_user_namespaces": True,
        "user_namespace_template": f"{settings.prefix}-{{username}}",
        "user_namespace_labels": dict(settings.labels),
    }


def is_ours(namespace: Object, settings: UserNamespaces) -> bool:
    """Whether the hub of this release made a namespace: labels are what policies go by, so another one's is never used."""
    found = namespace["metadata"].get("labels") or {}
    return all(found.get(label) == value for label, value in settings.labels.items())


def owned(name: str, settings: UserNamespaces, owner_uid: str, level: str) -> Manifest:
    """The namespace as it has to be: it goes with the release's ClusterRole, and enforces a level of Pod Security."""
    owner = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "name": settings.owner,
        "uid": owner_uid,
        "blockOwnerDeletion": False,
        "controller": False,
    }
    labels = {**settings.labels, "pod-security.kubernetes.io/enforce": level}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner]},
    }


def contents(name: str, labels: Mapping[str, str], policy: Object, per_user: PerUser) -> list[Manifest]:
    """What each namespace has, `policy` as in the release's own. Limits of zero are none, and take away those of before."""
    metadata = {"name": name, "labels": dict(labels)}
    limited = {**metadata, "name": f"{name}-{PER_USER}"}
    most = _amounts(per_user.limit_range, "")
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": False},
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {**metadata, "name": policy["metadata"]["name"]},
            "spec": policy["spec"],
        },
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": limited,
            "spec": {"hard": _amounts(per_user.quota, "limits.")},
        },
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": limited,
            "spec": {"limits": [{"type": "Container", "max": most}] if most else []},
        },
    ]


def _amounts(quota: Quota, prefix: str) -> dict[str, str]:
    found = {"cpu": f"{quota.cpu:g}", "memory": quota.memory}
    return {f"{prefix}{kind}": amount for kind, amount in found.items() if amount != "0"}


def volume_copy(claim: str, source: Object, namespace: Object, labels: Mapping[str, str]) -> tuple[Manifest, Manifest]:
    """A PersistentVolume that shows what `source` shows, and the claim in `namespace` for which it is.

    Their names hold what they are made of, because neither can be changed: a file server at another address gives others. Both go
    with the namespace, and the files stay.
    """
    place, uid = namespace["metadata"]["name"], namespace["metadata"]["uid"]
    spec = {key: value for key, value in source["spec"].items() if key != "claimRef"}
    digest = hashlib.sha256(json.dumps([spec, uid], sort_keys=True).encode()).hexdigest()[:10]
    name = f"{claim}-{digest}"
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": place, "uid": uid, "blockOwnerDeletion": False}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{place}-{name}", "labels": dict(labels), "ownerReferences": [owner]},
        "spec": {
            **spec,
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": place, "name": name},
        },
    }
    wanted = {
        "accessModes": spec["accessModes"],
        "resources": {"requests": {"storage": "1Mi"}},
        "storageClassName": "",
        "volumeName": f"{place}-{name}",
    }
    metadata = {"name": name, "labels": dict(labels)}
    return volume, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": wanted}


def pull_secret(source: Object) -> Manifest:
    """A Secret with the log-in to the registry, for another namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": source["type"],
        "metadata": {"name": source["metadata"]["name"]},
        "data": source["data"],
    }
