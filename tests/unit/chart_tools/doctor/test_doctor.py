"""What `jld doctor` makes of what a cluster and the network say."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jld.doctor import cluster, leftovers, network, permissions, probes, storage
from jld.doctor import kubectl as kubectl_module
from jld.doctor.facts import Access, ClusterFacts, Finding, Level, NetworkFacts, NoResponse, Release
from jld.schema.chart import Chart
from jld.secrets import self_signed
from jld.secrets.formats import encode
from jld.site.tree import coalesce

CHECKOUT = Path(__file__).resolve().parents[4]
DEFAULTS = Chart(CHECKOUT / "chart").defaults()
HERE = Release("science", "jld")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
GITHUB = {
    "global": {"hostname": "jupyter.example.org", "imageRegistry": "ghcr.io/my-org"},
    "hub": {"auth": {"github": {"clientId": "Iv1.abc"}}},
}


def site(**changes: Any) -> dict[str, Any]:
    return coalesce(coalesce(DEFAULTS, GITHUB), changes)


def node(name: str, architecture: str = "amd64", ready: bool = True) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {
        "metadata": {"name": name},
        "status": {"nodeInfo": {"architecture": architecture}, "conditions": conditions},
    }


def tainted(
    name: str, key: str = "node-role.kubernetes.io/control-plane", effect: str = "NoSchedule"
) -> dict[str, Any]:
    return node(name) | {"spec": {"taints": [{"key": key, "effect": effect}]}}


def storage_class(name: str, provisioner: str, default: bool = False) -> dict[str, Any]:
    annotations = {storage.DEFAULT_CLASS: "true"} if default else {}
    return {"metadata": {"name": name, "annotations": annotations}, "provisioner": provisioner}


def claim(name: str, release: str = "jld", phase: str = "Bound") -> dict[str, Any]:
    annotations = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "science"}
    spec = {"accessModes": ["ReadWriteOnce"]}
    return {"metadata": {"name": name, "annotations": annotations}, "spec": spec, "status": {"phase": phase}}


def service(name: str, *addresses: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"loadBalancer": {"ingress": [{"ip": each} for each in addresses]}}}


FIT = ClusterFacts(
    version="v1.34.1",
    nodes=[node("a"), node("b")],
    storage_classes=[storage_class("shared", "nfs.csi.k8s.io", default=True)],
    namespace={"metadata": {"name": "science", "labels": {cluster.ENFORCE: "baseline"}}},
    daemon_sets=[{"metadata": {"name": "calico-node"}}],
)


def about(subject: str, found: Any) -> Finding:
    (finding,) = [each for each in found if each.subject == subject]
    return finding  # type: ignore[no-any-return]


def judged(subject: str, changes: Mapping[str, Any], wanted: dict[str, Any] | None = None) -> Finding:
    return about(subject, cluster.findings(replace(FIT, **changes), wanted or site(), HERE))


def test_of_a_fit_cluster_everything_is_good() -> None:
    found = [*cluster.findings(FIT, site(), HERE), *leftovers.findings(FIT, HERE)]
    assert [finding for finding in found if finding.level is not Level.ok] == []
    assert len(found) > 6


def test_without_a_cluster_there_is_one_thing_to_say() -> None:
    facts = ClusterFacts(NoResponse("connection refused"))
    found = [*cluster.findings(facts, site(), HERE), *leftovers.findings(facts, HERE)]
    assert [(finding.subject, finding.level) for finding in found] == [("Kubernetes", Level.failure)]


CASES: dict[str, tuple[str, Mapping[str, Any], dict[str, Any], Level, str]] = {
    "too old": ("Kubernetes", {"version": "v1.29.14"}, {}, Level.failure, "v1.29.14, and the chart needs 1.30"),
    "no permission": (
        *("permissions", {"refused": [Access("create", "roles"), Access("get", "roles")]}, {}, Level.failure),
        "you may not create, get: roles",
    ),
    "no node": ("nodes", {"nodes": [node("a", ready=False)]}, {}, Level.failure, "none of 1 is ready"),
    "a node that is down": (
        *("nodes", {"nodes": [node("a"), node("b", ready=False)]}, {}, Level.warning),
        "1 ready, amd64; 1 not ready",
    ),
    "two architectures": (
        *("nodes", {"nodes": [node("a"), node("b", "arm64")]}, {}, Level.warning),
        "2 ready, amd64 and arm64: an image of one architecture does not start on the other",
    ),
    "restricted": (
        *("Pod Security", {"namespace": {"metadata": {"labels": {cluster.ENFORCE: "restricted"}}}}, {}, Level.warning),
        "namespace science enforces restricted, which refuses every lab: its first container makes the home directory as root",
    ),
    "no namespace yet": (
        *("Pod Security", {"namespace": None}, {}, Level.ok),
        "namespace science is not there yet; install with --create-namespace",
    ),
    "flannel": (
        *("NetworkPolicies", {"daemon_sets": [{"metadata": {"name": "kube-flannel-ds"}}]}, {}, Level.warning),
        "flannel does not enforce them",
    ),
    "a network nobody knows": (
        *("NetworkPolicies", {"daemon_sets": []}, {}, Level.unknown),
        "no network plug-in that is known here; whether they are enforced is unknown",
    ),
    "no default class": (
        *("hub.db", {"storage_classes": [storage_class("a", "nfs.csi.k8s.io")]}, {}, Level.failure),
        "the cluster has no default storage class, so the claim would wait for ever",
    ),
    "a class that is not there": (
        *("storage.claim", {}, {"storage": {"claim": {"storageClass": "fast"}}}, Level.failure),
        "there is no storage class fast",
    ),
    "a class for one node": (
        *("storage.claim", {"storage_classes": [storage_class("d", "ebs.csi.aws.com", True)]}, {}, Level.failure),
        "storage class d (ebs.csi.aws.com) makes volumes that one node can write",
    ),
    "a class that nobody knows": (
        *("storage.claim", {"storage_classes": [storage_class("d", "example.org/x", True)]}, {}, Level.unknown),
        "whether storage class d (example.org/x) makes volumes that many nodes can write is unknown",
    ),
    "a claim that is not there": (
        *(
            "storage.volumes.home.existingClaim",
            {},
            {"storage": {"volumes": {"home": {"existingClaim": "homes"}}}},
            Level.failure,
        ),
        "there is no claim homes in the namespace",
    ),
    "a claim for archives that is not there": (
        *("storage.backup.claim", {}, {"storage": {"backup": {"claim": "archives"}}}, Level.failure),
        "there is no claim archives in the namespace",
    ),
    "a claim of one node": (
        *("storage.volumes.home.existingClaim", {"claims": [claim("homes")]}),
        {"storage": {"volumes": {"home": {"existingClaim": "homes"}}}},
        *(Level.failure, "claim homes is ReadWriteOnce"),
    ),
    "a folder on two nodes": (
        *("storage.hostPath", {}, {"storage": {"mode": "hostPath"}}, Level.failure),
        "a folder of one node, and there are 2 nodes for labs: a lab elsewhere finds an empty home directory",
    ),
    "a folder beside a control plane": (
        *("storage.hostPath", {"nodes": [node("a"), tainted("b")]}, {"storage": {"mode": "hostPath"}}, Level.ok),
        "a folder of the only node for labs",
    ),
    "a folder on the one node, though it is tainted": (
        *("storage.hostPath", {"nodes": [tainted("a")]}, {"storage": {"mode": "hostPath"}}, Level.ok),
        "a folder of the only node for labs",
    ),
    "a folder beside a node that labs had better not take": (
        *("storage.hostPath", {"nodes": [node("a"), tainted("b", effect="PreferNoSchedule")]}),
        *({"storage": {"mode": "hostPath"}}, Level.failure),
        "a folder of one node, and there are 2 nodes for labs: a lab elsewhere finds an empty home directory",
    ),
    "a folder beside a node that a size of labs tolerates": (
        *("storage.hostPath", {"nodes": [node("a"), tainted("b", key="gpu")]}),
        {
            "storage": {"mode": "hostPath"},
            "hub": {
                "lab": {
                    "sizes": {"gpu": {"cpu": 1, "memory": "1Gi", "tolerations": [{"key": "gpu", "operator": "Exists"}]}}
                }
            },
        },
        Level.failure,
        "a folder of one node, and there are 2 nodes for labs: a lab elsewhere finds an empty home directory",
    ),
    "a Secret that is not there": (
        *("Secrets that the site names", {"secrets": {"jupyter-tls": False, "registry": True}}, {}, Level.failure),
        "not in namespace science: jupyter-tls",
    ),
    "a ConfigMap without the key that a volume shows": (
        *("ConfigMaps that the site names", {"config_maps": {"survey with the key a.json": False}}, {}, Level.failure),
        "not in namespace science: survey with the key a.json",
    ),
    "forbidden to ask": (
        *("nodes", {"nodes": NoResponse('User "joe" cannot list resource "nodes"')}, {}, Level.unknown),
        'User "joe" cannot list resource "nodes"',
    ),
}


@pytest.mark.parametrize(("subject", "changes", "wanted", "level", "found"), CASES.values(), ids=CASES)
def test_what_is_wrong_with_a_cluster_is_said(
    subject: str, changes: Mapping[str, Any], wanted: dict[str, Any], level: Level, found: str
) -> None:
    finding = judged(subject, changes, site(**wanted))
    assert (finding.level, finding.observed) == (level, found)
    assert level in (Level.ok, Level.unknown) or finding.remedy


OWN = {"storage": {"homes": "perPerson"}}
IN_ZONES = [
    {**node(name), "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": name}}} for name in "ab"
]


@pytest.mark.parametrize(
    ("classes", "per_person", "nodes", "level", "text"),
    [
        ([storage_class("disk", "ebs.csi.aws.com", True)], {}, [node("a"), node("b")], Level.ok, "storage class disk"),
        ([], {}, [node("a")], Level.failure, "the cluster has no default storage class"),
        ([storage_class("disk", "x")], {"storageClass": "fast"}, [node("a")], Level.failure, "no storage class fast"),
        (
            *(
                [storage_class("disk", "ebs.csi.aws.com", True)],
                {"accessMode": "ReadWriteMany"},
                [node("a"), node("b")],
            ),
            *(Level.failure, "makes volumes that one node can write"),
        ),
        (
            *([storage_class("disk", "ebs.csi.aws.com", True)], {}, IN_ZONES, Level.warning),
            "makes volumes before it is known in which zone",
        ),
        (
            *(
                [storage_class("disk", "x", True) | {"volumeBindingMode": "WaitForFirstConsumer"}],
                {},
                IN_ZONES,
                Level.ok,
            ),
            "storage class disk",
        ),
    ],
)
def test_the_class_of_the_volumes_of_people_is_judged(
    classes: Any, per_person: dict[str, str], nodes: Any, level: Level, text: str
) -> None:
    wanted = site(storage={"homes": "perPerson", "perPerson": per_person})
    found = judged("storage.perPerson", {"storage_classes": classes, "nodes": nodes}, wanted)
    assert (found.level, text in found.observed) == (level, True)
    assert bool(found.remedy) is (level is not Level.ok)


@pytest.mark.parametrize(
    ("binding", "claim_of", "told"),
    [
        ("WaitForFirstConsumer", {}, True),
        ("WaitForFirstConsumer", {"storageClass": "files", "accessMode": "ReadWriteOnce"}, True),
        ("Immediate", {}, False),
        ("WaitForFirstConsumer", {"storageClass": "none"}, False),
    ],
    ids=["the default class", "a named one", "at once", "a class that is not there"],
)
def test_a_volume_that_waits_for_the_first_lab_is_told_before_helm_waits_for_it(
    binding: str, claim_of: dict[str, str], told: bool
) -> None:
    classes = [storage_class("files", "nfs.csi.k8s.io", True) | {"volumeBindingMode": binding}]
    facts = replace(FIT, storage_classes=classes)
    found = [
        each
        for each in cluster.findings(facts, site(storage={"mode": "claim", "claim": claim_of}), HERE)
        if each.subject == "storage.claim.storageClass"
    ]
    assert [each.level for each in found] == [Level.warning] * told
    assert all("without --wait" in each.remedy and "helm --wait waits" in each.observed for each in found)


def test_homes_that_no_lab_mounts_any_more_are_named() -> None:
    shared, own = {"claims": [claim("jld-home")]}, {"claims": [claim("jld-home.ada"), claim("jld-home.bob")]}
    assert "claim jld-home holds shared homes" in judged("storage.homes", shared, site(**OWN)).observed
    assert judged("storage.homes", own).observed.startswith(
        "2 people have a home in a claim of their own, such as jld-home.ada"
    )
    for facts, wanted in ((shared, site()), (own, site(**OWN))):
        subjects = {each.subject for each in cluster.findings(replace(FIT, **facts), wanted, HERE)}
        assert "storage.homes" not in subjects


def test_a_restricted_namespace_comes_with_the_command() -> None:
    finding = judged("Pod Security", {"namespace": {"metadata": {"labels": {cluster.ENFORCE: "restricted"}}}})
    assert finding.command == "kubectl label namespace science pod-security.kubernetes.io/enforce=baseline --overwrite"


def test_a_volume_is_asked_for_only_where_one_is_made() -> None:
    def resources(mode: str) -> set[str]:
        return {access.resource for access in permissions.needed(site(storage={"mode": mode}))}

    assert resources("hostPath") - resources("claim") == {"persistentvolumes"}


def test_rights_in_the_whole_cluster_are_asked_for_only_with_namespaces_of_people_and_pulls() -> None:
    def resources(*, people: bool, **prepuller: Any) -> set[str]:
        wanted = {"global": {"hostname": "a.example.org", "userNamespaces": people}, "storage": {"mode": "external"}}
        return {access.resource for access in permissions.needed(site(**wanted, prepuller=prepuller))}

    bare = resources(people=False, nodesAtOnce=0)
    roles = {"clusterroles", "clusterrolebindings"}
    assert resources(people=True, nodesAtOnce=0) - bare == roles | {"namespaces", "resourcequotas", "limitranges"}
    assert resources(people=False) - bare == resources(people=False, nodesAtOnce=3) - bare == roles | {"nodes"}
    assert resources(people=False, enabled=False) == bare
    assert resources(people=False, purge="remove") - resources(people=False, purge="report") == {"namespaces"}
    assert resources(people=False, purge="remove", nodesAtOnce=0) == bare


def test_a_quota_is_asked_for_only_where_one_is_made() -> None:
    def resources(**quota: Any) -> set[str]:
        return {access.resource for access in permissions.needed(site(hub={"lab": {"quota": quota}}))}

    assert resources(cpu=104) - resources() == resources(memory="208Gi") - resources() == {"resourcequotas"}


def test_a_policy_of_cilium_is_asked_for_only_where_one_is_made() -> None:
    def resources(policy: str) -> set[str]:
        wanted = site(storage={"mode": "nfs", "nfs": {"networkPolicy": policy}})
        return {access.resource for access in permissions.needed(wanted)}

    assert resources("cilium") - resources("addresses") == {"ciliumnetworkpolicies"}
    for mode in ("nfs", "hostPath"):
        by_site = {
            (enabled, cilium): "ciliumnetworkpolicies"
            in {
                access.resource
                for access in permissions.needed(
                    site(storage={"mode": mode}, **{"global": {"network": {"enabled": enabled, "cilium": cilium}}})
                )
            }
            for enabled in (True, False)
            for cilium in (True, False)
        }
        assert [choice for choice, asked in by_site.items() if asked] == [(True, True)]


@pytest.mark.parametrize(
    ("daemon_set", "network", "level"),
    [
        ("cilium", {}, Level.warning),
        ("cilium", {"cilium": True}, None),
        ("cilium", {"enabled": False}, None),
        ("calico-node", {}, None),
        ("calico-node", {"cilium": True}, Level.failure),
        ("anetd", {"cilium": True}, Level.failure),  # GKE's, which is Cilium without that kind
        ("kube-proxy", {"cilium": True}, None),  # of what is not known, nothing is said
    ],
)
def test_whether_the_kubernetes_api_is_opened_by_the_word_that_the_network_knows(
    daemon_set: str, network: dict[str, bool], level: Level | None
) -> None:
    facts = replace(FIT, daemon_sets=[{"metadata": {"name": daemon_set}}])
    found = cluster.findings(facts, site(**{"global": {"network": network}}), HERE)

    assert [each.level for each in found if each.subject == "global.network.cilium"] == ([level] if level else [])


def test_monitors_and_alerts_are_asked_for_only_where_they_are_made() -> None:
    def resources(**monitoring: bool) -> set[str]:
        wanted = site(**{"global": {"monitoring": monitoring}})
        return {access.resource for access in permissions.needed(wanted)}

    assert resources(rules=True) - resources() == {"prometheusrules"}
    assert resources(monitors=True) - resources() == {"podmonitors", "servicemonitors"}


def test_the_right_to_everything_that_the_chart_renders_is_asked_for() -> None:
    kinds = set()
    for folder in ("templates", "charts/*/templates"):
        for file in (CHECKOUT / "chart").glob(f"{folder}/**/*.*"):
            kinds |= set(re.findall(r"^(?:- | *)kind: (\w+)$", file.read_text(), re.MULTILINE))
    assert kinds == set(permissions.KINDS)


def test_a_backup_is_asked_for_only_where_one_is_made() -> None:
    def resources(**backup: Any) -> set[str]:
        return {access.resource for access in permissions.needed(site(storage={"backup": backup}))}

    assert resources(claim="archives") - resources() == {"cronjobs"}


# Leftovers.


def left(**changes: Any) -> list[Finding]:
    return list(leftovers.findings(replace(FIT, **changes), HERE))


def released(name: str, of: str, namespace: str = "science") -> dict[str, Any]:
    reference = {"namespace": namespace, "name": of, "uid": "1"}
    return {"metadata": {"name": name}, "spec": {"claimRef": reference}, "status": {"phase": "Released"}}


def test_a_released_volume_is_given_back_with_its_data() -> None:
    (finding,) = left(volumes=[released("science-jld-home", "jld-home"), released("other", "jld-home", "elsewhere")])
    assert finding.level is Level.failure
    assert finding.command == (
        "kubectl patch persistentvolume science-jld-home --type json "
        """--patch '[{"op": "remove", "path": "/spec/claimRef/uid"}]'"""
    )


def volume_of_a_person(name: str, server: str, namespace: str = "science") -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/instance": "jld",
        "app.kubernetes.io/component": "user-namespace",
        "jld.lsst.org/release-namespace": namespace,
    }
    reference = {"namespace": f"science-ab12cd-{name}", "name": "jld-home-0123456789", "uid": "1"}
    spec = {"claimRef": reference, "nfs": {"server": server, "path": "/home"}}
    return {"metadata": {"name": f"science-ab12cd-{name}-jld-home-0123456789", "labels": labels}, "spec": spec}


def test_volumes_of_people_that_show_an_earlier_address_are_named_with_what_deletes_them() -> None:
    labels = {"app.kubernetes.io/instance": "jld", "app.kubernetes.io/component": "storage"}
    reference = {"namespace": "science", "name": "jld-home"}
    spec = {"claimRef": reference, "nfs": {"server": "10.96.0.9", "path": "/home"}}
    own = {"metadata": {"name": "science.jld-home", "labels": labels}, "spec": spec}
    people = [volume_of_a_person("ada", "10.96.0.7"), volume_of_a_person("bob", "10.96.0.9")]
    (finding,) = left(volumes=[own, *people, volume_of_a_person("eve", "10.96.0.7", "elsewhere")])

    assert finding.level is Level.warning
    assert finding.observed.endswith("any more: science-ab12cd-ada-jld-home-0123456789")
    assert finding.command == (
        "kubectl delete persistentvolume science-ab12cd-ada-jld-home-0123456789 --wait=false && "
        "kubectl delete persistentvolumeclaim jld-home-0123456789 --namespace science-ab12cd-ada --wait=false"
    )


def test_of_many_volumes_of_people_not_all_are_named() -> None:
    many = [volume_of_a_person(f"p{number}", "10.96.0.7") for number in range(25)]
    (finding,) = left(volumes=many)

    assert finding.observed.endswith("science-ab12cd-p19-jld-home-0123456789, and 5 more")
    assert finding.command.count("kubectl delete persistentvolumeclaim") == 20


def test_a_kept_claim_is_no_fault() -> None:
    (finding,) = left(claims=[claim("jld-home"), claim("somebody-elses")])
    assert (finding.level, finding.observed) == (
        Level.ok,
        "claim jld-home keeps home directories; the next installation as jld takes it over",
    )


def test_claims_of_an_installed_release_are_not_left_over() -> None:
    (finding,) = left(claims=[claim("jld-home"), claim("jld-hub-db")], services=[service("jld-hub")])
    assert finding.observed == "left nothing behind"


def test_a_claim_that_helm_would_trip_over_is_given_to_the_release() -> None:
    (finding,) = left(claims=[claim("jld-home", release="former")])
    assert finding.level is Level.failure
    assert "annotate persistentvolumeclaim jld-home --overwrite meta.helm.sh/release-name=jld" in finding.command


# Names, certificates, addresses.


def reached(addresses: Any = ("192.0.2.1",), status: int | NoResponse = 200, **changes: Any) -> list[Finding]:
    wanted = site()
    answers = dict.fromkeys(network.web_addresses(wanted).values(), status)
    return list(network.findings(replace(FIT, **changes), NetworkFacts(addresses, answers), wanted, HERE, NOW))


NAMES = {
    "no address": (NoResponse("no address"), [], Level.warning),
    "not installed": (("192.0.2.1",), [], Level.unknown),
    "no load balancer yet": (("192.0.2.1",), [service("jld-nginx")], Level.warning),
    "right": (("192.0.2.1",), [service("jld-nginx", "192.0.2.1")], Level.ok),
    "wrong": (("192.0.2.1",), [service("jld-nginx", "192.0.2.9")], Level.failure),
}


@pytest.mark.parametrize(("addresses", "services", "level"), NAMES.values(), ids=NAMES)
def test_the_name_has_to_lead_to_the_front_door(addresses: Any, services: Any, level: Level) -> None:
    assert about("DNS name", reached(addresses, services=services)).level is level


def test_addresses_that_do_not_answer_are_named() -> None:
    for subject in ("hub.auth.github.url", "hub.auth.github.apiUrl", "global.imageRegistry"):
        assert about(subject, reached(status=401)).level is Level.ok
        assert about(subject, reached(status=NoResponse("timed out"))).level is Level.warning
        assert about(subject, reached(status=502)).level is Level.warning


def test_images_on_the_nodes_need_no_registry() -> None:
    local = site(**{"global": {"hostname": "jld.localhost", "imageRegistry": "localhost/jld"}})
    found = network.findings(FIT, NetworkFacts(), local, HERE, NOW)
    assert about("global.imageRegistry", found).level is Level.ok


def test_images_that_nobody_brings_to_the_nodes_are_a_warning() -> None:
    local = site(**{"global": {"imageRegistry": "localhost/jld"}, "hub": {"auth": {"github": {}}}})
    for hostname, level in (("jupyter.example.org", Level.warning), ("jld.localhost", Level.ok)):
        local["global"]["hostname"] = hostname
        found = network.findings(FIT, NetworkFacts(), local, HERE, NOW)
        assert about("global.imageRegistry", found).level is level


def with_certificate(hostname: str, made: datetime) -> dict[str, Any]:
    held = self_signed.generate(hostname, made)
    secret = {"certificate": held.pair.certificate, "key": held.pair.key, "caCertificate": held.authority}
    return site(nginx={"tls": {"selfSigned": True}, "secret": {name: encode(pem) for name, pem in secret.items()}})


@pytest.mark.parametrize(
    ("hostname", "made", "level"),
    [
        ("jupyter.example.org", NOW, Level.ok),
        ("other.example.org", NOW, Level.failure),
        ("jupyter.example.org", datetime(2023, 1, 1, tzinfo=UTC), Level.failure),
    ],
    ids=["good", "another host", "expired"],
)
def test_the_certificate_is_judged(hostname: str, made: datetime, level: Level) -> None:
    found = network.findings(FIT, NetworkFacts(("192.0.2.1",)), with_certificate(hostname, made), HERE, NOW)
    assert {finding.level for finding in found if finding.subject == "certificate"} == {level}


def test_the_certificate_of_a_secret_is_judged_without_its_key() -> None:
    held = self_signed.generate("other.example.org", NOW)
    named = site(nginx={"tls": {"existingSecret": "jupyter-tls"}})
    facts = replace(FIT, certificate=held.pair.certificate + held.authority)
    finding = about("certificate", network.findings(facts, NetworkFacts(("192.0.2.1",)), named, HERE, NOW))
    assert finding.observed == (
        "of Secret jupyter-tls: it is for other.example.org, not for jupyter.example.org; get one that names jupyter.example.org"
    )


def of_a_short_key(name: str) -> bytes:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, NOW, NOW + timedelta(days=90))
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    return builder.add_extension(names, False).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


HELD = self_signed.generate("jupyter.example.org", NOW)


@pytest.mark.parametrize(
    ("certificate", "observed"),
    [
        (HELD.pair.certificate + HELD.authority, ": for jupyter.example.org, and valid for more than 30 days"),
        (HELD.pair.certificate.rstrip() + HELD.authority, ": OpenSSL reads 0 of its 2 certificates, so handshakes"),
        (of_a_short_key("jupyter.example.org"), ": the key of jupyter.example.org has 1024 bits, too few for OpenSSL"),
    ],
    ids=["good", "glued", "short"],
)
def test_openssl_has_to_take_the_certificate_of_a_secret(certificate: bytes, observed: str) -> None:
    """Nobody writes it anew: nginx reads it as it stands."""
    named = site(nginx={"tls": {"existingSecret": "jupyter-tls"}})
    found = network.findings(replace(FIT, certificate=certificate), NetworkFacts(("192.0.2.1",)), named, HERE, NOW)
    finding = about("certificate", found)
    assert finding.observed.startswith(f"of Secret jupyter-tls{observed}")
    assert (finding.level is Level.failure) is ("OpenSSL" in observed)


@pytest.mark.parametrize("way", [{"letsencrypt": {"email": "operator@example.org"}}, {"issuer": {"name": "ours"}}])
def test_the_certificate_that_cert_manager_gets_is_judged_where_it_is(way: dict[str, Any]) -> None:
    held = self_signed.generate("other.example.org", NOW)
    wanted = site(nginx={"tls": way})
    facts = replace(FIT, certificate=held.pair.certificate + held.authority)

    assert network.certificate_secret(wanted, HERE) == "jld-certificate"
    finding = about("certificate", network.findings(facts, NetworkFacts(("192.0.2.1",)), wanted, HERE, NOW))
    assert finding.observed.startswith("of Secret jld-certificate: it is for other.example.org")


def test_the_certificate_of_the_meantime_is_told_as_such() -> None:
    """As cert-manager makes it: of an authority that nobody knows, with this name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, issuer = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        for name in ("jupyter.example.org", "cert-manager.local")
    )
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), 1, NOW, NOW + timedelta(days=90))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    wanted = site(nginx={"tls": {"letsencrypt": {"email": "operator@example.org"}}})

    found = network.findings(replace(FIT, certificate=pem), NetworkFacts(("192.0.2.1",)), wanted, HERE, NOW)
    finding = about("certificate", found)
    assert (finding.level, finding.remedy) == (Level.warning, "`kubectl describe challenge` tells what is amiss")


