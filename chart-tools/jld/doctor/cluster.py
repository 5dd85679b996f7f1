"""What is right and wrong with a cluster, for a site. Pure: facts in, findings out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from jld.doctor import file_server, permissions, plug_ins, storage
from jld.doctor.facts import ClusterFacts, Finding, Level, NoResponse, Object, Release
from jld.support.key_paths import JsonMap, map_at, value_at

OLDEST = (1, 30)
ENFORCE = "pod-security.kubernetes.io/enforce"


def findings(cluster: ClusterFacts, site: JsonMap | None, release: Release) -> Iterator[Finding]:
    """Everything about the cluster. One that does not respond has one finding only."""
    if isinstance(cluster.version, NoResponse):
        remedy = "point KUBECONFIG or --kubeconfig at a cluster; `jld check` looks at a site without one"
        yield Finding("Kubernetes", Level.failure, f"no cluster: {cluster.version.reason}", remedy)
        return
    yield _version(cluster.version)
    yield permissions.finding(cluster.refused, release)
    yield from _nodes(cluster.nodes)
    yield _pod_security(cluster.namespace, site, release)
    yield from _network_policies(cluster, site)
    yield from storage.findings(cluster, site, release)
    yield from file_server.findings(cluster, site)
    yield from _named("Secrets", cluster.secrets, release)
    yield from _named("ConfigMaps", cluster.config_maps, release)


def _version(version: str) -> Finding:
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if not numbers:
        return Finding("Kubernetes", Level.unknown, f"answers with the odd version {version}")
    if (int(numbers[1]), int(numbers[2])) < OLDEST:
        return Finding("Kubernetes", Level.failure, f"{version}, and the chart needs 1.30", "upgrade the cluster")
    return Finding("Kubernetes", Level.ok, version)


def _nodes(nodes: Sequence[Object] | NoResponse) -> Iterator[Finding]:
    if isinstance(nodes, NoResponse):
        yield Finding.unknown("nodes", nodes)
        return
    ready = [node for node in nodes if _is_ready(node)]
    if not ready:
        yield Finding("nodes", Level.failure, f"none of {len(nodes)} is ready", "see `kubectl describe nodes`")
        return
    architectures = sorted({str(value_at(node, "status", "nodeInfo", "architecture")) for node in ready})
    text = f"{len(ready)} ready, {' and '.join(architectures)}"
    if len(architectures) > 1:
        remedy = "build images for both, or keep JLD on one with hub.lab.pod.nodeSelector and taints"
        yield Finding(
            "nodes", Level.warning, f"{text}: an image of one architecture does not start on the other", remedy
        )
    elif len(ready) < len(nodes):
        yield Finding("nodes", Level.warning, f"{text}; {len(nodes) - len(ready)} not ready", "see `kubectl get nodes`")
    else:
        yield Finding("nodes", Level.ok, text)


def _is_ready(node: Object) -> bool:
    conditions = value_at(node, "status", "conditions") or []
    cordoned = value_at(node, "spec", "unschedulable")
    return not cordoned and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _pod_security(namespace: Object | NoResponse | None, site: JsonMap | None, release: Release) -> Finding:
    subject = "Pod Security"
    if isinstance(namespace, NoResponse):
        return Finding.unknown(subject, namespace)
    if namespace is None:
        return Finding(
            subject, Level.ok, f"namespace {release.namespace} is not there yet; install with --create-namespace"
        )
    enforced = (value_at(namespace, "metadata", "labels") or {}).get(ENFORCE)
    if enforced == "restricted":
        return Finding(
            subject,
            Level.warning,
            f"namespace {release.namespace} enforces restricted, which refuses every lab: its first container makes the "
            "home directory as root",
            "let it enforce baseline",
            f"kubectl label namespace {release.namespace} {ENFORCE}=baseline --overwrite",
        )
    if enforced == "baseline" and value_at(site, "storage", "mode") == "nfs":
        return Finding(
            subject,
            Level.failure,
            f"namespace {release.namespace} enforces baseline, which refuses the file server: it opens files by handle",
            "let it enforce privileged, or choose another storage.mode",
            f"kubectl label namespace {release.namespace} {ENFORCE}=privileged --overwrite",
        )
    if enforced == "baseline" and value_at(site, "logging", "enabled") is True:
        return Finding(
            subject,
            Level.failure,
            f"namespace {release.namespace} enforces baseline, which refuses filebeat: it reads the folder with the node's logs",
            "let it enforce privileged, or leave logging.enabled false",
            f"kubectl label namespace {release.namespace} {ENFORCE}=privileged --overwrite",
        )
    return Finding(subject, Level.ok, f"namespace {release.namespace} enforces {enforced or 'nothing'}")


def _network_policies(cluster: ClusterFacts, site: JsonMap | None) -> Iterator[Finding]:
    subject = "NetworkPolicies"
    if isinstance(cluster.daemon_sets, NoResponse):
        yield Finding.unknown(subject, cluster.daemon_sets)
        return
    found = plug_ins.plug_ins(cluster.daemon_sets, () if isinstance(cluster.nodes, NoResponse) else cluster.nodes)
    enforcing = [plug_in.name for plug_in in found if plug_in.enforces]
    remedy = "install a network plug-in that enforces them, such as Calico or Cilium, or a lab reaches every other pod"
    if enforcing:
        yield Finding(subject, Level.ok, f"{enforcing[0]} enforces them")
        yield from _by_entity(enforcing, site)
    elif found:
        yield Finding(subject, Level.warning, f"{found[0].name} does not enforce them", remedy)
    else:
        observed = "no network plug-in that is known here; whether they are enforced is unknown"
        yield Finding(subject, Level.unknown, observed, remedy)


def _by_entity(enforcing: Sequence[str], site: JsonMap | None) -> Iterator[Finding]:
    """Whether the Kubernetes API is opened by the word that the network knows."""
    key = "global.network.cilium"
    network = map_at(site, "global", "network")
    if network.get("enabled") is True and plug_ins.CILIUM in enforcing and network.get("cilium") is False:
        observed = (
            "Cilium knows the Kubernetes API as an entity, and by no address where it runs on a node of the cluster"
        )
        remedy = f"write {key}: true, or hub, prepuller and hooks may not reach it"
        yield Finding(key, Level.warning, observed, remedy)
    elif network.get("cilium") is True and plug_ins.CILIUM not in enforcing:
        observed = f"{enforcing[0]} has no CiliumNetworkPolicy, so the installation is refused"
        yield Finding(key, Level.failure, observed, f"write {key}: false")


def _named(kind: str, objects: Mapping[str, bool] | NoResponse, release: Release) -> Iterator[Finding]:
    if isinstance(objects, NoResponse):
        yield Finding.unknown(kind, objects)
        return
    missing = [name for name, is_there in objects.items() if not is_there]
    if missing:
        remedy = "make them before you install"
        observed = f"not in namespace {release.namespace}: {', '.join(missing)}"
        yield Finding(f"{kind} that the site names", Level.failure, observed, remedy)
    elif objects:
        yield Finding(f"{kind} that the site names", Level.ok, f"{', '.join(objects)} are there")
