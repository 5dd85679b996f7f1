"""`hub.auth.other`: whether people can log in with the class and its options, as the class itself says.

The hub refuses the same ones when it starts (jldhub/login/other.py). What the classes say stands in a table.
"""

from __future__ import annotations

import difflib
import re

from jld.rules.rule import Violations
from jld.rules.traits import accepting, hub_image, using
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
    name = other.get("class")
    if not isinstance(name, str) or not _NAME.fullmatch(name):  # the schema's matter
        return
    logins = hub_image.table()["logins"]
    valid = [each for each, login in logins.items() if "class" in login and each not in OTHER_WAY]
    if name in OTHER_WAY:
        yield _CLASS, OTHER_WAY[name]
    elif name not in logins:
        if not own_image:
            close = difflib.get_close_matches(name, valid, 1)
            hint = f"did you mean {close[0]}?" if close else f"write one of {', '.join(valid)}"
            yield _CLASS, f"the hub's image has no class {name}; {hint}"
    elif fault := logins[name].get("fault"):
        remedy = name.removeprefix("local-") if name.startswith("local-") else f"one of {', '.join(valid)}"
        yield _CLASS, f"{fault}; write {remedy}"
    else:
        yield from _option_violations(logins[name], name, other)


def _option_violations(login: JsonMap, name: str, other: JsonMap) -> Violations:
    """What is wrong with the options, and what is missing."""
    options = {option: value for option, value in map_at(other, "options").items() if option not in OPTIONS}
    traits = hub_image.table()["options"][name]
    wrong: list[tuple[KeyPath, str]] = []
    for option, value in options.items():
        if option in traits:
            # An older name hands its value to the newer one, which takes less.
            taking = traits[login["aliases"].get(option, option)]
            where = (*_OPTIONS, option)
            wrong += list(accepting.faults(option, taking, value, where)) or using.faults(option, taking, value, where)
            continue
        free = [each for each in traits if each not in OPTIONS]
        close = difflib.get_close_matches(option, free, 1) or difflib.get_close_matches(option.lower(), free, 1)
        hint = f"did you mean {close[0]}?" if close else "see oauthenticator's documentation, or remove it"
        wrong.append(((*_OPTIONS, option), f"{login['class']} has no such trait; {hint}"))
    yield from wrong
    subject = SUBJECTS.get(name)
    if subject and other.get("subjectClaim", "sub") == "sub" and "userdata_url" not in options:
        yield (*_OTHER, "subjectClaim"), f"{name} tells no claim sub; write {subject}"
    needed = NEEDED.get(name)
    if needed and not options.get(needed) and not {"authorize_url", "token_url"} <= options.keys():
        yield (*_OPTIONS, needed), "missing; write it"
    elif not wrong:
        yield from _refused(login, options)


def _refused(login: JsonMap, options: JsonMap) -> Violations:
    """What the class itself says of these options together, and the addresses that neither it nor they hold."""
    for option, why in login["refused"].items():
        if options.get(option):
            yield (*_OPTIONS, option), f"{why}; remove it"
    one_of = login["oneOf"]
    if one_of and not any(options.get(name) for name in (*one_of["options"], "authorize_url")):
        yield _OPTIONS, f"{login['class']} does not take them: {one_of['why']}; correct them"
        return
    from_token = options.get("userdata_from_id_token")
    if from_token and options.get("userdata_url"):
        yield (*_OPTIONS, "userdata_url"), "has no use beside userdata_from_id_token, and is refused; remove one"
    for name in ("authorize_url", "token_url", "userdata_url"):
        asked = name != "userdata_url" or (login["asksForPeople"] and not from_token)
        if asked and not options.get(name, name in login["addresses"]):
            yield (*_OPTIONS, name), "missing; write it"
