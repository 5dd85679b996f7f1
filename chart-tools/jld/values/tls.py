"""The front door's certificate: from the PEM files that the site names, or self-signed."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from jld.secrets import formats, pem_files
from jld.secrets.formats import NGINX_SECRET
from jld.site.tree import Node, nearest, plain, tree
from jld.support.errors import Problem
from jld.support.key_paths import KeyPath, dotted, map_at, value_at
from jld.values.draft import Draft
from jld.values.pem import pem

if TYPE_CHECKING:
    from jld.secrets.certificates import Pair  # loaded where a certificate is read: most sites need none of it
    from jld.secrets.self_signed import SelfSigned


def complete_certificate(draft: Draft, now: datetime) -> None:
    """Put certificate and key into `nginx.secret`, and report what is wrong with them."""
    tls = value_at(draft.effective(), "nginx", "tls")
    if not isinstance(tls, dict):
        return
    by_cert_manager = [map_at(tls, "letsencrypt").get("email"), map_at(tls, "issuer").get("name")]
    ways = [
        tls.get("certificate") or tls.get("key"),
        tls.get("existingSecret"),
        tls.get("selfSigned"),
        *by_cert_manager,
    ]
    if sum(bool(way) for way in ways) != 1:
        return
    if tls.get("selfSigned") is True:
        _self_signed(draft, now)
    elif all(isinstance(tls.get(name), str) and tls[name] for name in pem_files.NAMES):
        _from_files(draft, now)


def _hostname(draft: Draft) -> str:
    """The host name, or nothing as long as it is wrong."""
    hostname = value_at(draft.effective(), "global", "hostname")
    pattern = draft.schema["$defs"]["dnsName"]["pattern"]
    return hostname if isinstance(hostname, str) and re.fullmatch(pattern, hostname) else ""


def _self_signed(draft: Draft, now: datetime) -> None:
    from jld.secrets import self_signed

    hostname = _hostname(draft)
    if not hostname:
        return
    certificate = _earlier(draft.site) or _earlier(draft.previous)
    if certificate is None or not self_signed.still_serves(certificate, hostname, now):
        certificate = self_signed.generate(hostname, now)
        draft.generated.append(dotted(NGINX_SECRET))
    draft.put(NGINX_SECRET, _tls_secret(certificate.pair, certificate.authority))


def _from_files(draft: Draft, now: datetime) -> None:
    from jld.secrets import certificates, openssl

    certificate, key = (pem(draft, ("nginx", "tls", name), (*NGINX_SECRET, name)) for name in pem_files.NAMES)
    if certificate is None or key is None:
        return
    pair = certificates.Pair(certificate, key)
    faults = list(openssl.server_faults(pair, _hostname(draft), now))
    for fault in faults:
        path: KeyPath = ("nginx", "tls", fault.about)
        problem = Problem(nearest(draft.site, path), dotted(path), fault.sentence)
        (draft.warnings if fault.warning else draft.problems).append(problem)
    chain = certificates.chain_of(certificate)
    if not isinstance(chain, str) and not any(fault.about == "key" for fault in faults):
        pair = certificates.Pair(certificates.written_anew(chain), certificates.pkcs8(key))
    draft.put(NGINX_SECRET, _tls_secret(pair))


def _tls_secret(pair: Pair, authority: bytes | None = None) -> Node:
    content = {"certificate": formats.encode(pair.certificate), "key": formats.encode(pair.key)}
    if authority is not None:
        content["caCertificate"] = formats.encode(authority)
    return tree(content)


def _earlier(root: Node) -> SelfSigned | None:
    """The self-signed certificate that `root` holds, if it holds a whole one."""
    from jld.secrets.certificates import Pair
    from jld.secrets.self_signed import SelfSigned

    secret = value_at(plain(root), *NGINX_SECRET)
    if not isinstance(secret, dict):
        return None
    certificate, key, authority = (
        formats.decode(text) if isinstance(text := secret.get(name), str) else None
        for name in (*pem_files.NAMES, "caCertificate")
    )
    return SelfSigned(Pair(certificate, key), authority) if certificate and key and authority else None