# The command.


def test_a_question_without_an_answer_does_not_hold_up_the_others() -> None:
    import threading

    answers = probes.run_all({"never": threading.Event().wait, "now": lambda: 1}, seconds=3)
    assert answers == {"never": NoResponse("no answer in 3 seconds"), "now": 1}


# Without site packages it starts in a moment.
KUBECTL = (
    f"#!{sys.executable} -IS\n"
    + """\
import json, sys
words = [word for word in sys.argv[1:] if not word.startswith("--request-timeout")]
text = " ".join(words)
if words[0] == "config":
    print("science")
elif "/version" in text:
    print(json.dumps({"gitVersion": "v1.34.1"}))
elif words[0] == "create":
    reviews = json.load(sys.stdin)["items"]
    print(json.dumps({"kind": "List", "items": [review | {"status": {"allowed": True}} for review in reviews]}))
elif "namespace science" in text and words[1] == "namespace":
    print("")
elif "nodes" in text:
    print("error: You must be logged in to the server (Unauthorized)", file=sys.stderr)
    sys.exit(1)
else:
    print(json.dumps({"items": []}))
"""
)


@pytest.fixture
def kubectl(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    program: Path = desk.write("kubectl", KUBECTL)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{desk.folder}:{os.environ['PATH']}")
    for module in (probes, kubectl_module):
        monkeypatch.setattr(module, "SECONDS", 120.0)  # a busy machine starts even this one slowly
    return program


def test_the_command_asks_the_cluster_and_says_what_failed(desk: Any, kubectl: Path) -> None:
    result = desk.run("doctor", "--format", "json")
    document = json.loads(result.stdout)
    levels = {finding["subject"]: finding["level"] for finding in document["findings"]}
    assert (result.exit_code, document["exitCode"]) == (0, 0)
    assert levels == {
        "Kubernetes": "ok",
        "permissions": "ok",
        "nodes": "unknown",
        "Pod Security": "ok",
        "NetworkPolicies": "unknown",
        "storage class": "warning",
        "earlier release": "ok",
    }
    assert document["findings"][2]["found"] == "You must be logged in to the server (Unauthorized)"


def test_a_cluster_that_does_not_fit_the_site_is_an_unfit_environment(desk: Any, kubectl: Path) -> None:
    desk.write(
        "site.yaml",
        "global: {hostname: jld.localhost}\nhub: {auth: {dummy: {users: [a]}}}\nnginx: {tls: {selfSigned: true}}\n",
    )
    result = desk.run("doctor", "site.yaml", "--format", "json")  # in a table, lines break where columns are narrow
    assert result.exit_code == 2
    found = " ".join(each["found"] for each in json.loads(result.stdout)["findings"])
    assert "the cluster has no default storage class" in found


def test_a_wrong_site_is_said_before_anything_is_asked(desk: Any, kubectl: Path) -> None:
    desk.write("site.yaml", "global: {hostname: A}\n")
    assert desk.run("doctor", "site.yaml").exit_code == 1


def test_without_kubectl_the_rest_is_looked_at(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(desk.folder))
    monkeypatch.setenv("JLD_CACHE", str(desk.folder))
    desk.write(
        "site.yaml",
        "global: {hostname: jld.localhost}\nhub: {auth: {dummy: {users: [a]}}}\nnginx: {tls: {selfSigned: true}}\n",
    )
    result = desk.run("doctor", "site.yaml", "--format", "json")
    found = {finding["subject"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 2
    assert found["Kubernetes"]["found"] == "no cluster: kubectl is not installed"
    assert found["certificate"]["level"] == "ok"


# The file server.


def shown(address: str, release: str = "jld", namespace: str = "science") -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": "storage", "app.kubernetes.io/instance": release}
    metadata = {"name": f"{namespace}.{release}-home", "labels": labels}
    spec = {"nfs": {"server": address}, "claimRef": {"namespace": namespace, "name": f"{release}-home"}}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Bound"}}


FILE_SERVER = {"metadata": {"name": "jld-file-server"}, "spec": {"clusterIP": "10.96.0.7"}}


def test_a_volume_that_shows_the_file_server_elsewhere_is_answered_with_one_command() -> None:
    (found,) = [
        each for each in left(volumes=[shown("10.96.0.9")], services=[FILE_SERVER]) if each.level is not Level.ok
    ]

    assert found.observed == "volume science.jld-home shows the file server at 10.96.0.9, and it is at 10.96.0.7"
    assert found.command == "helm upgrade jld ./chart -f values.yaml --namespace science"


@pytest.mark.parametrize("volume", [shown("10.96.0.7"), shown("10.96.0.9", "other"), shown("10.96.0.9", "jld", "here")])
def test_a_volume_that_shows_the_file_server_where_it_is_or_is_of_another_release_is_good(volume: Any) -> None:
    found = left(volumes=[volume], services=[FILE_SERVER])

    assert [each for each in found if each.level is not Level.ok] == []


def test_the_file_server_needs_a_namespace_that_lets_it() -> None:
    found = judged("Pod Security", {}, site(storage={"mode": "nfs"}))

    assert (found.level, found.command) == (
        Level.failure,
        "kubectl label namespace science pod-security.kubernetes.io/enforce=privileged --overwrite",
    )


def test_the_rights_that_are_asked_for_follow_from_the_mode_of_storage() -> None:
    def kinds(mode: str) -> set[str]:
        return {
            each.resource for each in permissions.needed(site(storage={"mode": mode}, prepuller={"nodesAtOnce": 0}))
        }

    assert kinds("nfs") - kinds("claim") == {
        *("clusterroles", "clusterrolebindings", "jobs", "persistentvolumes", "deployments/scale"),
    }
    assert kinds("external") - kinds("claim") == {"persistentvolumes"}


@pytest.mark.parametrize("name", ["1jld", "my.rel", "r" * 53, "JLD", ""])
def test_a_release_that_cannot_be_called_so_is_refused_before_a_cluster_is_asked(name: str, desk: Any) -> None:
    result = desk.run("doctor", "--release", name, "--kubeconfig", "nowhere")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(
        f'--release: error: found "{name}"; names of Services and Jobs begin with it, so write'
    )
