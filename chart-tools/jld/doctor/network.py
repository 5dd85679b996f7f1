"""What is right and wrong with names, certificates and addresses. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from jld.doctor.facts import ClusterFacts, Finding, Level, NetworkFacts, NoResponse, Release
from jld.rules.images.registry import images_are_in_a_registry
from jld.secrets.formats import decode
from jld.support.key_paths import JsonMap, value_at


def web_addresses(site: JsonMap) -> dict[str, str]:
    """The URLs to request, by the key that names each."""
    urls: dict[str, str] = {}
    github, cilogon, other = (value_at(site, "hub", "auth", way) for way in ("github", "cilogon", "other"))
    if github:
        url = str(github.get("url", "https://github.com")).rstrip("/")
        api = "https://api.github.com" if url == "https://github.com" else f"{url}/api/v3"
        urls |= {"hub.auth.github.url": url, "hub.auth.github.apiUrl": str(github.get("apiUrl", api))}
    if cilogon:
        urls["hub.auth.cilogon.url"] = str(cilogon.get("url", "https://cilogon.org"))
    token_url = value_at(other, "options", "token_url")
    if token_url:
        urls["hub.auth.other.options.token_url"] = str(token_url)
    registry = str(value_at(site, "global", "imageRegistry")).partition("/")[0]
    if not _is_local(registry):
        urls["global.imageRegistry"] = f"https://{registry}/v2/"
    return urls


def _is_local(registry: str) -> bool:
    """By the rule of image references: the first part is a registry only with a dot or a port."""
    return registry.partition(":")[0] in ("localhost", "127.0.0.1") or not ("." in registry or ":" in registry)


def certificate_secret(site: JsonMap | None, release: Release) -> str:
    """The Secret that somebody else fills with the front door's certificate; empty where the site holds the certificate."""
    by_cert_manager = value_at(site, "nginx", "tls", "letsencrypt", "email") or value_at(
        site, "nginx", "tls", "issuer", "name"
    )
    if by_cert_manager:
        return release.object_name("certificate")
    return str(value_at(site, "nginx", "tls", "existingSecret") or "")


def findings(
    cluster: ClusterFacts, network: NetworkFacts, site: JsonMap, release: Release, now: datetime
) -> Iterator[Finding]:
    """Everything between people, the front door, and what it needs outside of the cluster."""
    yield _name(cluster, network, site, release)
    yield from _certificate(cluster, site, release, now)
    for key, address in web_addresses(site).items():
        yield _reachable(key, address, network.statuses.get(address, NoResponse("not asked")))
    if "global.imageRegistry" not in web_addresses(site):
        lacking = any(True for _ in images_are_in_a_registry(site))
        observed = f"{value_at(site, 'global', 'imageRegistry')}: images are expected on the nodes themselves"
        remedy = (
            "write where `make images PUSH=...` pushed them, unless somebody loads them into each node"
            if lacking
            else ""
        )
        yield Finding("global.imageRegistry", Level.warning if lacking else Level.ok, observed, remedy)


def _name(cluster: ClusterFacts, network: NetworkFacts, site: JsonMap, release: Release) -> Finding:
    hostname = str(value_at(site, "global", "hostname"))
    subject = "DNS name"
    addresses = network.addresses
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return Finding(subject, Level.ok, f"{hostname}: browsers take it for the machine that they run on")
    targets = _front_door(cluster, release)
    if isinstance(addresses, NoResponse):
        target = f"to {targets[0]}" if targets else "to the address of the front door, once it is installed"
        return Finding(
            subject, Level.warning, f"{hostname}: {addresses.reason}", f"make a DNS record that leads {target}"
        )
    shown = ", ".join(addresses)
    if targets is None:
        return Finding(subject, Level.unknown, f"{hostname} is {shown}; the front door is not installed yet")
    if value_at(site, "nginx", "service", "type") != "LoadBalancer":
        return Finding(subject, Level.unknown, f"{hostname} is {shown}; whether that leads to a node is unknown")
    if not targets:
        remedy = "wait for the cloud, or write nginx.service.type: NodePort where nothing makes load balancers"
        return Finding(
            subject, Level.warning, f"the load balancer of {release.object_name('nginx')} has no address yet", remedy
        )
    if set(targets) & set(addresses):
        return Finding(subject, Level.ok, f"{hostname} is {shown}, the address of the front door")
    if any(not target[0].isdigit() and ":" not in target for target in targets):
        return Finding(subject, Level.unknown, f"{hostname} is {shown}; the front door is {', '.join(targets)}")
    observed = f"{hostname} is {shown}, but the front door is {', '.join(targets)}"
    return Finding(subject, Level.failure, observed, f"make the DNS record lead to {targets[0]}")


def _front_door(cluster: ClusterFacts, release: Release) -> list[str] | None:
    """The addresses of the load balancer, or None while there is no front door."""
    if isinstance(cluster.version, NoResponse) or isinstance(cluster.services, NoResponse):
        return None
    for service in cluster.services:
        if value_at(service, "metadata", "name") == release.object_name("nginx"):
            entries = value_at(service, "status", "loadBalancer", "ingress") or []
            return [str(entry.get("ip") or entry.get("hostname")) for entry in entries]
    return None


def _certificate(cluster: ClusterFacts, site: JsonMap, release: Release, now: datetime) -> Iterator[Finding]:
    from jld.secrets import certificates, openssl

    hostname = str(value_at(site, "global", "hostname"))
    subject = "certificate"
    existing = certificate_secret(site, release)
    if existing:
        pem = cluster.certificate
        if isinstance(cluster.version, NoResponse) or isinstance(pem, NoResponse) or pem is None:
            reason = pem.reason if isinstance(pem, NoResponse) else f"Secret {existing} was not read"
            yield Finding(subject, Level.unknown, reason)
            return
        if certificates.is_temporary(pem):
            observed = f"of Secret {existing}: it is the one that cert-manager makes until the issuer has signed one"
            yield Finding(subject, Level.warning, observed, "`kubectl describe challenge` tells what is amiss")
            return
        alone = certificates.Pair(pem, b"")  # the key stays in the cluster
        faults = [fault for fault in certificates.faults(alone, hostname, now) if fault.about != "key"]
        faults += openssl.faults_as_it_stands(pem)
        where = f"of Secret {existing}"
    else:
        secret = value_at(site, "nginx", "secret") or {}
        certificate, key, authority = (
            decode(str(secret.get(name, ""))) or b"" for name in ("certificate", "key", "caCertificate")
        )
        pair = certificates.Pair(certificate + authority, key)
        faults = list(openssl.server_faults(pair, hostname, now))
        where = "and key of the site"
    for fault in faults:
        yield Finding(subject, Level.warning if fault.warning else Level.failure, f"{where}: {fault.sentence}")
    if not faults:
        yield Finding(subject, Level.ok, f"{where}: for {hostname}, and valid for more than 30 days")


def _reachable(key: str, address: str, status: int | NoResponse) -> Finding:
    if isinstance(status, NoResponse):
        remedy = "correct the address, or open the way to it; the cluster needs it too"
        return Finding(key, Level.warning, f"{address} does not answer here: {status.reason}", remedy)
    if status >= 500:
        return Finding(key, Level.warning, f"{address} answers {status}", "it is out of order; try again later")
    if status == 404 and key == "global.imageRegistry":
        return Finding(key, Level.warning, f"{address} answers 404: this is no image registry", f"correct {key}")
    return Finding(key, Level.ok, f"{address} answers")
