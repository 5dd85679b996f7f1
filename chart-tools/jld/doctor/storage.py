"""What is right and wrong with a cluster's storage classes and claims, for a site."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from jld.doctor.facts import ClusterFacts, Finding, Level, NoResponse, Object, Release
from jld.site.effective import has_own_homes, shared_volumes
from jld.support.key_paths import JsonMap, list_at, map_at, value_at

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_ONE_NODE = re.compile(
    r"kubernetes\.io/(aws-ebs|gce-pd|azure-disk|cinder|no-provisioner)|ebs\.csi\.(aws|eks\.amazonaws)\.com|pd\.csi\.storage\.gke\.io|"
    r"disk\.csi\.azure\.com|rancher\.io/local-path|cinder\.csi\.openstack\.org|csi\.hetzner\.cloud|"
    r"dobs\.csi\.digitalocean\.com|(k8s\.io/minikube|microk8s\.io|docker\.io)[-/]hostpath|topolvm.*|.*\.rbd\.csi\.ceph\.com"
)
_MANY_NODES = re.compile(
    r".*nfs.*|efs\.csi\.aws\.com|file\.csi\.azure\.com|filestore\.csi\.storage\.gke\.io|.*cephfs\.csi\.ceph\.com|"
    r"driver\.longhorn\.io|manila.*|.*gluster.*|.*\.(weka|quobyte)\..*|smb\.csi\.k8s\.io|.*lustre.*"
)

_EFS = "efs.csi.aws.com"
_ONE_OWNER = {  # of drivers whose volumes can belong to one user as a whole: what they are then, and the remedy
    _EFS: (
        "an access point of EFS",
        "mount the file system itself, with a claim for it without an access point in storage.volumes.home.existingClaim "
        "or with storage.mode: external",
    ),
    "file.csi.azure.com": ("a share over SMB", "take a class with the parameter protocol: nfs"),
    "smb.csi.k8s.io": ("a share over SMB", "take a class of NFS or CephFS"),
}


def findings(cluster: ClusterFacts, site: JsonMap | None, release: Release) -> Iterator[Finding]:
    """The classes and claims that the site names, else the default class."""
    classes = cluster.storage_classes
    if isinstance(classes, NoResponse):
        yield Finding.unknown("storage classes", classes)
        return
    known = {str(each["metadata"]["name"]): each for each in classes}
    default = next((name for name, each in known.items() if _is_default(each)), "")
    if site is None:
        level = Level.ok if default else Level.warning
        remedy = "" if default else "name a class in storage.claim.storageClass and hub.db.storageClass"
        yield Finding("storage class", level, f"{default} is the default" if default else "there is no default", remedy)
        return
    if not isinstance(cluster.nodes, NoResponse):
        cluster = replace(cluster, nodes=_open_to_labs(cluster.nodes, site))
    if not value_at(site, "hub", "db", "external"):
        yield _class("hub.db", value_at(site, "hub", "db", "storageClass"), default, known)
    mode = value_at(site, "storage", "mode")
    existing = {name: each.get("existingClaim") for name, each in shared_volumes(site).items()}
    for name, claim in existing.items():
        if claim:
            finding = _existing_claim(f"storage.volumes.{name}.existingClaim", str(claim), cluster)
            if name == "home":  # an access point need not have a user of its own
                finding = _of_one_owner(finding, *_behind(str(claim), cluster), site, Level.warning)
            yield finding
    if has_own_homes(site):
        yield _of_people(value_at(site, "storage", "perPerson"), default, known, cluster.nodes)
    yield from _other_homes(cluster.claims, site, release)
    if archives := value_at(site, "storage", "backup", "claim"):
        yield _one_pod("storage.backup.claim", str(archives), cluster)
    if mode == "hostPath":
        yield _folder(cluster.nodes)
    elif mode == "nfs" and value_at(site, "storage", "nfs", "existingClaim"):
        yield _one_pod("storage.nfs.existingClaim", str(value_at(site, "storage", "nfs", "existingClaim")), cluster)
    elif mode == "nfs" and not value_at(site, "storage", "nfs", "provisioner"):
        yield _class("storage.nfs", value_at(site, "storage", "nfs", "storageClass"), default, known)
    elif mode == "claim" and not all(existing.values()):
        named = value_at(site, "storage", "claim", "storageClass")
        finding = _class("storage.claim", named, default, known)
        if finding.level is Level.ok and value_at(site, "storage", "claim", "accessMode") == "ReadWriteMany":
            chosen = known[named or default]
            finding = _many_nodes("storage.claim", named or default, str(chosen.get("provisioner")), cluster.nodes)
            # A class of EFS makes access points and nothing else.
            protocol = str((chosen.get("parameters") or {}).get("protocol"))
            finding = _of_one_owner(finding, str(chosen.get("provisioner")), protocol, site, Level.failure)
        yield finding
        if finding.level is not Level.failure and (name := named or default):
            yield from _bound_by_labs(name, known[name])


def _open_to_labs(nodes: Sequence[Object], site: JsonMap) -> Sequence[Object]:
    """The nodes whose taints some lab may tolerate: not that of a control plane, as a rule. All, where there is none."""
    parts = [
        map_at(site, "global", "pod"),
        map_at(site, "hub", "lab", "pod"),
        *map_at(site, "hub", "lab", "sizes").values(),
    ]
    tolerations = [each for part in parts for each in list_at(part, "tolerations")]
    return [node for node in nodes if all(_is_tolerated(each, tolerations) for each in _taints(node))] or nodes


def _taints(node: Object) -> list[JsonMap]:
    return [each for each in value_at(node, "spec", "taints") or [] if each.get("effect") != "PreferNoSchedule"]


def _is_tolerated(taint: JsonMap, tolerations: Sequence[JsonMap]) -> bool:
    """By key and effect. What a value says is left to the scheduler: a node too many is better than one too few."""
    return any(
        each.get("key") in (None, "", taint.get("key")) and each.get("effect") in (None, "", taint.get("effect"))
        for each in tolerations
    )


def _of_people(settings: JsonMap, default: str, known: dict[str, Any], nodes: Sequence[Object] | NoResponse) -> Finding:
    """The class of the volumes of people."""
    key, name = "storage.perPerson", settings["storageClass"] or default
    finding = _class(key, settings["storageClass"], default, known)
    if finding.level is Level.ok and settings["accessMode"] == "ReadWriteMany":
        finding = _many_nodes(key, name, str(known[name].get("provisioner")), nodes)
    if finding.level is not Level.ok:
        return finding
    zones = set() if isinstance(nodes, NoResponse) else {_zone(node) for node in nodes}
    if len(zones) > 1 and known[name].get("volumeBindingMode") != "WaitForFirstConsumer":
        observed = f"{finding.observed} makes volumes before it is known in which zone the lab has room"
        remedy = "take a class with volumeBindingMode: WaitForFirstConsumer, if its volumes are each of one zone"
        return Finding(key, Level.warning, observed, remedy)
    return finding


def _zone(node: Object) -> str:
    return str((value_at(node, "metadata", "labels") or {}).get("topology.kubernetes.io/zone"))


def _other_homes(claims: Sequence[Object] | NoResponse, site: JsonMap, release: Release) -> Iterator[Finding]:
    """Homes that labs of this site do not mount: those of before `storage.homes` was another one."""
    shared = release.object_name("home")
    names = [] if isinstance(claims, NoResponse) else [str(value_at(each, "metadata", "name")) for each in claims]
    own = [name for name in names if name.startswith(f"{shared}.")]
    moves = 'docs/storage.md says under "From shared homes to volumes of their own" how they move'
    if has_own_homes(site) and shared in names:
        observed = f"claim {shared} holds shared homes, which labs with storage.homes perPerson do not mount"
        yield Finding(
            "storage.homes", Level.warning, observed, f"{moves}; delete the claim when nobody needs it any more"
        )
    if not has_own_homes(site) and own:
        observed = f"{len(own)} people have a home in a claim of their own, such as {own[0]}, which labs with storage.homes shared do not mount"
        yield Finding(
            "storage.homes", Level.warning, observed, f"{moves}; delete the claims when nobody needs them any more"
        )


def _is_default(storage_class: Object) -> bool:
    annotations = value_at(storage_class, "metadata", "annotations") or {}
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


def _bound_by_labs(name: str, storage_class: Object) -> Iterator[Finding]:
    """Helm takes a claim for ready when it has a volume."""
    if storage_class.get("volumeBindingMode") == "WaitForFirstConsumer":
        observed = f"storage class {name} makes a volume when the first lab mounts it: helm --wait waits for that until its timeout"
        remedy = "install and upgrade without --wait until a lab ran, or take a class with volumeBindingMode: Immediate"
        yield Finding("storage.claim.storageClass", Level.warning, observed, remedy)


def _many_nodes(key: str, name: str, provisioner: str, nodes: Sequence[Object] | NoResponse) -> Finding:
    if _MANY_NODES.fullmatch(provisioner):
        return Finding(key, Level.ok, f"storage class {name} ({provisioner}) makes volumes that many nodes can write")
    if _ONE_NODE.fullmatch(provisioner):
        one = not isinstance(nodes, NoResponse) and len(nodes) == 1
        remedy = f"name a class of NFS, CephFS or a cloud's file service in {key}.storageClass"
        if one:
            remedy = f"with one node, write {key}.accessMode: ReadWriteOnce; else {remedy}"
        return Finding(
            key, Level.failure, f"storage class {name} ({provisioner}) makes volumes that one node can write", remedy
        )
    return Finding(
        key,
        Level.unknown,
        f"whether storage class {name} ({provisioner}) makes volumes that many nodes can write is unknown",
        "look for ReadWriteMany in its documentation",
    )


def _of_one_owner(finding: Finding, driver: str, protocol: str, site: JsonMap, level: Level) -> Finding:
    """The finding about a volume for homes; what is wrong with one on which everything belongs to one user."""
    provisioned = value_at(site, "hub", "lab", "provisionHomes")
    if finding.level is not Level.ok or driver not in _ONE_OWNER or protocol == "nfs" or not provisioned:
        return finding
    what, remedy = _ONE_OWNER[driver]
    observed = f"{finding.observed}, but each is {what}, on which no home can be given to its person"
    remedy = f"{remedy}; or write hub.lab.provisionHomes: false, and every home belongs to the same user there"
    return Finding(finding.subject, level, observed, remedy)


def _behind(name: str, cluster: ClusterFacts) -> tuple[str, str]:
    """Driver and protocol of the volume that a claim has; empty where that is not known."""
    claims, volumes = cluster.claims, cluster.volumes
    if isinstance(claims, NoResponse) or isinstance(volumes, NoResponse):
        return "", ""
    bound = {value_at(each, "spec", "volumeName") for each in claims if value_at(each, "metadata", "name") == name}
    for volume in volumes:
        if value_at(volume, "metadata", "name") in bound:
            source, options = value_at(volume, "spec", "csi"), value_at(volume, "spec", "mountOptions") or ()
            driver, protocol = (value_at(source, *path) for path in (("driver",), ("volumeAttributes", "protocol")))
            of_efs_itself = driver == _EFS and "fsap-" not in f"{value_at(source, 'volumeHandle')} {options}"
            return str(driver), "nfs" if of_efs_itself else str(protocol)
    return "", ""


def _folder(nodes: Sequence[Object] | NoResponse) -> Finding:
    if isinstance(nodes, NoResponse):
        return Finding.unknown("storage.hostPath", nodes)
    if len(nodes) > 1:
        return Finding(
            "storage.hostPath",
            Level.failure,
            f"a folder of one node, and there are {len(nodes)} nodes for labs: a lab elsewhere finds an empty home directory",
            "write storage.mode: claim, with a class whose volumes many nodes can write",
        )
    return Finding("storage.hostPath", Level.ok, "a folder of the only node for labs")


def _claim(key: str, name: str, cluster: ClusterFacts) -> Object | Finding:
    if isinstance(cluster.claims, NoResponse):
        return Finding.unknown(key, cluster.claims)
    claim = next((each for each in cluster.claims if each["metadata"]["name"] == name), None)
    missing = Finding(key, Level.failure, f"there is no claim {name} in the namespace", "make it, or correct its name")
    return missing if claim is None else claim


def _one_pod(key: str, name: str, cluster: ClusterFacts) -> Finding:
    """A claim that one pod at a time mounts: any access mode will do."""
    claim = _claim(key, name, cluster)
    return claim if isinstance(claim, Finding) else Finding(key, Level.ok, f"claim {name} is there")


def _existing_claim(key: str, name: str, cluster: ClusterFacts) -> Finding:
    claim = _claim(key, name, cluster)
    if isinstance(claim, Finding):
        return claim
    modes = value_at(claim, "spec", "accessModes") or []
    one_node = not isinstance(cluster.nodes, NoResponse) and len(cluster.nodes) == 1
    if "ReadWriteMany" not in modes and not one_node:
        remedy = "use a claim with ReadWriteMany, or labs on other nodes do not start"
        return Finding(key, Level.failure, f"claim {name} is {' and '.join(modes)}", remedy)
    return Finding(key, Level.ok, f"claim {name} is {' and '.join(modes)}")
