"""The hub: its secrets, its configuration files and its traits."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jld.rules.rule import Rule, Violations
from jld.rules.traits import authenticators, classes, databases, owned
from jld.secrets import formats
from jld.support.key_paths import JsonMap, KeyPath, map_at, value_at

# What hub-extensions/jupyterhub_config.py gives each file.
GIVEN_NAMES = ("c", "get_config", "load_subconfig")


def secrets_have_their_format(effective: JsonMap) -> Violations:
    """Each of `hub.secret` decodes to the form that its reader wants."""
    for above in (formats.HUB_SECRET, formats.SERVICE_TOKENS):
        for name, encoded in map_at(effective, *above).items():
            sentence = formats.fault((*above, name), encoded) if isinstance(encoded, str) and encoded else None
            if sentence:
                yield (*above, name), sentence


def extra_config_is_python(effective: JsonMap) -> Violations:
    """Each file of `hub.extraConfig` is Python, and defines the names that it reads."""
    for name, text in map_at(effective, "hub", "extraConfig").items():
        path: KeyPath = ("hub", "extraConfig", name)
        try:
            parsed = ast.parse(text if isinstance(text, str) else "")
        except SyntaxError as error:
            yield path, f"not Python: {error.msg} in its line {error.lineno}; correct it"
        except (ValueError, RecursionError, MemoryError):
            yield path, "not Python; correct it"
        else:
            for line, unknown in _undefined(parsed):
                yield path, f"nothing defines the name {unknown} in its line {line}, and the hub ends there; correct it"


def _undefined(parsed: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of what nothing defines. Files share `c` alone: what one defines, no other has."""
    from pyflakes import checker, messages  # only a site with Python of its own waits for it

    for message in checker.Checker(parsed, builtins=GIVEN_NAMES).messages:
        if isinstance(message, messages.UndefinedName):
            yield message.lineno, str(message.message_args[0])


def traits_are_accepted(effective: JsonMap) -> Violations:
    """Each of `hub.traits` is a trait of JupyterHub's own classes, with a value that it accepts."""
    traits = map_at(effective, *owned.TRAITS)
    yield from owned.violations(traits)
    yield from classes.violations(traits)


def other_class_is_accepted(effective: JsonMap) -> Violations:
    """`hub.auth.other` names a class that people can log in with, and its options are traits of it, with all that it needs."""
    yield from authenticators.owned_options(effective)
    other = map_at(effective, "hub", "auth", "other")
    yield from authenticators.violations(other, own_image=_is_own_image(effective))


def database_can_be_used(effective: JsonMap) -> Violations:
    """With `hub.db.external`, the hub's image has a driver for `dbUrl`, and a file of SQLite is in a volume that outlives the pod."""
    if value_at(effective, "hub", "db", "external") is not True or value_at(effective, "hub", "existingSecret"):
        return
    path: KeyPath = (*formats.HUB_SECRET, "dbUrl")
    encoded = value_at(effective, *path)
    if isinstance(encoded, str) and formats.fault(path, encoded) is None:
        address = (formats.decode(encoded) or b"").decode().strip("\r\n")
        if address and not address.startswith("missing://"):
            yield from databases.violations(effective, address, own_image=_is_own_image(effective))


def secret_is_used(effective: JsonMap) -> Violations:
    if value_at(effective, "hub", "existingSecret"):
        yield (
            ("hub", "secret"),
            "has no effect, because hub.existingSecret names the Secret to use; remove one of them",
        )


def traits_repeat_no_key(effective: JsonMap) -> Violations:
    for class_name, names in map_at(effective, *owned.TRAITS).items():
        for name in names:
            if (class_name, name) in owned.HAS_A_KEY:
                key = owned.HAS_A_KEY[class_name, name]
                yield (*owned.TRAITS, class_name, name), f"{key} says the same and is overruled here; use that key"


def _is_own_image(effective: JsonMap) -> bool:
    """Whether the hub's image is the site's own, of whose packages nothing is known here."""
    return bool(value_at(effective, "hub", "image", "repository") != "hub")


RULES: tuple[Rule, ...] = (
    *(secrets_have_their_format, extra_config_is_python, traits_are_accepted, other_class_is_accepted),
    database_can_be_used,
)
WARNINGS: tuple[Rule, ...] = (secret_is_used, traits_repeat_no_key)
