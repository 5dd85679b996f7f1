"""The manifests of a user namespace. Pure functions.

It has a ServiceAccount and a NetworkPolicy for labs, as in the release's namespace, and a ResourceQuota and a
LimitRange for the person. For each volume it has a PersistentVolumeClaim, bound to a PersistentVolume with the source
of the release's.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from jldhub.labs.homes import person_slug
from jldhub.settings.lab import PER_USER, PerUser, Quota
from jldhub.settings.names import MANAGED_BY, Names, UserNamespaces

Manifest = dict[str, Any]
Object = Mapping[str, Any]


def lab_namespace(names: Names, username: str) -> str:
    """The namespace of a person's labs, as KubeSpawner computes it from `user_namespace_template`."""
    if names.user_namespaces is None:
        return names.namespace
    return f"{names.user_namespaces.prefix}-{person_slug(username)}"


def namespace_config(settings: UserNamespaces | None) -> dict[str, Any]:
    """KubeSpawner's traits for user namespaces; empty where labs run in the release's namespace."""
    if settings is None:
        return {}
    return {
        "enable_user_namespaces": True,
        "user_namespace_template": f"{settings.prefix}-{{username}}",
        "user_namespace_labels": dict(settings.labels),
    }


def belongs_to_release(namespace: Object, settings: UserNamespaces) -> bool:
    """Whether a namespace has the labels of this release's user namespaces.

    Policies select namespaces by these labels, so that a namespace without them must not be used.
    """
    labels = namespace["metadata"].get("labels") or {}
    return all(labels.get(label) == value for label, value in settings.labels.items())


def release_owner(settings: UserNamespaces, uid: str) -> Manifest:
    """The release's ClusterRole with this UID: what names it as owner is garbage-collected with it."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "name": settings.owner,
        "uid": uid,
        "blockOwnerDeletion": False,
        "controller": False,
    }


def namespace_manifest(name: str, settings: UserNamespaces, owners: Sequence[Manifest], level: str) -> Manifest:
    """The namespace with a Pod Security `level`. Without an owner it stays, with the claims in it, where the release goes."""
    labels = {**settings.labels, **MANAGED_BY, "pod-security.kubernetes.io/enforce": level}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels, "ownerReferences": list(owners)},
    }


def contents(
    name: str,
    labels: Mapping[str, str],
    policy: Object,
    per_user: PerUser,
    annotations: Mapping[str, str],
    owner: Manifest,
) -> list[Manifest]:
    """ServiceAccount, NetworkPolicy, ResourceQuota and LimitRange of a namespace.

    `name`, `labels`, `annotations` and `owner` are of the ServiceAccount, which owns the labs, so that they go with the release where the
    namespace stays. `policy` is the NetworkPolicy in the release's namespace. A limit of 0 is omitted, so that server-side apply removes
    an earlier one.
    """
    metadata = {"name": name, "labels": dict(labels)}
    limits_metadata = {**metadata, "name": f"{name}-{PER_USER}"}
    container_limits = _amounts(per_user.limit_range, "")
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {**metadata, "annotations": dict(annotations), "ownerReferences": [owner]},
            "automountServiceAccountToken": False,
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {**metadata, "name": policy["metadata"]["name"]},
            "spec": policy["spec"],
        },
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": limits_metadata,
            "spec": {"hard": _amounts(per_user.quota, "limits.")},
        },
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": limits_metadata,
            # An empty list is null in the API's answer, which the Kubernetes client takes for no LimitRange.
            "spec": {"limits": [{"type": "Container", **({"max": container_limits} if container_limits else {})}]},
        },
    ]


def _amounts(quota: Quota, prefix: str) -> dict[str, str]:
    amounts = {"cpu": f"{quota.cpu:g}", "memory": quota.memory}
    return {f"{prefix}{resource}": amount for resource, amount in amounts.items() if amount != "0"}


def volume_copy(claim: str, source: Object, namespace: Object, labels: Mapping[str, str]) -> tuple[Manifest, Manifest]:
    """A PersistentVolume with the source of the volume `source`, and the claim in `namespace` that is bound to it.

    Both are immutable, so their names contain a digest of the volume's spec and the namespace's UID: a file server with
    a new address gets new ones. Both are deleted with the namespace, and earlier ones at the next start. The files stay
    (reclaim policy Retain).
    """
    namespace_name, uid = namespace["metadata"]["name"], namespace["metadata"]["uid"]
    spec = {key: value for key, value in source["spec"].items() if key != "claimRef"}
    digest = hashlib.sha256(json.dumps([spec, uid], sort_keys=True).encode()).hexdigest()[:10]
    name = f"{claim}-{digest}"
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": namespace_name, "uid": uid, "blockOwnerDeletion": False}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": f"{namespace_name}-{name}",
            "labels": {**labels, **MANAGED_BY},
            "ownerReferences": [owner],
        },
        "spec": {
            **spec,
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace_name,
                "name": name,
            },
        },
    }
    claim_spec = {
        "accessModes": spec["accessModes"],
        "resources": {"requests": {"storage": "1Mi"}},
        "storageClassName": "",
        "volumeName": f"{namespace_name}-{name}",
    }
    metadata = {"name": name, "labels": {**labels, **MANAGED_BY}}
    return volume, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim_spec}


def of_claim(volume: Manifest, claim_uid: str) -> Manifest:
    """The volume for the claim with this UID, and for no later one of the same name."""
    spec = volume["spec"]
    return {**volume, "spec": {**spec, "claimRef": {**spec["claimRef"], "uid": claim_uid}}}


def claim_again(volume: Manifest) -> list[dict[str, str]]:
    """The JSON patch that gives the volume that exists to the claim of `volume`.

    The API server refuses it as a whole where that volume is of a claim with another name.
    """
    claim, path = volume["spec"]["claimRef"], "/spec/claimRef"
    tests = [{"op": "test", "path": f"{path}/{key}", "value": claim[key]} for key in ("namespace", "name")]
    return [*tests, {"op": "add", "path": f"{path}/uid", "value": claim["uid"]}]


def outdated(claims: Iterable[Object], namespace: str, current: Collection[str]) -> list[tuple[str, str]]:
    """Claims in a namespace, and their volumes, that an earlier start made for a source of before.

    Both names tell that `volume_copy` made them; whatever else is there is not the hub's.
    """
    pairs = [(claim["metadata"]["name"], claim["spec"].get("volumeName")) for claim in claims]
    return [(name, volume) for name, volume in pairs if name not in current and volume == f"{namespace}-{name}"]


def secret_copy(source: Object) -> Manifest:
    """The Secret `source`, such as one for image pulls, for another namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": source["type"],
        "metadata": {"name": source["metadata"]["name"], "labels": dict(MANAGED_BY)},
        "data": source.get("data") or {},
    }
