"""The site's own certificate authorities."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, map_at, value_at

AUTHORITIES: KeyPath = ("global", "certificateAuthorities")


def authorities_are_certificates(effective: JsonMap) -> Violations:
    """`global.certificateAuthorities` holds certificates that can be read."""
    text = value_at(effective, *AUTHORITIES)
    if isinstance(text, str) and text.strip():
        from jld.secrets.certificates import chain_of  # most sites name none

        if isinstance(chain_of(text.encode()), str):
            yield AUTHORITIES, "a certificate in it cannot be read; copy all of them again"


def authorities_are_strong(effective: JsonMap) -> Violations:
    """OpenSSL trusts nobody by an authority with too short a key, and says so at each connection."""
    text = value_at(effective, *AUTHORITIES)
    if not isinstance(text, str) or not text.strip():
        return
    from jld.secrets import certificates, openssl

    chain = certificates.chain_of(text.encode())
    for sentence in () if isinstance(chain, str) else openssl.weak_ones(chain):
        yield AUTHORITIES, f"{sentence}, so nothing that it signed is trusted; get the authority's new one"


def files_are_read_by_openssl(effective: JsonMap) -> Violations:
    """Certificates in `hub.files` and `hub.lab.files`, such as those of a database's authority, are used as they stand."""
    for above in (("hub", "files"), ("hub", "lab", "files")):
        for name, text in map_at(effective, *above).items():
            if isinstance(text, str) and "BEGIN CERTIFICATE-" in text:
                from jld.secrets import openssl

                if sentence := openssl.unread_part(text.encode()):
                    yield (*above, name), sentence


RULES: tuple[Rule, ...] = (authorities_are_certificates,)
WARNINGS: tuple[Rule, ...] = (authorities_are_strong, files_are_read_by_openssl)
