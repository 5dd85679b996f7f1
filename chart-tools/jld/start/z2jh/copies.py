"""Keys whose value JLD takes as it is, or in another form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jld.site.tree import Node, plain
from jld.start.z2jh import forms
from jld.support.key_paths import KeyPath

Form = Callable[[Node], Any]


def _to(key: str) -> KeyPath:
    return tuple(key.split("."))


def _secret_names(node: Node) -> list[str]:
    listed = node.value if isinstance(node.value, list) else [node]
    return [
        forms.text(each.value["name"]) if isinstance(each.value, dict) and "name" in each.value else forms.text(each)
        for each in listed
    ]


def _as_they_are(node: Node) -> list[Any]:
    return [plain(Node(each)) for each in forms.maps(node)]


def _texts(node: Node) -> dict[str, Any]:
    return {name: forms.text(each) for name, each in forms.entries(node).items() if each.value is not None}


COPIES: dict[str, tuple[KeyPath, Form]] = {
    old: (_to(new), form)
    for old, new, form in (
        ("hub.activeServerLimit", "hub.traits.JupyterHub.active_server_limit", forms.whole),
        ("hub.tolerations", "hub.pod.tolerations", forms.tolerations),
        ("hub.concurrentSpawnLimit", "hub.lab.startsAtOnce", forms.whole),
        ("hub.consecutiveFailureLimit", "hub.traits.KubeSpawner.consecutive_failure_limit", forms.whole),
        ("hub.db.upgrade", "hub.db.upgrade", forms.boolean),
        ("hub.db.pvc.storage", "hub.db.capacity", forms.disk),
        ("hub.db.pvc.storageClassName", "hub.db.storageClass", forms.text),
        ("hub.extraContainers", "hub.pod.containers", _as_they_are),
        ("hub.initContainers", "hub.pod.initContainers", _as_they_are),
        ("hub.lifecycle", "hub.pod.lifecycle", plain),
        ("hub.networkPolicy.ingress", "hub.network.ingress", _as_they_are),
        ("hub.networkPolicy.egress", "hub.network.egress", _as_they_are),
        ("hub.redirectToServer", "hub.traits.JupyterHub.redirect_to_server", forms.boolean),
        ("hub.resources", "hub.resources", plain),
        ("hub.templateVars", "hub.traits.JupyterHub.template_vars", plain),
        ("imagePullSecrets", "global.imagePullSecrets", _secret_names),
        ("singleuser.image.pullSecrets", "global.imagePullSecrets", _secret_names),
        ("proxy.service.type", "nginx.service.type", forms.text),
        ("proxy.service.nodePorts.http", "nginx.service.nodePorts.http", forms.whole),
        ("proxy.service.nodePorts.https", "nginx.service.nodePorts.https", forms.whole),
        ("proxy.service.loadBalancerIP", "nginx.service.loadBalancerIP", forms.text),
        ("proxy.service.loadBalancerSourceRanges", "nginx.service.loadBalancerSourceRanges", forms.names),
        ("proxy.service.ipFamilyPolicy", "nginx.service.ipFamilyPolicy", forms.text),
        ("proxy.service.ipFamilies", "nginx.service.ipFamilies", forms.names),
        ("proxy.chp.tolerations", "nginx.pod.tolerations", forms.tolerations),
        ("proxy.chp.networkPolicy.ingress", "nginx.network.ingress", _as_they_are),
        ("proxy.chp.networkPolicy.egress", "nginx.network.egress", _as_they_are),
        ("proxy.https.letsencrypt.contactEmail", "nginx.tls.letsencrypt.email", forms.text),
        ("proxy.https.letsencrypt.acmeServer", "nginx.tls.letsencrypt.server", forms.text),
        ("proxy.https.secret.name", "nginx.tls.existingSecret", forms.text),
        ("ingress.ingressClassName", "nginx.ingress.className", forms.text),
        ("httpRoute.gateway.name", "nginx.gateway.name", forms.text),
        ("httpRoute.gateway.namespace", "nginx.gateway.namespace", forms.text),
        ("httpRoute.gateway.sectionName", "nginx.gateway.sectionName", forms.text),
        ("singleuser.storage.static.pvcName", "storage.volumes.home.existingClaim", forms.text),
        ("singleuser.initContainers", "hub.lab.pod.initContainers", _as_they_are),
        ("singleuser.extraContainers", "hub.lab.pod.containers", _as_they_are),
        ("singleuser.lifecycleHooks", "hub.lab.pod.lifecycle", plain),
        ("singleuser.defaultUrl", "hub.traits.KubeSpawner.default_url", forms.text),
        ("singleuser.startTimeout", "hub.lab.startTimeout", forms.duration),
        ("singleuser.networkPolicy.ingress", "hub.lab.network.ingress", _as_they_are),
        ("singleuser.networkPolicy.egress", "hub.lab.network.egress", _as_they_are),
        ("scheduling.corePods.tolerations", "global.pod.tolerations", forms.tolerations),
        ("cull.removeNamedServers", "hub.culling.namedServers.remove", forms.boolean),
    )
}
# Each entry by itself: one that does not fit is left out, and the others are not.
EACH: dict[str, tuple[KeyPath, Callable[[Node], dict[str, Any]]]] = {
    old: (_to(new), form)
    for old, new, form in (
        ("hub.annotations", "hub.pod.annotations", _texts),
        ("hub.labels", "hub.pod.labels", _texts),
        ("hub.nodeSelector", "hub.pod.nodeSelector", _texts),
        ("hub.extraEnv", "hub.environment", forms.variables),
        ("hub.extraFiles", "hub.files", forms.files),
        ("hub.serviceAccount.annotations", "hub.pod.serviceAccount.annotations", _texts),
        ("proxy.annotations", "nginx.pod.annotations", _texts),
        ("proxy.labels", "nginx.pod.labels", _texts),
        ("proxy.service.annotations", "nginx.service.annotations", _texts),
        ("proxy.chp.nodeSelector", "nginx.pod.nodeSelector", _texts),
        ("ingress.annotations", "nginx.ingress.annotations", _texts),
        ("singleuser.extraEnv", "hub.lab.environment", forms.variables),
        ("singleuser.extraFiles", "hub.lab.files", forms.files),
        ("singleuser.extraLabels", "hub.lab.pod.labels", _texts),
        ("singleuser.extraAnnotations", "hub.lab.pod.annotations", _texts),
        ("singleuser.nodeSelector", "hub.lab.pod.nodeSelector", _texts),
    )
}
