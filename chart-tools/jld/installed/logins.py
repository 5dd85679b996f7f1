"""The classes that people can log in with: what each takes, brings and refuses, as the class itself says."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib.metadata import EntryPoint
from typing import Any

from jupyterhub.auth import LocalAuthenticator
from oauthenticator.oauth2 import OAuthenticator
from traitlets.config import Config

from jld.installed.traits import described_traits
from jld.support.key_paths import JsonMap

_ADDRESSES = ("authorize_url", "token_url", "userdata_url")
_COMPLETE = {name: f"https://id.example.org/{name}" for name in _ADDRESSES}
# One value that is not the default, for each kind of trait.
_SAMPLES: dict[str, Any] = {"Bool": True, "Dict": {}, "List": [], "Set": [], "Union": "a.b", "Unicode": "a", "Int": 7}
# Whether these are taken depends on other options: jld/rules/traits/authenticators.py.
_WITH_OTHERS = {"userdata_from_id_token"}
_SILENT = logging.Logger("silent", logging.CRITICAL + 1)


def described_logins(points: Iterable[EntryPoint]) -> dict[str, JsonMap]:
    """By the name that JupyterHub knows a class by."""
    return {point.name: _described(point) for point in sorted(points, key=lambda each: each.name)}


def _described(point: EntryPoint) -> JsonMap:
    try:
        loaded: Any = point.load()
    except (ImportError, AttributeError) as error:
        return {"fault": f"cannot be loaded ({error})"}
    if not (isinstance(loaded, type) and issubclass(loaded, OAuthenticator)):
        return {"fault": f"{point.name} is no class of oauthenticator"}
    if issubclass(loaded, LocalAuthenticator):
        return {"fault": f"{point.name} wants everybody to have an account in the hub's own system"}
    return _of_class(loaded)


def _of_class(loaded: Any) -> JsonMap:
    traits = described_traits(loaded)
    one_of = [name for name in traits if _fault(loaded, {}) and not _fault(loaded, {name: "a.example.org"})]
    made = _made(loaded, dict.fromkeys(one_of[:1], "a.example.org") | _network(loaded))
    return {
        "class": loaded.__name__,
        "addresses": [name for name in _ADDRESSES if getattr(made, name)],
        "asksForPeople": loaded.token_to_user is OAuthenticator.token_to_user,
        "oneOf": {"options": one_of, "why": _fault(loaded, {})} if one_of else {},
        "aliases": {old: new[0] for old, new in sorted(loaded._deprecated_oauth_aliases.items())},
        "refused": {
            name: why
            for name, described in traits.items()
            if name not in _WITH_OTHERS and described["kind"] in _SAMPLES
            if (why := _fault(loaded, _COMPLETE | {name: _SAMPLES[described["kind"]]}))
        },
        "traits": traits,
    }


def _network(loaded: Any) -> JsonMap:
    """What keeps a class from asking a server for its addresses."""
    return {name: "https://id.example.org" for name in ("openshift_auth_api_url",) if hasattr(loaded, name)}


def _made(loaded: Any, options: JsonMap) -> Any:
    return loaded(config=Config({loaded.__name__: options}), any_allow_config=True, log=_SILENT)


def _fault(loaded: Any, options: JsonMap) -> str:
    """What the class says to these options; nothing where it takes them."""
    try:
        made = _made(loaded, _network(loaded) | options)
        [getattr(made, name) for name in _ADDRESSES]
    except Exception as error:  # whatever a class raises for its configuration
        return str(error).rstrip(".")
    return ""
