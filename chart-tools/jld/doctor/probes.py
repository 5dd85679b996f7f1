"""Ask the cluster, the resolver and the web: all at once, each with little time. Nothing is changed anywhere."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jld.doctor.facts import Access, ClusterFacts, NetworkFacts, NoResponse, Object, Release
from jld.doctor.kubectl import SECONDS, Kubectl, json_map
from jld.doctor.network import certificate_secret, web_addresses
from jld.doctor.permissions import needed
from jld.rules.additions.named import Named, named
from jld.support.key_paths import JsonMap, value_at

_KEYS = "".join(f"{{{{range $key, $_ := .{field}}}}} {{{{$key}}}}{{{{end}}}}" for field in ("data", "binaryData"))
_NAMES_AND_KEYS = f'{{{{range .items}}}}{{{{.metadata.name}}}}{_KEYS}{{{{"\\n"}}}}{{{{end}}}}'


def run_all(probes: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, Any]:
    """The result of every probe that ended in time. A thread that waits for ever does not hold up the end of the program."""
    results: dict[str, Any] = {name: NoResponse(f"no answer in {seconds:.0f} seconds") for name in probes}

    def run(name: str, probe: Callable[[], Any]) -> None:
        results[name] = probe()

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in probes.items()]
    end = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(results)


def gather(kubectl: Kubectl, site: JsonMap | None, release: Release) -> tuple[ClusterFacts, NetworkFacts]:
    """All facts that can be gathered in a few seconds."""
    version = _version(kubectl)
    probes: dict[str, Callable[[], Any]] = {}
    if isinstance(version, str):
        probes |= _cluster_probes(kubectl, site, release)
    hostname = str(value_at(site, "global", "hostname")) if site else ""
    web = sorted(web_addresses(site).values()) if site else []
    if hostname:
        probes["addresses"] = lambda: _addresses(hostname)
    trusted = str(value_at(site, "global", "certificateAuthorities") or "")
    probes |= {address: lambda address=address: _status(address, trusted) for address in web}  # type: ignore[misc]
    results = run_all(probes, SECONDS + 1)
    network = NetworkFacts(results.pop("addresses", ()), {address: results.pop(address) for address in web})
    return ClusterFacts(version, **results), network


def _cluster_probes(kubectl: Kubectl, site: JsonMap | None, release: Release) -> dict[str, Callable[[], Any]]:
    here = ("--namespace", release.namespace)
    probes: dict[str, Callable[[], Any]] = {
        "nodes": lambda: kubectl.objects("nodes"),
        "storage_classes": lambda: kubectl.objects("storageclasses"),
        "namespace": lambda: _one(kubectl, "namespace", release.namespace),
        "daemon_sets": lambda: kubectl.objects("daemonsets", "--all-namespaces"),
        "volumes": lambda: kubectl.objects("persistentvolumes"),
        "claims": lambda: kubectl.objects("persistentvolumeclaims", *here),
        "services": lambda: kubectl.objects("services", *here),
        "pods": lambda: _pods(kubectl, site, release),
        "drain_report": lambda: _one(kubectl, "configmap", release.object_name("drain-report"), *here),
        "refused": lambda: _refused(kubectl, needed(site), release),
    }
    secrets = _secrets_that_the_site_names(site) if site else []
    maps = [each for each in named(site) if each.kind == "ConfigMap"] if site else []
    if secrets:
        probes["secrets"] = lambda: _existing(kubectl, "secrets", secrets, here)
    if maps:
        probes["config_maps"] = lambda: _existing(kubectl, "configmaps", maps, here)
    tls = certificate_secret(site, release)
    if tls:
        probes["certificate"] = lambda: _certificate(kubectl, tls, here)
    return probes


def _secrets_that_the_site_names(site: JsonMap) -> list[Named]:
    names = [value_at(site, *path, "existingSecret") for path in (("hub",), ("nginx", "routes"), ("nginx", "tls"))]
    names += [value_at(site, "logging", "existingSecret")] if value_at(site, "logging", "enabled") else []
    names += value_at(site, "global", "imagePullSecrets") or []
    added = [each for each in named(site) if each.kind == "Secret"]
    return list(dict.fromkeys([*(Named("Secret", str(name)) for name in names if name), *added]))


def _version(kubectl: Kubectl) -> str | NoResponse:
    if reason := kubectl.why_unconfigured():
        return NoResponse(reason)
    text = kubectl.run("get", "--raw", "/version")
    return text if isinstance(text, NoResponse) else str(json_map(text).get("gitVersion"))


def _one(kubectl: Kubectl, *words: str) -> Object | NoResponse | None:
    text = kubectl.run("get", *words, "--ignore-not-found", "--output", "json")
    return text if isinstance(text, NoResponse) else json_map(text) or None


def _pods(kubectl: Kubectl, site: JsonMap | None, release: Release) -> Sequence[Object] | NoResponse:
    """All of the release's namespace, also those of others, and the labs in namespaces of people."""
    pods = kubectl.objects("pods", "--namespace", release.namespace)
    if isinstance(pods, NoResponse) or not value_at(site, "global", "userNamespaces"):
        return pods
    labs = f"app.kubernetes.io/instance={release.name},app.kubernetes.io/component=lab"
    elsewhere = kubectl.objects("pods", "--all-namespaces", "--selector", labs)
    if isinstance(elsewhere, NoResponse):
        return elsewhere
    return [*pods, *(pod for pod in elsewhere if value_at(pod, "metadata", "namespace") != release.namespace)]


