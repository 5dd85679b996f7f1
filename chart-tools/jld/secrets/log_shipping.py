"""The certificates between filebeat and whom it connects to inside of the cluster: made once, and again before they expire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from jld.secrets.authority import new_authority
from jld.secrets.certificates import Pair, chain_of, faults, is_issued_by

RENEW_BEFORE = timedelta(days=90)
KEYS = ("caCertificate", "certificate", "key", "serverCertificate", "serverKey")


def generate(service: str, now: datetime) -> dict[str, bytes]:
    """All of `KEYS` anew, as PEM: an authority, a server called `service`, and filebeat."""
    authority = new_authority("JLD log shipping", now)
    server = authority.issue(service, ExtendedKeyUsageOID.SERVER_AUTH, service)
    client = authority.issue("filebeat", ExtendedKeyUsageOID.CLIENT_AUTH)
    contents = (authority.pem, client.certificate, client.key, server.certificate, server.key)
    return dict(zip(KEYS, contents, strict=True))


def still_serve(earlier: Mapping[str, bytes], service: str, now: datetime) -> bool:
    """Whether those of an earlier run still serve, and for a good while: a release may be upgraded seldom."""
    if set(KEYS) - earlier.keys():
        return False
    chain = chain_of(earlier["caCertificate"])
    server = Pair(earlier["serverCertificate"], earlier["serverKey"])
    client = Pair(earlier["certificate"], earlier["key"])
    then = now + RENEW_BEFORE
    wrong = [fault for pair, name in ((server, service), (client, "")) for fault in faults(pair, name, then)]
    if isinstance(chain, str) or any(not fault.warning for fault in wrong):
        return False
    return all(is_issued_by(x509.load_pem_x509_certificate(pair.certificate), chain[0]) for pair in (server, client))
