"""Check a TLS certificate: its chain, its key, its host name and its dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

WARN_BEFORE = timedelta(days=30)
_BEGINNING = re.compile(rb"BEGIN (?:X509 |TRUSTED )?CERTIFICATE-")


@dataclass(frozen=True)
class Pair:
    """A certificate with its chain and the private key, as PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True)
class Fault:
    """What is wrong with a pair: which of its files, and a sentence. A warning leaves the pair usable."""

    about: str  # "certificate" or "key"
    sentence: str
    warning: bool = False


def faults(pair: Pair, hostname: str, now: datetime) -> Iterator[Fault]:
    """Everything that is wrong with `pair` for a server called `hostname`, or for a client, which has no name."""
    chain = chain_of(pair.certificate)
    if isinstance(chain, str):
        yield Fault("certificate", chain)
    public = _public_key(pair.key)
    if isinstance(public, str):
        yield Fault("key", public)
    if isinstance(chain, str):
        return
    leaf = chain[0]
    if not isinstance(public, str) and _public(leaf) != public:
        if any(_public(other) == public for other in chain[1:]):
            yield Fault(
                "certificate", "the server's own certificate is not the first in the file; put it above its chain"
            )
        else:
            yield Fault(
                "key", "the key does not belong to the certificate; name the key that the certificate was made with"
            )
    if hostname and not covers(leaf, hostname):
        shown = ", ".join([*names(leaf), *_addresses(leaf)]) or "no DNS name"
        yield Fault("certificate", f"it is for {shown}, not for {hostname}; get one that names {hostname}")
    yield from _date_faults(leaf, now)
    if isinstance(public, str) or _public(leaf) == public:
        yield from _chain_faults(chain, now)


def covers(certificate: x509.Certificate, hostname: str) -> bool:
    """Whether browsers accept the certificate for `hostname`: by its alternative names only, `*` for one label.

    A name that looks like an address is none to them, and `*` stands for no part of one.
    """
    if is_address(hostname):
        return hostname in _addresses(certificate)
    labels = hostname.lower().split(".")
    for name in names(certificate):
        pattern = name.lower().split(".")
        if pattern == labels or (pattern[0] == "*" and len(labels) > 1 and pattern[1:] == labels[1:]):
            return True
    return False


def chain_of(pem: bytes) -> list[x509.Certificate] | str:
    """The certificates of a PEM file, or what is wrong with it."""
    if b"PRIVATE KEY-----" in pem:
        return "this file holds a private key; name the certificate here, and the key beside it as `key`"
    if b"-----BEGIN" not in pem:
        return "not a PEM file; the first line of one is BEGIN CERTIFICATE between dashes"
    try:
        chain = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return "the certificate in this file is damaged; copy it again"
    if len(chain) < len(_BEGINNING.findall(pem)):
        return "one of the certificates in this file is damaged at its first or last line; copy it again"
    for each in chain:
        try:
            each.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return f"the key of {_subject(each)} is of an unknown kind; get one of RSA, or of the curve P-256"
    return chain


def written_anew(chain: Sequence[x509.Certificate]) -> bytes:
    """Certificates as every reader takes them. Files that were joined, or came by mail, have lines that only some do."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in chain)


def is_temporary(pem: bytes) -> bool:
    """Whether it is one of those that cert-manager makes by itself, and knows by this name."""
    chain = chain_of(pem)
    return not isinstance(chain, str) and name_of(chain[0].issuer) == "cert-manager.local"


def authority_faults(pem: bytes, now: datetime) -> Iterator[Fault]:
    """What is wrong with a file of authorities: each may sign, and one of them is of today."""
    chain = chain_of(pem)
    if isinstance(chain, str):
        yield Fault("caCertificate", chain)
        return
    if not all(_may_sign(each) for each in chain):
        other = next(each for each in chain if not _may_sign(each))
        yield Fault(
            "caCertificate",
            f"{_subject(other)} may sign no certificates; write the authorities that signed the server's, not the server's own",
        )
    last = max(each.not_valid_after_utc for each in chain)
    if last <= now:
        yield Fault("caCertificate", f"it expired on {last:%Y-%m-%d}; get the authorities of today")
    elif last - now < WARN_BEFORE:
        yield Fault(
            "caCertificate", f"it expires on {last:%Y-%m-%d}, in {(last - now).days} days; get a new one soon", True
        )


def _may_sign(certificate: x509.Certificate) -> bool:
    """Whether it is an authority's. One of before version 3 does not say it."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.issuer == certificate.subject
    except ValueError:
        return False


