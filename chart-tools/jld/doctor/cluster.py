"""What is right and wrong with a cluster, for a site. Pure: facts in, findings out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from jld.doctor.facts import Access, Cluster, Finding, Level, NotConfigured, Object, Place, Silence
from jld.site.effective import storage_volumes
from jld.support.key_paths import JsonMap, value_at

OLDEST = (1, 30)
ENFORCE = "pod-security.kubernetes.io/enforce"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"

# What the chart renders: kind to resource, API group, and whether it lies in a namespace.
KINDS = {
    "ClusterRole": ("clusterroles", "rbac.authorization.k8s.io", False),
    "ClusterRoleBinding": ("clusterrolebindings", "rbac.authorization.k8s.io", False),
    "ConfigMap": ("configmaps", "", True),
    "Deployment": ("deployments", "apps", True),
    "HTTPRoute": ("httproutes", "gateway.networking.k8s.io", True),
    "Ingress": ("ingresses", "networking.k8s.io", True),
    "Job": ("jobs", "batch", True),
    "NetworkPolicy": ("networkpolicies", "networking.k8s.io", True),
    "PersistentVolume": ("persistentvolumes", "", False),
    "PersistentVolumeClaim": ("persistentvolumeclaims", "", True),
    "Pod": ("pods", "", True),
    "ResourceQuota": ("resourcequotas", "", True),
    "PodDisruptionBudget": ("poddisruptionbudgets", "policy", True),
    "Role": ("roles", "rbac.authorization.k8s.io", True),
    "RoleBinding": ("rolebindings", "rbac.authorization.k8s.io", True),
    "Secret": ("secrets", "", True),
    "Service": ("services", "", True),
    "ServiceAccount": ("serviceaccounts", "", True),
    "StorageClass": ("storageclasses", "storage.k8s.io", False),
}
_OF_THE_FILE_SERVER = ("ClusterRole", "ClusterRoleBinding", "Job")
_VERBS = ("create", "get", "patch", "delete")
# Nobody may give the hub a right that they have not themselves.
_OF_THE_HUB = (
    *(Access(verb, "pods") for verb in ("get", "list", "watch", "create", "delete")),
    *(Access(verb, "events") for verb in ("list", "watch")),
)
_OF_USER_NAMESPACES = (
    *(Access(verb, "namespaces", namespaced=False) for verb in ("create", "get", "list", "patch")),
    *(Access(verb, "persistentvolumes", namespaced=False) for verb in ("create", "get")),
    *(
        Access(verb, resource, group)
        for resource, group in (("resourcequotas", ""), ("limitranges", ""), ("networkpolicies", "networking.k8s.io"))
        for verb in ("create", "patch")
    ),
)
_OF_THE_DRAIN = Access("patch", "deployments/scale", "apps")
_ONE_NODE = re.compile(
    r"kubernetes\.io/(aws-ebs|gce-pd|azure-disk|cinder|no-provisioner)|ebs\.csi\.(aws|eks\.amazonaws)\.com|pd\.csi\.storage\.gke\.io|"
    r"disk\.csi\.azure\.com|rancher\.io/local-path|cinder\.csi\.openstack\.org|csi\.hetzner\.cloud|"
    r"dobs\.csi\.digitalocean\.com|(k8s\.io/minikube|microk8s\.io|docker\.io)[-/]hostpath|topolvm.*|.*\.rbd\.csi\.ceph\.com"
)
_MANY_NODES = re.compile(
    r".*nfs.*|efs\.csi\.aws\.com|file\.csi\.azure\.com|filestore\.csi\.storage\.gke\.io|.*cephfs\.csi\.ceph\.com|"
    r"driver\.longhorn\.io|manila.*|.*gluster.*|.*\.(weka|quobyte)\..*|smb\.csi\.k8s\.io|.*lustre.*"
)
_ENFORCES = re.compile(
    r"calico-node|canal|cilium|anetd|antrea-agent|kube-router|weave-net|ovnkube-node|azure-npm|kube-network-policies"
)
_ENFORCES_NOT = re.compile(r"kube-flannel(-ds)?.*")


def needed(site: JsonMap | None) -> list[Access]:
    """What the person who installs has to be allowed."""
    kinds = dict(KINDS)
    mode = value_at(site, "storage", "mode")
    if mode not in ("hostPath", "external", "nfs"):
        del kinds["PersistentVolume"]
    if mode != "nfs" or not value_at(site, "storage", "nfs", "provisioner"):
        del kinds["StorageClass"]
    of_people = bool(value_at(site, "global", "userNamespaces"))
    if mode != "nfs":
        for kind in _OF_THE_FILE_SERVER:
            if not (of_people and kind.startswith("ClusterRole")):
                del kinds[kind]
    for door, kind in (("ingress", "Ingress"), ("gateway", "HTTPRoute")):
        if value_at(site, "nginx", "mode") != door:
            del kinds[kind]
    if not value_at(site, "hub", "lab", "quota", "cpu") and value_at(site, "hub", "lab", "quota", "memory") in (
        None,
        "0",
    ):
        del kinds["ResourceQuota"]  # the ClusterRole admin lets nobody make one
    of_helm = [Access(verb, *rest) for rest in kinds.values() for verb in _VERBS]
    of_hooks = [_OF_THE_DRAIN] if mode == "nfs" else []
    also = [Access("list", "secrets"), Access("update", "secrets"), *_OF_THE_HUB, *of_hooks]
    also += _OF_USER_NAMESPACES if of_people else ()
    return list(dict.fromkeys([*of_helm, *also]))


def findings(cluster: Cluster, site: JsonMap | None, place: Place) -> Iterator[Finding]:
    """Everything about the cluster. Of one that does not answer there is one thing to say."""
    if isinstance(cluster.version, Silence):
        level = Level.warning if isinstance(cluster.version, NotConfigured) else Level.failure
        remedy = (
            "point KUBECONFIG or --kubeconfig at a cluster; without one, only the site and the network are looked at"
        )
        yield Finding("Kubernetes", level, f"no cluster: {cluster.version.reason}", remedy)
        return
    yield _version(cluster.version)
    yield _permissions(cluster.refused, place)
    yield from _nodes(cluster.nodes)
    yield _pod_security(cluster.namespace, site, place)
    yield _policies(cluster.daemon_sets)
    yield from _storage(cluster, site)
    yield from _secrets(cluster.secrets, place)


def _version(version: str) -> Finding:
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if not numbers:
        return Finding("Kubernetes", Level.unknown, f"answers with the odd version {version}")
    if (int(numbers[1]), int(numbers[2])) < OLDEST:
        return Finding("Kubernetes", Level.failure, f"{version}, and the chart needs 1.30", "upgrade the cluster")
    return Finding("Kubernetes", Level.ok, version)


def _permissions(refused: Sequence[Access] | Silence, place: Place) -> Finding:
    if isinstance(refused, Silence):
        return _unknown("permissions", refused)
    if refused:
        remedy = (
            f"ask the cluster's administrator for them, or for the ClusterRole admin in namespace {place.namespace}"
        )
        if any(each.resource == "resourcequotas" for each in refused):
            remedy += "; a quota (hub.lab.quota) is more than the ClusterRole admin allows, so leave it to them, or out"
        if not all(each.namespaced for each in refused):
            remedy += "; volumes belong to the whole cluster and need a ClusterRole of their own, unless storage.mode is claim"
        return Finding("permissions", Level.failure, f"you may not {_grouped(refused)}", remedy)
    return Finding("permissions", Level.ok, f"you may install into namespace {place.namespace}")


def _grouped(refused: Sequence[Access]) -> str:
    """`create, get: pods, secrets`, instead of four times two words."""
    verbs: dict[str, list[str]] = {}
    for access in refused:
        verbs.setdefault(access.resource, []).append(access.verb)
    resources: dict[str, list[str]] = {}
    for resource, chosen in verbs.items():
        resources.setdefault(", ".join(sorted(chosen)), []).append(resource)
    return "; ".join(f"{chosen}: {', '.join(names)}" for chosen, names in resources.items())


def _nodes(nodes: Sequence[Object] | Silence) -> Iterator[Finding]:
    if isinstance(nodes, Silence):
        yield _unknown("nodes", nodes)
        return
    ready = [node for node in nodes if _is_ready(node)]
    if not ready:
        yield Finding("nodes", Level.failure, f"none of {len(nodes)} is ready", "see `kubectl describe nodes`")
        return
    shapes = sorted({str(value_at(dict(node), "status", "nodeInfo", "architecture")) for node in ready})
    text = f"{len(ready)} ready, {' and '.join(shapes)}"
    if len(shapes) > 1:
        remedy = "build images for both, or keep JLD on one with hub.traits.KubeSpawner.node_selector and taints"
        yield Finding(
            "nodes", Level.warning, f"{text}: an image of one architecture does not start on the other", remedy
        )
    elif len(ready) < len(nodes):
        yield Finding("nodes", Level.warning, f"{text}; {len(nodes) - len(ready)} not ready", "see `kubectl get nodes`")
    else:
        yield Finding("nodes", Level.ok, text)


def _is_ready(node: Object) -> bool:
    conditions = value_at(dict(node), "status", "conditions") or []
    taken = value_at(dict(node), "spec", "unschedulable")
    return not taken and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _pod_security(namespace: Object | Silence | None, site: JsonMap | None, place: Place) -> Finding:
    subject = "Pod Security"
    if isinstance(namespace, Silence):
        return _unknown(subject, namespace)
    if namespace is None:
        return Finding(
            subject, Level.ok, f"namespace {place.namespace} is not there yet; install with --create-namespace"
        )
    enforced = (value_at(dict(namespace), "metadata", "labels") or {}).get(ENFORCE)
    if enforced == "restricted":
        return Finding(
            subject,
            Level.warning,
            f"namespace {place.namespace} enforces restricted, which refuses every lab: its first container makes the "
            "home directory as root",
            "let it enforce baseline",
            f"kubectl label namespace {place.namespace} {ENFORCE}=baseline --overwrite",
        )
    if enforced == "baseline" and value_at(site, "storage", "mode") == "nfs":
        return Finding(
            subject,
            Level.failure,
            f"namespace {place.namespace} enforces baseline, which refuses the file server: it opens files by handle",
            "let it enforce privileged, or choose another storage.mode",
            f"kubectl label namespace {place.namespace} {ENFORCE}=privileged --overwrite",
        )
    return Finding(subject, Level.ok, f"namespace {place.namespace} enforces {enforced or 'nothing'}")


def _policies(daemon_sets: Sequence[Object] | Silence) -> Finding:
    subject = "NetworkPolicies"
    if isinstance(daemon_sets, Silence):
        return _unknown(subject, daemon_sets)
    names = [str(value_at(dict(each), "metadata", "name")) for each in daemon_sets]
    if enforcing := next((name for name in names if _ENFORCES.fullmatch(name)), None):
        return Finding(subject, Level.ok, f"{enforcing} enforces them")
    remedy = "install a network plug-in that enforces them, such as Calico or Cilium, or a lab reaches every other pod"
    if passing := next((name for name in names if _ENFORCES_NOT.fullmatch(name)), None):
        return Finding(subject, Level.warning, f"{passing} does not enforce them", remedy)
    return Finding(
        subject, Level.unknown, "no network plug-in that is known here; whether they are enforced is unknown", remedy
    )


def _storage(cluster: Cluster, site: JsonMap | None) -> Iterator[Finding]:
    classes = cluster.storage_classes
    if isinstance(classes, Silence):
        yield _unknown("storage classes", classes)
        return
    known = {str(each["metadata"]["name"]): each for each in classes}
    default = next((name for name, each in known.items() if _is_default(each)), "")
    if site is None:
        level = Level.ok if default else Level.warning
        remedy = "" if default else "name a class in storage.claim.storageClass and hub.db.storageClass"
        yield Finding("storage class", level, f"{default} is the default" if default else "there is no default", remedy)
        return
    if not value_at(site, "hub", "db", "external"):
        yield _class("hub.db", value_at(site, "hub", "db", "storageClass"), default, known)
    mode = value_at(site, "storage", "mode")
    existing = {name: each.get("existingClaim") for name, each in storage_volumes(site).items()}
    for name, claim in existing.items():
        if claim:
            yield _existing(f"storage.volumes.{name}.existingClaim", str(claim), cluster)
    if mode == "hostPath":
        yield _folder(cluster.nodes)
    elif mode == "nfs" and value_at(site, "storage", "nfs", "existingClaim"):
        yield _existing_disk(str(value_at(site, "storage", "nfs", "existingClaim")), cluster)
    elif mode == "nfs" and not value_at(site, "storage", "nfs", "provisioner"):
        yield _class("storage.nfs", value_at(site, "storage", "nfs", "storageClass"), default, known)
    elif mode == "claim" and not all(existing.values()):
        named = value_at(site, "storage", "claim", "storageClass")
        found = _class("storage.claim", named, default, known)
        if found.level is Level.ok and value_at(site, "storage", "claim", "accessMode") == "ReadWriteMany":
            found = _many_nodes(named or default, str(known[named or default].get("provisioner")), cluster.nodes)
        yield found


def _is_default(storage_class: Object) -> bool:
    annotations = value_at(dict(storage_class), "metadata", "annotations") or {}
    return bool(annotations.get(DEFAULT_CLASS) == "true")


def _class(key: str, named: str, default: str, known: dict[str, Any]) -> Finding:
    if named and named not in known:
        remedy = (
            f"write one of those in {key}.storageClass: {', '.join(known)}"
            if known
            else "install it; there is none at all"
        )
        return Finding(key, Level.failure, f"there is no storage class {named}", remedy)
    if not named and not default:
        remedy = f"write one in {key}.storageClass: {', '.join(known) or 'none is there yet; install one'}"
        return Finding(
            key, Level.failure, "the cluster has no default storage class, so the claim would wait for ever", remedy
        )
    return Finding(key, Level.ok, f"storage class {named or default}")


def _many_nodes(name: str, provisioner: str, nodes: Sequence[Object] | Silence) -> Finding:
    key = "storage.claim"
    if _MANY_NODES.fullmatch(provisioner):
        return Finding(key, Level.ok, f"storage class {name} ({provisioner}) makes volumes that many nodes can write")
    if _ONE_NODE.fullmatch(provisioner):
        one = not isinstance(nodes, Silence) and len(nodes) == 1
        remedy = "name a class of NFS, CephFS or a cloud's file service in storage.claim.storageClass"
        if one:
            remedy = f"with one node, write storage.claim.accessMode: ReadWriteOnce; else {remedy}"
        return Finding(
            key, Level.failure, f"storage class {name} ({provisioner}) makes volumes that one node can write", remedy
        )
    return Finding(
        key,
        Level.unknown,
        f"whether storage class {name} ({provisioner}) makes volumes that many nodes can write is unknown",
        "look for ReadWriteMany in its documentation",
    )


def _folder(nodes: Sequence[Object] | Silence) -> Finding:
    if isinstance(nodes, Silence):
        return _unknown("storage.hostPath", nodes)
    if len(nodes) > 1:
        return Finding(
            "storage.hostPath",
            Level.failure,
            f"a folder of one node, and there are {len(nodes)} nodes: a lab elsewhere finds an empty home directory",
            "write storage.mode: claim, with a class whose volumes many nodes can write",
        )
    return Finding("storage.hostPath", Level.ok, "a folder of the only node")


def _claim(key: str, name: str, cluster: Cluster) -> Object | Finding:
    if isinstance(cluster.claims, Silence):
        return _unknown(key, cluster.claims)
    found = next((claim for claim in cluster.claims if claim["metadata"]["name"] == name), None)
    missing = Finding(key, Level.failure, f"there is no claim {name} in the namespace", "make it, or correct its name")
    return missing if found is None else found


def _existing_disk(name: str, cluster: Cluster) -> Finding:
    """The file server is one pod: any claim will do."""
    key = "storage.nfs.existingClaim"
    found = _claim(key, name, cluster)
    return found if isinstance(found, Finding) else Finding(key, Level.ok, f"claim {name} is there")


def _existing(key: str, name: str, cluster: Cluster) -> Finding:
    found = _claim(key, name, cluster)
    if isinstance(found, Finding):
        return found
    modes = value_at(dict(found), "spec", "accessModes") or []
    one_node = not isinstance(cluster.nodes, Silence) and len(cluster.nodes) == 1
    if "ReadWriteMany" not in modes and not one_node:
        remedy = "use a claim with ReadWriteMany, or labs on other nodes do not start"
        return Finding(key, Level.failure, f"claim {name} is {' and '.join(modes)}", remedy)
    return Finding(key, Level.ok, f"claim {name} is {' and '.join(modes)}")


def _secrets(secrets: Any, place: Place) -> Iterator[Finding]:
    if isinstance(secrets, Silence):
        yield _unknown("Secrets", secrets)
        return
    missing = [name for name, is_there in secrets.items() if not is_there]
    if missing:
        remedy = "make them before you install"
        found = f"not in namespace {place.namespace}: {', '.join(missing)}"
        yield Finding("Secrets that the site names", Level.failure, found, remedy)
    elif secrets:
        yield Finding("Secrets that the site names", Level.ok, f"{', '.join(secrets)} are there")


def _unknown(subject: str, silence: Silence) -> Finding:
    return Finding(subject, Level.unknown, silence.reason)
