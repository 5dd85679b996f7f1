"""Secrets files that are encrypted with age. What they hold is never written anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jld.site import reader
from jld.site.tree import Node
from jld.support.errors import SiteError

_BEGINNINGS = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")
_WITH_A_PHRASE = b"\n-> scrypt "
_KEY = "AGE-SECRET-KEY-1"


def load_secrets_file(file: Path, identity: Path | None) -> Node:
    """The tree of a secrets file, which `identity` opens when it is encrypted."""
    content = reader.read(file)
    if content.startswith(_BEGINNINGS):
        content = _decrypted(file, content, identity)
    return reader.parse(content, file)


def _decrypted(file: Path, content: bytes, identity: Path | None) -> bytes:
    import pyrage  # loaded for an encrypted file only

    if _WITH_A_PHRASE in content[:200]:
        raise SiteError.of_file(
            file, "encrypted with a pass phrase; encrypt it for an identity: age --encrypt --recipient age1..."
        )
    if identity is None:
        raise SiteError.of_file(
            file, "encrypted with age; name the file of your identity: --identity FILE, or JLD_AGE_IDENTITY"
        )
    try:
        opened: bytes = pyrage.decrypt(content, _identities(identity))
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            raise SiteError.of_file(
                file, f"encrypted, and no identity in {identity} opens it; name another with --identity"
            ) from None
        raise SiteError.of_file(file, "encrypted, and damaged; copy it again") from None
    return opened


def _identities(file: Path) -> list[Any]:
    """Those of a file that age-keygen wrote, or an SSH key."""
    import pyrage

    content = reader.read(file)
    try:
        if b"PRIVATE KEY-----" in content:
            return [pyrage.ssh.Identity.from_buffer(content)]
        lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
        identities = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith(_KEY)]
    except pyrage.IdentityError:
        raise SiteError.of_file(
            file, "the identity in this file is damaged or needs a pass phrase; name another one"
        ) from None
    if not identities:
        raise SiteError.of_file(
            file, f"there is no identity in this file; a line of it starts with {_KEY}, as age-keygen writes"
        )
    return identities
