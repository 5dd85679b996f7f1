"""What does not belong into the file that holds it."""

from __future__ import annotations

from collections.abc import Iterator

from jld import firefly, former, secrets
from jld.errors import Path, Place, Problem, dotted
from jld.schema import nearest_name
from jld.tree import Node, find, nearest

HUB_SECRET: Path = ("hub", "secret")
MANY_FORMER_KEYS = 2  # in one file: more than a slip


def of_the_original(root: Node) -> Problem | None:
    """A whole file of the original deploy tool is answered as such, beside the answers to its keys."""
    keys = root.value if isinstance(root.value, dict) else {}
    if root.place is None or sum(bool(former.answer(key) or former.missing(key)) for key in keys) < MANY_FORMER_KEYS:
        return None
    file = root.place.file
    sentence = f"this is a file of the original deploy tool; `jld init --from {file}` makes a site file of it"
    return Problem(Place(file), "", sentence)


def stray_keys(given: Node) -> Iterator[Problem]:
    """A secrets file holds `hub: {secret: ...}`, Firefly's password, and nothing else."""
    encrypted = find(given, ("sops",))
    if encrypted:
        sentence = "this file is encrypted with sops; decrypt it on the way: --secrets <(sops decrypt FILE)"
        yield Problem(encrypted.where, "", sentence)
        return
    for path in _leaves(given, ()):
        if path != firefly.PASSWORD and not (
            path[:2] == HUB_SECRET and len(path) == 3 and path[2] in secrets.HUB_SECRETS
        ):
            accepted = ", ".join(secrets.HUB_SECRETS)
            sentence = (
                f"a secrets file holds only {dotted(firefly.PASSWORD)} and these keys, below hub.secret: {accepted}"
            )
            close = nearest_name(str(path[-1]), list(secrets.HUB_SECRETS)) if path else None
            if close:
                sentence = f"there is no such key in a secrets file; did you mean {dotted((*HUB_SECRET, close))}?"
            yield Problem(nearest(given, path), dotted(path), sentence)


def _leaves(node: Node, path: Path) -> Iterator[Path]:
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from _leaves(child, (*path, key))
    elif path:
        yield path
