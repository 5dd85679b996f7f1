"""How long the certificates of `logging.secret` are valid, and whether they are what they must be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from cryptography import x509

from jld.doctor.facts import Finding, Level
from jld.secrets import openssl
from jld.secrets.certificates import WARN_BEFORE, chain_of, covers, names
from jld.support.key_paths import JsonMap, value_at

Secret = Mapping[str, bytes]  # by the keys of `logging.secret`
AUTHORITIES = ("brokerCaCertificate", "caCertificate")
# What of it is no secret.
CERTIFICATES = (*AUTHORITIES, "brokerCertificate", "certificate", "serverCertificate")
_SITE_KEYS = {
    "brokerCaCertificate": "logging.broker.caCertificate",
    "brokerCertificate": "logging.broker.certificate",
    "caCertificate": "logging.tls.caCertificate",
    "certificate": "logging.tls.certificate",
    "serverCertificate": "logging.tls.certificate",
}
_IN_THE_CLUSTER = ("caCertificate", "certificate", "key", "serverCertificate", "serverKey")


def findings(site: JsonMap, secret: Secret, where: str, now: datetime) -> Iterator[Finding]:
    """What is wrong with the certificates of a Secret, or that nothing is. `where` names it; it has no keys if it is not there."""
    if not secret:
        return
    existing = bool(value_at(site, "logging", "existingSecret"))
    external = value_at(site, "logging", "pipeline") == "external"
    missing = [name for name in _needed(secret, external) if name not in secret]
    if existing and missing:
        observed = f"{where} has no key {' and no key '.join(missing)}"
        yield Finding(
            where, Level.failure, observed, "add what is missing to it; docs/logging.md says what each key holds"
        )
    read = {name: chain_of(secret[name]) for name in CERTIFICATES if secret.get(name)}
    faults = [
        Finding(where, level, f"{name}: {observed}", _remedy(site, name, existing, external))
        for name, chain in read.items()
        for level, observed in (*_faults(site, name, chain, external, now), *_unread(secret[name]))
    ]
    yield from faults
    ends = {name: _end(name, chain) for name, chain in read.items() if not isinstance(chain, str)}
    if ends and not faults:
        first = min(ends, key=lambda name: ends[name])
        observed = (
            f"certificates are valid for more than 30 days; {first} is the first to expire, on {ends[first]:%Y-%m-%d}"
        )
        yield Finding(where, Level.ok, observed)


def _needed(secret: Secret, external: bool) -> list[str]:
    if external:
        return ["caCertificate", *(["key"] if "certificate" in secret else [])]
    client = ["brokerKey"] if "brokerCertificate" in secret else []
    return ["brokerPassword", "brokerCaCertificate", *client, *_IN_THE_CLUSTER]


def _faults(
    site: JsonMap, name: str, chain: list[x509.Certificate] | str, external: bool, now: datetime
) -> Iterator[tuple[Level, str]]:
    if isinstance(chain, str):
        yield Level.failure, "it is not certificates in PEM and nothing else"
        return
    service = str(value_at(site, "logging", "serviceName"))
    if name == "serverCertificate" and not external and not covers(chain[0], service):
        shown = ", ".join(names(chain[0])) or "no DNS name"
        yield (
            Level.failure,
            f"it is for {shown}, not for {service} (logging.serviceName), so filebeat connects to nobody",
        )
    end = _end(name, chain)
    if end <= now:
        yield Level.failure, f"it expired on {end:%Y-%m-%d}, and every line waits on the nodes"
    elif end - now < WARN_BEFORE:
        yield Level.warning, f"it expires on {end:%Y-%m-%d}, in {(end - now).days} days"


def _unread(pem: bytes) -> Iterator[tuple[Level, str]]:
    """The chart's own programs read it as it stands."""
    if sentence := openssl.unread_part(pem):
        yield Level.failure, sentence


def _end(name: str, chain: list[x509.Certificate]) -> datetime:
    """When a chain is no longer whole. Of several authorities the last counts, for old ones stand beside new ones."""
    ends = [each.not_valid_after_utc for each in chain]
    return max(ends) if name in AUTHORITIES else min(ends)


def _remedy(site: JsonMap, name: str, existing: bool, external: bool) -> str:
    if existing:
        return f"put a new one into key {name} of it"
    if name in _IN_THE_CLUSTER and not external and not value_at(site, "logging", "tls", "caCertificate"):
        return "let `jld values` make new ones, as it does by itself 90 days before; then `helm upgrade`"
    return f"name the file of a new one in {_SITE_KEYS[name]}; then `jld values` and `helm upgrade`"
