"""PEM text that a key of the site names by a path, or holds itself."""

from __future__ import annotations

from pathlib import Path

from jld.secrets import formats, pem_files
from jld.site.tree import Node, find, plain
from jld.support.errors import Problem
from jld.support.files import is_file
from jld.support.key_paths import KeyPath, dotted, value_at
from jld.values.draft import Draft

_INLINE_KEY = (
    "the private key stands in the site file itself, for whoever reads that file; "
    "move it into a file of its own, which only you can read, and write its path"
)


def pem(draft: Draft, path: KeyPath, secret: KeyPath) -> bytes | None:
    """The PEM text of the key at `path`, whose content the values hold at `secret`; None where it is reported as wrong.

    A values file that is read as a site still holds it when the file is elsewhere.
    """
    node = find(draft.site, path)
    place = node.where if node else None
    folder = Path(place.file).parent if place else Path()
    named = str(value_at(plain(draft.site), *path))
    encoded = find(draft.site, secret)
    content = pem_files.read(folder, named)
    # What is no path names no file that could be elsewhere.
    is_elsewhere = not is_file(folder / named) and not (formats.decode(named) or b"").startswith(b"-----BEGIN")
    if isinstance(content, str) and is_elsewhere and encoded and isinstance(encoded.value, str):
        content = formats.decode(encoded.value) or content
    if isinstance(content, str):
        draft.problems.append(Problem(place, dotted(path), content))
        return None
    if pem_files.is_inline(named):
        # No path: what the values hold in place of PEM text that the site file itself holds.
        draft.put(path, Node(f"in {dotted(secret[:-1])}", place))
        if path[-1] == "key":
            draft.warnings.append(Problem(place, dotted(path), _INLINE_KEY))
    return content


def rewrite_authorities(draft: Draft) -> None:
    """`global.certificateAuthorities` as OpenSSL reads it, which is not every text in which there are certificates."""
    path: KeyPath = ("global", "certificateAuthorities")
    node = find(draft.site, path)
    if node and isinstance(node.value, str) and node.value.strip():
        from jld.secrets import certificates  # most sites name none

        chain = certificates.chain_of(node.value.encode())
        if not isinstance(chain, str):  # else a rule says what is wrong
            draft.put(path, Node(certificates.written_anew(chain).decode(), node.place, node.key_place))
