"""A self-signed certificate for local trials: an authority, and the server certificate that it signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from jld.secrets.authority import new_authority
from jld.secrets.certificates import Pair, chain_of, faults, is_issued_by


@dataclass(frozen=True)
class SelfSigned:
    """A server certificate and the authority that signed it, as PEM. The authority's key is gone."""

    pair: Pair
    authority: bytes


def generate(hostname: str, now: datetime) -> SelfSigned:
    """A new authority and a certificate that it signed for `hostname`."""
    authority = new_authority("JLD local trial authority", now)
    pair = authority.issue("JLD local trial", ExtendedKeyUsageOID.SERVER_AUTH, hostname)
    return SelfSigned(pair, authority.pem)


def still_serves(earlier: SelfSigned, hostname: str, now: datetime) -> bool:
    """Whether a certificate of an earlier run still serves `hostname`, so that browsers need no new trust."""
    if any(not fault.warning for fault in faults(earlier.pair, hostname, now)):
        return False
    chain = chain_of(earlier.authority)
    if isinstance(chain, str):
        return False
    return is_issued_by(x509.load_pem_x509_certificate(earlier.pair.certificate), chain[0])
