"""What to write instead of a key that is not there: by where it stands, by other words for it, and by what it was to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from jld.schema import legacy_keys
from jld.support.key_paths import KeyPath, dotted

MANY_KEYS = 12
_ALIKE = (
    0.75  # the share of equal letters above which a key is a slip of the pen; below it words of other meanings meet
)
_DEEPEST = 3  # how far below a map a key is still of its neighbourhood
# Other words for a key: of other charts, of Kubernetes, and of everyday speech.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "gpu": ("gpus",),
    "cpus": ("cpu",),
    "cores": ("cpu",),
    "ram": ("memory",),
    "mem": ("memory",),
    "memorylimit": ("memory",),
    "cpulimit": ("cpu",),
    "size": ("capacity",),
    "disk": ("capacity",),
    "name": ("repository",),
    "https": ("tls",),
    "ssl": ("tls",),
    "host": ("hostname", "server"),
    "domain": ("hostname",),
    "fqdn": ("hostname",),
    "cert": ("certificate",),
    "crt": ("certificate",),
    "cacert": ("caCertificate",),
    "secretname": ("existingSecret",),
    "ingressclassname": ("className",),
    "storageclassname": ("storageClass",),
    "claimname": ("existingClaim",),
    "accessmodes": ("accessMode",),
    "pullpolicy": ("imagePullPolicy",),
    "pullsecrets": ("imagePullSecrets",),
    "registry": ("imageRegistry",),
    "instances": ("replicas",),
    "copies": ("replicas",),
    "replicacount": ("replicas",),
    "timeout": ("idleTimeout",),
    "orgs": ("organizations",),
    "organisations": ("organizations",),
    "allowed": ("allow",),
    "whitelist": ("allow",),
    "denied": ("deny",),
    "blacklist": ("deny",),
    "env": ("environment",),
    "extraenv": ("environment",),
    "initialdelay": ("drainDelay",),
    "loglevel": ("level",),
    "verbosity": ("level",),
}
# What a key was to do, where another one does it: the end of its path, the sentence, and the key that does it.
_MEANT: dict[KeyPath, tuple[str, str]] = {
    ("hub", "culling", "enabled"): ("`0s` for idleTimeout turns it off", "hub.culling.idleTimeout"),
    ("hub", "db", "enabled"): ("a database elsewhere is chosen by hub.db.external: true", "hub.db.external"),
    ("hub", "db", "url"): (legacy_keys.INSTEAD_OF_SECRETS, ""),
    ("hub", "namedServers", "enabled"): ("a hub.namedServers.limit above 0 turns it on", "hub.namedServers.limit"),
    ("hub", "lab", "quota", "enabled"): ("hub.lab.quota.labs turns it on", "hub.lab.quota.labs"),
    ("hub", "auth", "enabled"): ("people always log in; choose how with github, cilogon, other or dummy", ""),
    ("nginx", "tls", "enabled"): (
        "people always come by TLS; say where the certificate is from with letsencrypt, issuer, certificate and key, "
        "existingSecret or selfSigned",
        "",
    ),
    ("nginx", "service", "enabled"): ("nginx.mode: service makes it", "nginx.mode"),
    ("nginx", "ingress", "host"): ("the host name is global.hostname", "global.hostname"),
    ("nginx", "ingress", "hosts"): ("the host name is global.hostname", "global.hostname"),
    ("nginx", "ingress", "tls"): ("its certificate is that of nginx.tls", "nginx.tls"),
    ("storage", "perPerson", "enabled"): ("storage.homes: perPerson turns it on", "storage.homes"),
    ("storage", "backup", "enabled"): (
        "storage.backup.schedule and storage.backup.claim turn it on",
        "storage.backup.schedule",
    ),
    ("storage", "size"): (
        "with storage.mode claim it is storage.claim.capacity, with another mode the capacity below that one",
        "storage.claim.capacity",
    ),
    ("storage", "storageClass"): (
        "with storage.mode claim it is storage.claim.storageClass, with nfs storage.nfs.storageClass",
        "storage.claim.storageClass",
    ),
    ("hub", "replicas"): ("there is always one hub; the front door has nginx.replicas", "nginx.replicas"),
    ("hub", "lab", "resources"): ("what a lab may use is said by its size, in hub.lab.sizes", "hub.lab.sizes"),
    ("logging", "level"): ("hub.log.level and nginx.log.level say what these parts log", "hub.log.level"),
    ("httproute",): ("write nginx.mode: gateway, and what belongs to it below nginx.gateway", "nginx.gateway"),
    ("gateway",): ("write nginx.mode: gateway, and what belongs to it below nginx.gateway", "nginx.gateway"),
    ("image",): (
        "global.imageRegistry says where all images are, and hub.lab.images which ones people can choose",
        "hub.lab.images",
    ),
}
_SWITCHES = ("enabled", "enable", "disabled", "active", "create", "install")


def advice(path: KeyPath, names: Sequence[str], paths: Sequence[KeyPath], modes: Sequence[str]) -> tuple[str, str]:
    """What to do about the unknown key at `path`, and the key that was probably meant.

    `names` are the keys of its map, `paths` all of the schema, and `modes` keys with a choice that the map belongs to,
    such as `nginx.mode: ingress`.
    """
    key, above = str(path[-1]), path[:-1]
    if meant := _MEANT.get(path):
        return meant
    moved = legacy_keys.MOVED.get(dotted(path))
    if moved:
        return f"did you mean {moved}?", moved
    if key in _SWITCHES and not {key, "enabled"} & set(names):
        return _switch(path, names, modes)
    same_below = [each for each in paths if each[-1] == key and each[:-2] == above and len(each) > 1]
    if above and len(same_below) == 1:
        return _did_you_mean(same_below)
    for word in (key, *_SYNONYMS.get(_folded(key), ())):
        if close := nearest_name(word, list(names), _ALIKE):
            return f"did you mean {close}?", dotted((*above, close))
    why = legacy_keys.why_no_counterpart(key)
    if why and not above:
        return f"the original deploy tool's {key} has no counterpart: {why}", ""
    for word in (key, *_SYNONYMS.get(_folded(key), ())):
        if near := _in_the_neighbourhood((*above, word), paths):
            return _did_you_mean(near)
    if contained := [name for name in names if len(key) > 3 and _folded(key) in _folded(name)][:3]:
        return f"did you mean {' or '.join(contained)}?", dotted((*above, contained[0]))
    return _accepted(above, names), ""


def nearest_name(name: str, names: list[str], cutoff: float = 0.6) -> str | None:
    """The one of `names` that a person may have meant by `name`."""
    folded = {other.lower(): other for other in names}
    close = difflib.get_close_matches(_folded(name), folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _did_you_mean(paths: Sequence[KeyPath]) -> tuple[str, str]:
    return f"did you mean {' or '.join(map(dotted, paths[:3]))}?", dotted(paths[0])


def _accepted(above: KeyPath, names: Sequence[str]) -> str:
    if len(names) <= MANY_KEYS:
        return f"accepted here: {', '.join(names)}"
    return f"`jld explain {dotted(above)}` lists the accepted ones"


def _switch(path: KeyPath, names: Sequence[str], modes: Sequence[str]) -> tuple[str, str]:
    """Most that can be chosen here is chosen by a key that says what, and not by a switch."""
    above = path[:-1]
    if modes:
        return f"{modes[0]} chooses it", modes[0].partition(":")[0]
    if len(above) == 1:
        return "this part is always there; remove it", ""
    return f"nothing is switched on or off by such a key; {_accepted(above, names)}", ""


def _in_the_neighbourhood(wanted: KeyPath, paths: Sequence[KeyPath]) -> list[KeyPath]:
    """Keys of the wanted name: below the same map, in one above it, in one of the same name, or the only one of a name of several words."""
    key, above = str(wanted[-1]), wanted[:-1]
    same = [path for path in paths if path[-1] == key]
    below = [path for path in same if path[: len(above)] == above and len(path) - len(above) <= _DEEPEST]
    if below:
        least = min(map(len, below))
        return [path for path in below if len(path) == least]
    for end in range(len(above) - 1, -1, -1):
        if over := [path for path in same if path[:-1] in _maps(above[:end])]:
            return over
    if above and (alike := [path for path in same if path[-2:-1] == above[-1:]]):
        return alike  # a map of this name elsewhere has it, as `pod` of another part
    several_words = any(letter.isupper() for letter in key)
    return same if several_words and len(same) == 1 else []


def _maps(above: KeyPath) -> Iterator[KeyPath]:
    """A map, and for that at the top also `global`, which holds what all parts share."""
    yield above
    if not above:
        yield ("global",)
