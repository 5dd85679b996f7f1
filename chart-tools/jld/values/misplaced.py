"""What does not belong into the file that holds it."""

from __future__ import annotations

from collections.abc import Iterator

from jld.schema import legacy_keys
from jld.schema.suggestions import nearest_name
from jld.schema.z2jh import table as z2jh
from jld.secrets.formats import BROKER_PASSWORD, FIREFLY_PASSWORD, HUB_SECRET, HUB_SECRETS, hub_secret
from jld.site.tree import Node, find, nearest
from jld.support.errors import Place, Problem
from jld.support.key_paths import KeyPath, dotted

MANY_LEGACY_KEYS = 2  # in one file: more than a slip
_OTHERS = (FIREFLY_PASSWORD, BROKER_PASSWORD)


def legacy_file(root: Node) -> Problem | None:
    """A whole file of the original deploy tool, or of Zero to JupyterHub, gets a sentence of its own, beside those about its keys."""
    keys = root.value if isinstance(root.value, dict) else {}
    within = find(root, z2jh.inner(root))
    if root.place and within and z2jh.is_file_of_z2jh(within):
        file = root.place.file
        sentence = f"this is a file of Zero to JupyterHub; `jld init --from {file}` makes a site file of it"
        return Problem(Place(file), "", sentence)
    if (
        root.place is None
        or sum(bool(legacy_keys.current_key(key) or legacy_keys.why_no_counterpart(key)) for key in keys)
        < MANY_LEGACY_KEYS
    ):
        return None
    file = root.place.file
    sentence = f"this is a file of the original deploy tool; `jld init --from {file}` makes a site file of it"
    return Problem(Place(file), "", sentence)


def unknown_keys_of_secrets_file(root: Node) -> Iterator[Problem]:
    """A secrets file holds `hub: {secret: ...}`, the passwords of Firefly and of the log broker, and nothing else."""
    encrypted = find(root, ("sops",))
    if encrypted:
        sentence = "this file is encrypted with sops; decrypt it on the way: --secrets <(sops decrypt FILE)"
        yield Problem(encrypted.where, "", sentence)
        return
    for path in _leaves(root, ()):
        if path in _OTHERS or hub_secret(path):
            continue
        others, accepted = ", ".join(map(dotted, _OTHERS)), ", ".join((*HUB_SECRETS, "services.NAME"))
        sentence = f"a secrets file holds only {others} and these keys, below hub.secret: {accepted}"
        close = nearest_name(str(path[-1]), list(HUB_SECRETS)) if path else None
        if close:
            sentence = f"there is no such key in a secrets file; did you mean {dotted((*HUB_SECRET, close))}?"
        yield Problem(nearest(root, path), dotted(path), sentence)


def _leaves(node: Node, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from _leaves(child, (*path, key))
    elif path:
        yield path
