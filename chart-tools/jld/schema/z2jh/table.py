"""The table as a whole, and what it says of a key or of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jld.schema.z2jh.answer import ACCOUNT, Answer, Rows, by_hand, none, not_needed, now
from jld.schema.z2jh.hub import HUB
from jld.schema.z2jh.labs import LABS
from jld.schema.z2jh.proxy import WAY_IN
from jld.site.tree import Node, find
from jld.support.key_paths import KeyPath, dotted

_NAMES = not_needed("objects are named after the release")
TABLE: Rows = {
    **HUB,
    **WAY_IN,
    **LABS,
    "imagePullSecret": by_hand(
        "global.imagePullSecrets", "make the Secret with `kubectl create secret docker-registry`"
    ),
    "imagePullSecrets": now("global.imagePullSecrets"),
    "rbac": ACCOUNT,
    "custom": by_hand("hub.environment or hub.files", "your own configuration reads either"),
    "debug": now("hub.log.level"),
    "debug.enabled": now("hub.log.level", "`DEBUG`"),
    "fullnameOverride": _NAMES,
    "nameOverride": _NAMES,
    "enabled": not_needed("it is of the chart around it"),
    "auth": by_hand("hub.auth", "it is of version 0.11 and older, and hub.config of later ones says the same"),
    "global": none("JLD's global has keys of its own"),
    "global.safeToShowValues": not_needed("the notes of an installation show no secret"),
}
NO_SUCH_KEY = none("Zero to JupyterHub has no such key either")
# At their places these are in no site file. `hub` and `global` are in both.
_TELLING: tuple[KeyPath, ...] = (
    *((name,) for name in ("singleuser", "proxy", "cull", "prePuller", "scheduling", "httpRoute", "imagePullSecret")),
    *(
        (name,)
        for name in ("ingress", "rbac", "debug", "imagePullSecrets", "fullnameOverride", "nameOverride", "custom")
    ),
    *(
        ("hub", name)
        for name in ("config", "extraEnv", "extraFiles", "baseUrl", "cookieSecret", "concurrentSpawnLimit")
    ),
    *(
        ("hub", name)
        for name in ("extraVolumes", "extraVolumeMounts", "loadRoles", "allowNamedServers", "templateVars")
    ),
    *(("hub", "db", name) for name in ("type", "url", "pvc", "password")),
)
MANY_KEYS = 2  # in one file: more than a slip
_PARTS = {"storage", "nginx", "firefly", "prepuller", "logging"}  # of JLD alone


@dataclass
class _Branch:
    answer: Answer | None = None
    below: dict[str, _Branch] = field(default_factory=dict)

    def child(self, name: str) -> _Branch | None:
        return self.below.get(name) or self.below.get("*")


def _tree() -> _Branch:
    root = _Branch()
    for key, answer in TABLE.items():
        branch = root
        for part in key.split("."):
            branch = branch.below.setdefault(part, _Branch())
        branch.answer = answer
    return root


_ROOT = _tree()


def answer_of(path: KeyPath) -> Answer | None:
    """What the table says of a key: of itself, or of the nearest one above it whose keys it does not tell apart."""
    branch, answer = _ROOT, None
    for part in path:
        child = branch.child(str(part))
        if child is None:
            return answer if not branch.below else None
        branch, answer = child, child.answer
    return answer


def answers(node: Node | None, path: KeyPath) -> Iterator[tuple[KeyPath, Node | None, Answer]]:
    """The keys that somebody wrote at `path` and below, as deep as the table tells them apart. None where it knows no `path`."""
    answer = answer_of(path)
    if answer is None:
        return
    branch: _Branch | None = _ROOT
    for part in path:
        branch = branch.child(str(part)) if branch else None
    if node and isinstance(node.value, dict) and node.value and branch and branch.below:
        for name, child in node.value.items():
            if branch.child(name):
                yield from answers(child, (*path, name))
            else:
                yield (*path, name), child, NO_SUCH_KEY
    else:
        yield path, node, answer


def messages(node: Node | None, path: KeyPath) -> Iterator[tuple[KeyPath, Node | None, str, str]]:
    """The same as sentences, each with the key of JLD. None where a person of another trade may have written the key."""
    if path == ("debug",) and node and not isinstance(node.value, dict):
        return  # the original deploy tool's
    for key, child, answer in answers(node, path):
        if answer is NO_SUCH_KEY:
            sentence = "there is no such key, and Zero to JupyterHub has none either"
        else:
            sentence = f"there is no such key; Zero to JupyterHub's {dotted(key)} {answer.sentence}"
        yield key, child, sentence, answer.today


def told_by(root: Node) -> list[KeyPath]:
    """The keys of a file by which it is Zero to JupyterHub's."""
    found = [path for path in _TELLING if find(root, path)]
    debug = find(root, ("debug",))
    return [path for path in found if path != ("debug",) or (debug and isinstance(debug.value, dict))]


def is_file_of_z2jh(root: Node) -> bool:
    """Whether a file as a whole is Zero to JupyterHub's: not one of JLD's with a key too many."""
    told, keys = told_by(root), root.value if isinstance(root.value, dict) else {}
    return len(told) >= MANY_KEYS or bool(told and not _PARTS & keys.keys())


def inner(root: Node) -> KeyPath:
    """Where Zero to JupyterHub's own values begin in a file: in that of a chart around it, which has it as `jupyterhub`."""
    for path in ((), ("jupyterhub",), *((str(name), "jupyterhub") for name in _names(root))):
        node = find(root, path)
        if node and is_file_of_z2jh(node):
            return path
    return ()


def _names(root: Node) -> list[str]:
    return (
        [name for name, child in root.value.items() if isinstance(child.value, dict)]
        if isinstance(root.value, dict)
        else []
    )