def _refused(kubectl: Kubectl, accesses: Sequence[Access], release: Release) -> Sequence[Access] | NoResponse:
    """A SelfSubjectAccessReview is only a question: the API server stores none."""
    items = [_review(access, release) for access in accesses]
    stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    text = kubectl.run("create", "--filename", "-", "--output", "json", stdin=stdin)
    if isinstance(text, NoResponse):
        return text
    reviews = [each for each in _documents(text) if value_at(each, "kind") == "SelfSubjectAccessReview"]
    if len(reviews) != len(accesses):
        return NoResponse("the cluster did not answer every question about permissions")
    return [
        access for access, review in zip(accesses, reviews, strict=True) if not value_at(review, "status", "allowed")
    ]


def _review(access: Access, release: Release) -> JsonMap:
    attributes = {"verb": access.verb, "resource": access.resource, "group": access.group}
    if access.namespaced:
        attributes["namespace"] = release.namespace
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


def _existing(
    kubectl: Kubectl, kind: str, wanted: Sequence[Named], here: Sequence[str]
) -> Mapping[str, bool] | NoResponse:
    """Only whether they and their keys are there: no value is written anywhere."""
    text = kubectl.run("get", kind, *here, "--output", f"go-template={_NAMES_AND_KEYS}")
    if isinstance(text, NoResponse):
        return text
    existing = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    return {str(each): each.name in existing and each.key in ("", *existing[each.name]) for each in wanted}


def _certificate(kubectl: Kubectl, name: str, here: Sequence[str]) -> bytes | NoResponse | None:
    """The certificate is public; the key beside it is not asked for."""
    text = kubectl.run("get", "secret", name, *here, "--output", r"jsonpath={.data.tls\.crt}")
    return text if isinstance(text, NoResponse) else base64.b64decode(text) or None


def _addresses(hostname: str) -> Sequence[str] | NoResponse:
    try:
        entries = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return NoResponse(f"no address ({reason})")
    return sorted({str(entry[4][0]) for entry in entries})


def _status(address: str, authorities: str = "") -> int | NoResponse:
    """The status of a web address: any response shows that a server is there. `authorities` are trusted besides, as by the hub."""
    request = urllib.request.Request(address, method="HEAD", headers={"User-Agent": "jld doctor"})  # noqa: S310 (the schema lets only http(s) through)
    try:
        tls = ssl.create_default_context()
        if authorities.strip():
            tls.load_verify_locations(cadata=authorities)
        with urllib.request.urlopen(request, timeout=SECONDS - 2, context=tls) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError) as error:
        return NoResponse(str(getattr(error, "reason", error)) or type(error).__name__)


def _documents(text: str) -> list[JsonMap]:
    """One document, a list of them, or several after each other: kubectl has done all three."""
    decoder, documents, at = json.JSONDecoder(), list[JsonMap](), 0
    text = text.strip()
    while at < len(text):
        try:
            document, at = decoder.raw_decode(text, at)
        except ValueError:
            break
        documents += document["items"] if document.get("kind") == "List" else [document]
        at += len(text[at:]) - len(text[at:].lstrip())
    return documents
