"""`hub.environment` and `hub.lab.environment`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jld.rules.additions.parts import LABS, PARTS, PREFIXES, Part
from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, map_at, value_at
from jld.support.masking import holds_secret

_NAME_OF_SECRET = re.compile(r"(PASSWORD|PASSWD|TOKEN|SECRET|KEY)$", re.IGNORECASE)
_OF_ONE_PERSON = ("HOME", "USER")
_PROXY = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")
_FIREFLY = dict.fromkeys(("FIREFLY_URL", "FIREFLY_ROUTE", "FIREFLY_HTML"), "its Firefly is found by it")


def variables_are_free(effective: JsonMap) -> Violations:
    """No name in `hub.environment` and `hub.lab.environment` is that of a variable that JLD sets itself."""
    for part in PARTS:
        for name, _ in part.added(effective, "environment"):
            if reason := _reason(part, name, effective):
                yield (*part.path, "environment", name), f"JLD sets this itself, because {reason}; remove it"


def variables_of_traits_are_free(effective: JsonMap) -> Violations:
    """`environment` of `hub.traits.KubeSpawner` does not say whose lab it is, and where the home is."""
    for path, name, reason in _taken_by_traits(effective):
        if name in _OF_ONE_PERSON:
            yield path, f"JLD sets this itself, because {reason}; remove it"


def variables_of_traits_replace_none(effective: JsonMap) -> Violations:
    for path, name, reason in _taken_by_traits(effective):
        if name not in _OF_ONE_PERSON:
            yield path, f"takes the place of JLD's own value, which is there because {reason}"


def _taken_by_traits(effective: JsonMap) -> Iterator[tuple[KeyPath, str, str]]:
    path: KeyPath = ("hub", "traits", "KubeSpawner", "environment")
    for name in map_at(effective, *path):
        if reason := _reason(LABS, str(name), effective):
            yield (*path, name), str(name), reason


def _reason(part: Part, name: str, effective: JsonMap) -> str | None:
    own = dict(part.variables)
    if part is LABS and value_at(effective, "firefly", "enabled") is True:
        own |= _FIREFLY
    if part is LABS and value_at(effective, "global", "proxy", "https"):
        own |= dict.fromkeys(_PROXY, "it is said in global.proxy")
    return own.get(name) or next((reason for start, reason in PREFIXES.items() if name.startswith(start)), None)


def secrets_are_in_secrets(effective: JsonMap) -> Violations:
    remedy = "make a Secret of it and write {secret: NAME, key: KEY}"
    for part in PARTS:
        config_map = "the ConfigMap of the hub's settings" if part is LABS else "a ConfigMap"
        where = f"{config_map} and each lab's pod" if part is LABS else "the hub's Deployment"
        for name, text in part.added(effective, "environment"):
            named = _NAME_OF_SECRET.search(name) and not str(text).startswith("/")
            if isinstance(text, str) and text and (named or holds_secret(text)):
                yield (*part.path, "environment", name), f"looks like a secret, and would stand in {where}; {remedy}"
        for path, text in part.added(effective, "files"):
            if isinstance(text, str) and "PRIVATE KEY-----" in text:
                yield (*part.path, "files", path), f"holds a private key, and would stand in {config_map}; {remedy}"


RULES: tuple[Rule, ...] = (variables_are_free, variables_of_traits_are_free)
WARNINGS: tuple[Rule, ...] = (secrets_are_in_secrets, variables_of_traits_replace_none)
