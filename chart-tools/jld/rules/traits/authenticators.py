"""`hub.auth.other`: whether people can log in with the class and its options, as the class itself says.

The hub refuses the same ones when it starts (jldhub/login/other.py).
"""

from __future__ import annotations

import difflib
import logging
import re
from typing import Any

from jld.rules.rule import Violations
from jld.rules.traits import pod_types
from jld.rules.traits.classes import wrong_value
from jld.rules.traits.owned import NOT_LEFT, OPTIONS
from jld.support.key_paths import JsonMap, KeyPath, map_at

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_OTHER: KeyPath = ("hub", "auth", "other")
_CLASS: KeyPath = (*_OTHER, "class")
_OPTIONS: KeyPath = (*_OTHER, "options")

OTHER_WAY = {
    "github": "hub.auth.github is for it; write that",
    "cilogon": "hub.auth.cilogon is for it; write that",
    "mediawiki": "it speaks another protocol than the hub's login; write another class",
}
NEEDED = {"azuread": "tenant_id", "openshift": "openshift_auth_api_url"}
SUBJECTS = {"bitbucket": "uuid", "gitlab": "id", "google": "id", "openshift": "metadata.uid"}


def owned_options(effective: JsonMap) -> Violations:
    """The options that are not left to a site."""
    for name in map_at(effective, *_OPTIONS):
        if name in OPTIONS:
            yield (*_OPTIONS, name), NOT_LEFT.format(OPTIONS[name])


def violations(other: JsonMap, own_image: bool) -> Violations:
    """What the hub would refuse. In an image of the site's own there may be classes that are not here."""
    from importlib.metadata import entry_points

    name = other.get("class")
    if not isinstance(name, str) or not _NAME.fullmatch(name):  # the schema's matter
        return
    installed = {point.name: point for point in entry_points(group="jupyterhub.authenticators")}
    valid = ", ".join(
        sorted(
            name
            for name, point in installed.items()
            if point.value.startswith("oauthenticator.") and name not in OTHER_WAY and not name.startswith("local-")
        )
    )
    if name in OTHER_WAY:
        yield _CLASS, OTHER_WAY[name]
    elif name not in installed:
        close = difflib.get_close_matches(name, valid.split(", "), 1)
        if own_image:
            hint = f"did you mean {close[0]}?" if close else f"write one of {valid}"
            yield _CLASS, f"the hub's image has no class {name}; {hint}"
    else:
        yield from _class_violations(installed[name], name, other, valid)


def _class_violations(point: Any, name: str, other: JsonMap, valid: str) -> Violations:
    from jupyterhub.auth import LocalAuthenticator
    from oauthenticator.oauth2 import OAuthenticator

    try:
        loaded = point.load()
    except (ImportError, AttributeError) as error:
        yield _CLASS, f"cannot be loaded ({error}); write one of {valid}"
        return
    if not (isinstance(loaded, type) and issubclass(loaded, OAuthenticator)):
        yield _CLASS, f"{name} is no class of oauthenticator; write one of {valid}"
    elif issubclass(loaded, LocalAuthenticator):
        remedy = name.removeprefix("local-")
        yield _CLASS, f"{name} wants everybody to have an account in the hub's own system; write {remedy}"
    else:
        yield from _option_violations(loaded, name, other)


def _option_violations(loaded: Any, name: str, other: JsonMap) -> Violations:
    """What is wrong with the options, and what is missing."""
    options = {option: value for option, value in map_at(other, "options").items() if option not in OPTIONS}
    traits = loaded.class_traits(config=True)
    right = True
    for option, value in options.items():
        if option not in traits:
            free = [each for each in traits if each not in OPTIONS]
            close = difflib.get_close_matches(option, free, 1) or difflib.get_close_matches(option.lower(), free, 1)
            hint = f"did you mean {close[0]}?" if close else "see oauthenticator's documentation, or remove it"
            sentence = f"{loaded.__name__} has no such trait; {hint}"
        elif wrong := wrong_value(loaded, traits[option], option, value):
            sentence = f"{pod_types.describe_value(value)}; {wrong}"
        else:
            continue
        right = False
        yield (*_OPTIONS, option), sentence
    subject = SUBJECTS.get(name)
    if subject and other.get("subjectClaim", "sub") == "sub" and "userdata_url" not in options:
        yield (*_OTHER, "subjectClaim"), f"{name} tells no claim sub; write {subject}"
    needed = NEEDED.get(name)
    if needed and not options.get(needed) and not {"authorize_url", "token_url"} <= options.keys():
        yield (*_OPTIONS, needed), "missing; write it"
    elif right:
        yield from _missing(loaded, options)


def _missing(loaded: Any, options: JsonMap) -> Violations:
    """What the class itself says with these options, and the addresses that neither it nor they hold."""
    from oauthenticator.oauth2 import OAuthenticator
    from traitlets.config import Config

    silent = logging.Logger("silent", logging.CRITICAL + 1)
    try:
        made = loaded(config=Config({loaded.__name__: options}), any_allow_config=True, log=silent)
        addresses = {name: getattr(made, name) for name in ("authorize_url", "token_url", "userdata_url")}
    except Exception as error:  # whatever a class raises for its configuration
        yield _OPTIONS, f"{loaded.__name__} does not take them: {str(error).rstrip('.')}; correct them"
        return
    if made.userdata_from_id_token or loaded.token_to_user is not OAuthenticator.token_to_user:
        del addresses["userdata_url"]
    for name, address in addresses.items():
        if not address:
            yield (*_OPTIONS, name), "missing; write it"