def pkcs8(pem_key: bytes) -> bytes:
    """A private key in the one form that every reader takes: PKCS #8, not encrypted. It is a good one already."""
    key = load_pem_private_key(pem_key, None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_key(pem: bytes) -> bytes | str:
    """The public half of a private key, or what is wrong with the file."""
    if b"-----BEGIN CERTIFICATE-----" in pem and b"PRIVATE KEY-----" not in pem:
        return (
            "this file holds a certificate; name the private key here, and the certificate beside it as `certificate`"
        )
    if b"-----BEGIN" not in pem:
        return "not a PEM file; the first line of one is BEGIN PRIVATE KEY between dashes"
    try:
        public = load_pem_private_key(pem, None).public_key()
    except TypeError:
        return "the key needs a pass phrase, which nobody can type into a pod; remove it with `openssl pkey`"
    except (ValueError, UnsupportedAlgorithm):
        return "the key in this file is damaged or of an unknown kind; copy it again"
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def names(certificate: x509.Certificate) -> list[str]:
    """The DNS names that it is for."""
    alternatives = _alternatives(certificate)
    return alternatives.get_values_for_type(x509.DNSName) if alternatives else []


def _addresses(certificate: x509.Certificate) -> list[str]:
    """The IP addresses that it is for."""
    alternatives = _alternatives(certificate)
    return [str(each) for each in alternatives.get_values_for_type(x509.IPAddress)] if alternatives else []


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def is_address(hostname: str) -> bool:
    """Whether it is an IP address, which a certificate names otherwise than a DNS name."""
    return re.fullmatch(r"[0-9]+(\.[0-9]+){3}", hostname) is not None


def _date_faults(leaf: x509.Certificate, now: datetime) -> Iterator[Fault]:
    ends, starts = leaf.not_valid_after_utc, leaf.not_valid_before_utc
    if ends <= now:
        yield Fault("certificate", f"it expired on {ends:%Y-%m-%d}; get a new one")
    elif starts > now:
        yield Fault(
            "certificate", f"it is valid only from {starts:%Y-%m-%d %H:%M} UTC; wait, or set this machine's clock"
        )
    elif ends - now < WARN_BEFORE:
        yield Fault(
            "certificate", f"it expires on {ends:%Y-%m-%d}, in {(ends - now).days} days; get a new one soon", True
        )


def _chain_faults(chain: list[x509.Certificate], now: datetime) -> Iterator[Fault]:
    """Whether each certificate was issued by the next one, and whether the last one needs another."""
    for issued, issuer in pairwise(chain):
        if is_issued_by(issued, issuer):
            continue
        right = _in_order(chain)
        if right:
            order = ", then ".join(_subject(each) for each in right)
            yield Fault("certificate", f"the chain is not in order; write {order}")
        else:
            yield Fault(
                "certificate",
                f"{_subject(issuer)} did not issue {_subject(issued)}, which stands before it; "
                f"put the certificate of {name_of(issued.issuer)} there, or remove what does not belong to the chain",
            )
        return
    for other in chain[1:]:
        if other.not_valid_after_utc <= now:
            yield Fault(
                "certificate",
                f"{_subject(other)}, which belongs to the chain, expired on {other.not_valid_after_utc:%Y-%m-%d}; "
                "get the chain of today",
            )
    if len(chain) == 1 and chain[0].issuer != chain[0].subject:
        yield Fault(
            "certificate",
            f"it stands alone; unless browsers and programs know {name_of(chain[0].issuer)} as an authority, "
            "append its certificate to the file",
            True,
        )


def _in_order(chain: list[x509.Certificate]) -> list[x509.Certificate] | None:
    """The certificates from the first one up, each before its issuer, when they are one chain."""
    ordered, rest = chain[:1], chain[1:]
    while rest:
        issuer = next((each for each in rest if is_issued_by(ordered[-1], each)), None)
        if issuer is None:
            return None
        ordered.append(issuer)
        rest.remove(issuer)
    return ordered


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` signed the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _subject(certificate: x509.Certificate) -> str:
    return name_of(certificate.subject)


def name_of(name: x509.Name) -> str:
    """The common name where there is one: what people know an authority by."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string() or "a certificate without a name"
