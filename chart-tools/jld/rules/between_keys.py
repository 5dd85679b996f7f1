"""The rules between keys that a JSON schema cannot say, and the warnings, of all parts of the chart."""

from __future__ import annotations

from jld.rules import firefly, hub, lab, log_shipping, login, networks, nginx, pods, resources
from jld.rules.access import admission, credentials, services
from jld.rules.additions import containers, environment, mounts
from jld.rules.images import listed, prepuller, registry, series, typed
from jld.rules.outbound import addresses, authorities, proxy
from jld.rules.storage import folders, nfs, volumes
from jld.site.tree import Node, find, nearest
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, dotted

# Each module lists its own RULES and WARNINGS. A new part of the chart is a module and its name here.
# The reference has the rules in this order.
PARTS = (
    hub,
    login,
    credentials,
    admission,
    services,
    lab,
    pods,
    environment,
    mounts,
    containers,
    listed,
    series,
    typed,
    prepuller,
    registry,
    nginx,
    volumes,
    folders,
    nfs,
    firefly,
    log_shipping,
    resources,
    networks,
    authorities,
    proxy,
    addresses,
)
RULES = tuple(rule for part in PARTS for rule in part.RULES)
_OF_NO_KEY = (*registry.WARNINGS_OF_WHAT_IS_MISSING, *credentials.WARNINGS_OF_SECRETS)
WARNINGS = (*(rule for part in PARTS for rule in part.WARNINGS), *_OF_NO_KEY)


def violations(site: Node, effective: JsonMap) -> list[Problem]:
    """Mistakes that span keys. Values of a wrong type are the schema's matter and are passed over here."""
    return [
        Problem(nearest(site, path), dotted(path), sentence) for rule in RULES for path, sentence in rule(effective)
    ]


def warnings(site: Node, effective: JsonMap) -> list[Problem]:
    """Keys of the site that are accepted, but have no effect or are safe only on a trial machine, and one that it should have."""
    return [
        Problem(nearest(site, path), dotted(path), sentence)
        for rule in WARNINGS
        for path, sentence in rule(effective)
        if rule in _OF_NO_KEY or find(site, path)
    ]
