"""The site's own certificate authorities."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, value_at

AUTHORITIES: KeyPath = ("global", "certificateAuthorities")


def authorities_are_certificates(effective: JsonMap) -> Violations:
    """`global.certificateAuthorities` holds certificates that can be read."""
    text = value_at(effective, *AUTHORITIES)
    if isinstance(text, str) and text.strip():
        from jld.secrets.certificates import chain_of  # most sites name none

        if isinstance(chain_of(text.encode()), str):
            yield AUTHORITIES, "a certificate in it cannot be read; copy all of them again"


RULES: tuple[Rule, ...] = (authorities_are_certificates,)
WARNINGS: tuple[Rule, ...] = ()
