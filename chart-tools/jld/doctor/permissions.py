"""What the person who installs has to be allowed in the cluster, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

from jld.doctor.facts import Access, Finding, Level, NoResponse, Release
from jld.support.key_paths import JsonMap, value_at

# What the chart renders: kind to resource, API group, and whether it lies in a namespace.
KINDS = {
    "Certificate": ("certificates", "cert-manager.io", True),
    "CiliumNetworkPolicy": ("ciliumnetworkpolicies", "cilium.io", True),
    "ClusterRole": ("clusterroles", "rbac.authorization.k8s.io", False),
    "ClusterRoleBinding": ("clusterrolebindings", "rbac.authorization.k8s.io", False),
    "ConfigMap": ("configmaps", "", True),
    "CronJob": ("cronjobs", "batch", True),
    "DaemonSet": ("daemonsets", "apps", True),
    "Deployment": ("deployments", "apps", True),
    "HTTPRoute": ("httproutes", "gateway.networking.k8s.io", True),
    "Ingress": ("ingresses", "networking.k8s.io", True),
    "Issuer": ("issuers", "cert-manager.io", True),
    "Job": ("jobs", "batch", True),
    "Namespace": ("namespaces", "", False),
    "NetworkPolicy": ("networkpolicies", "networking.k8s.io", True),
    "PersistentVolume": ("persistentvolumes", "", False),
    "PersistentVolumeClaim": ("persistentvolumeclaims", "", True),
    "Pod": ("pods", "", True),
    "ResourceQuota": ("resourcequotas", "", True),
    "PodDisruptionBudget": ("poddisruptionbudgets", "policy", True),
    "PodMonitor": ("podmonitors", "monitoring.coreos.com", True),
    "PrometheusRule": ("prometheusrules", "monitoring.coreos.com", True),
    "PriorityClass": ("priorityclasses", "scheduling.k8s.io", False),
    "Role": ("roles", "rbac.authorization.k8s.io", True),
    "RoleBinding": ("rolebindings", "rbac.authorization.k8s.io", True),
    "Secret": ("secrets", "", True),
    "Service": ("services", "", True),
    "ServiceMonitor": ("servicemonitors", "monitoring.coreos.com", True),
    "ServiceAccount": ("serviceaccounts", "", True),
    "StatefulSet": ("statefulsets", "apps", True),
    "StorageClass": ("storageclasses", "storage.k8s.io", False),
}
_FILE_SERVER_KINDS = ("ClusterRole", "ClusterRoleBinding", "Job")
_VERBS = ("create", "get", "patch", "delete")
# Nobody may give the hub a right that they have not themselves.
_HUB_ACCESS = (
    *(Access(verb, "pods") for verb in ("get", "list", "watch", "create", "delete")),
    *(Access(verb, "events") for verb in ("list", "watch")),
)
_USER_NAMESPACES_ACCESS = (
    *(Access(verb, "namespaces", namespaced=False) for verb in ("create", "get", "list", "patch")),
    *(Access(verb, "persistentvolumes", namespaced=False) for verb in ("create", "get", "patch", "delete")),
    *(Access(verb, "persistentvolumeclaims") for verb in ("create", "patch", "list", "delete")),
    *(
        Access(verb, resource, group)
        for resource, group in (("resourcequotas", ""), ("limitranges", ""), ("networkpolicies", "networking.k8s.io"))
        for verb in ("create", "patch")
    ),
)
_PULL_ACCESS = (
    *(Access(verb, "nodes", namespaced=False) for verb in ("list", "watch")),
    *(Access(verb, "pods") for verb in ("list", "watch", "create", "delete")),
    Access("create", "events"),
)
_LABELS_ACCESS = tuple(
    Access(verb, resource, namespaced=False)
    for resource in ("pods", "nodes", "namespaces")
    for verb in ("get", "list", "watch")
)
_DRAIN_ACCESS = Access("patch", "deployments/scale", "apps")


def needed(site: JsonMap | None) -> list[Access]:
    """What the person who installs has to be allowed."""
    kinds = dict(KINDS)
    mode = value_at(site, "storage", "mode")
    if mode not in ("hostPath", "external", "nfs"):
        del kinds["PersistentVolume"]
    if mode != "nfs" or not value_at(site, "storage", "nfs", "provisioner"):
        del kinds["StorageClass"]
    enabled, cilium = (value_at(site, "global", "network", key) is True for key in ("enabled", "cilium"))
    by_cilium = mode == "nfs" and value_at(site, "storage", "nfs", "networkPolicy") == "cilium"
    if not enabled or not (cilium or by_cilium):
        del kinds["CiliumNetworkPolicy"]
    if not value_at(site, "hub", "lab", "placeholders", "counts"):
        del kinds["PriorityClass"]
    ships = value_at(site, "logging", "enabled") is True
    if not ships:
        del kinds["DaemonSet"]
    if not ships or value_at(site, "logging", "pipeline") != "logstash":
        del kinds["StatefulSet"]
    labels_pods = ships and value_at(site, "logging", "podLabels") is True
    for key, made in (("rules", ("PrometheusRule",)), ("monitors", ("PodMonitor", "ServiceMonitor"))):
        if not value_at(site, "global", "monitoring", key):
            for kind in made:
                del kinds[kind]
    if not value_at(site, "storage", "backup", "claim"):
        del kinds["CronJob"]
    user_namespaces = bool(value_at(site, "global", "userNamespaces"))
    pulls = bool(value_at(site, "prepuller", "enabled") and value_at(site, "prepuller", "nodesAtOnce"))
    if not pulls or value_at(site, "prepuller", "purge") != "remove":
        del kinds["Namespace"]
    if mode != "nfs":
        for kind in _FILE_SERVER_KINDS:
            if not ((user_namespaces or pulls or labels_pods) and kind.startswith("ClusterRole")):
                del kinds[kind]
    tls = value_at(site, "nginx", "tls") or {}
    by_authority = bool(value_at(tls, "letsencrypt", "email"))
    if not by_authority:
        del kinds["Issuer"]
    if not by_authority and not value_at(tls, "issuer", "name"):
        del kinds["Certificate"]
    for mode_of_nginx, kind in (("ingress", "Ingress"), ("gateway", "HTTPRoute")):
        if value_at(site, "nginx", "mode") != mode_of_nginx:
            del kinds[kind]
    if not value_at(site, "hub", "lab", "quota", "cpu") and value_at(site, "hub", "lab", "quota", "memory") in (
        None,
        "0",
    ):
        del kinds["ResourceQuota"]  # the ClusterRole admin lets nobody make one
    helm = [Access(verb, *rest) for rest in kinds.values() for verb in _VERBS]
    hooks = [_DRAIN_ACCESS] if mode == "nfs" else []
    also = [Access("list", "secrets"), Access("update", "secrets"), *_HUB_ACCESS, *hooks]
    also.append(Access("list", "replicasets", "apps"))  # the chart asks which pods an upgrade has yet to replace
    also += _USER_NAMESPACES_ACCESS if user_namespaces else ()
    also += _PULL_ACCESS if pulls else ()
    also += _LABELS_ACCESS if labels_pods else ()
    return list(dict.fromkeys([*helm, *also]))


def finding(refused: Sequence[Access] | NoResponse, release: Release) -> Finding:
    """Whether everything that is needed is allowed."""
    if isinstance(refused, NoResponse):
        return Finding.unknown("permissions", refused)
    if refused:
        remedy = (
            f"ask the cluster's administrator for them, or for the ClusterRole admin in namespace {release.namespace}"
        )
        if any(each.resource == "resourcequotas" for each in refused):
            remedy += "; a quota (hub.lab.quota) is more than the ClusterRole admin allows, so leave it to them, or out"
        if any(each.resource in ("nodes", "events") or each.resource.startswith("clusterrole") for each in refused):
            remedy += "; who pulls images to nodes has to see nodes, unless prepuller.nodesAtOnce is 0"
        if any(each.resource == "persistentvolumes" for each in refused):
            remedy += "; volumes belong to the whole cluster and need a ClusterRole of their own, unless storage.mode is claim"
        return Finding("permissions", Level.failure, f"you may not {_grouped(refused)}", remedy)
    return Finding("permissions", Level.ok, f"you may install into namespace {release.namespace}")


def _grouped(refused: Sequence[Access]) -> str:
    """`create, get: pods, secrets`, instead of four times two words."""
    verbs: dict[str, list[str]] = {}
    for access in refused:
        verbs.setdefault(access.resource, []).append(access.verb)
    resources: dict[str, list[str]] = {}
    for resource, chosen in verbs.items():
        resources.setdefault(", ".join(sorted(chosen)), []).append(resource)
    return "; ".join(f"{chosen}: {', '.join(names)}" for chosen, names in resources.items())
