"""Login with any other class of oauthenticator, under the same rules as with CILogon."""

import difflib
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

from jupyterhub.auth import LocalAuthenticator
from oauthenticator.oauth2 import OAuthenticator
from traitlets import TraitError
from traitlets.config import Config

from jldhub.login.claims.login import ClaimsLogin
from jldhub.settings.login import Other
from jldhub.settings.settings import SettingsError

_CLASS, _OPTIONS = "hub.auth.other.class", "hub.auth.other.options"
# `jld check` has the same tables (jld/rules/traits/authenticators.py).
_OTHER_WAY = {
    "github": "hub.auth.github is for it; write that",
    "cilogon": "hub.auth.cilogon is for it; write that",
    "mediawiki": "it speaks another protocol than the hub's login; write another class",
}
_NEEDED = {"azuread": "tenant_id", "openshift": "openshift_auth_api_url"}
_SUBJECTS = {"bitbucket": "uuid", "gitlab": "id", "google": "id", "openshift": "metadata.uid"}


def other_login(other: Other) -> type[ClaimsLogin]:
    """The authenticator class for one of oauthenticator's, which has its name. Raises SettingsError where it cannot work."""
    loaded = _load(other.authenticator)
    if faults := list(_faults(loaded, other)):
        raise SettingsError(*faults)
    return type(loaded.__name__, (ClaimsLogin, loaded), {"__doc__": f"{loaded.__name__} under JLD's rules."})


def _load(name: str) -> Any:
    installed = {point.name: point for point in entry_points(group="jupyterhub.authenticators")}
    if name in _OTHER_WAY:
        raise SettingsError(f"{_CLASS}: {name!r}: {_OTHER_WAY[name]}")
    if name not in installed:
        raise SettingsError(f"{_CLASS}: there is no {name!r} in the hub's image; write one of {_usable(installed)}")
    try:
        loaded = installed[name].load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(
            f"{_CLASS}: {name!r} cannot be loaded ({error}); write one of {_usable(installed)}"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, OAuthenticator)):
        raise SettingsError(f"{_CLASS}: {name!r} is no class of oauthenticator; write one of {_usable(installed)}")
    if issubclass(loaded, LocalAuthenticator):
        raise SettingsError(
            f"{_CLASS}: {name!r} wants everybody to have an account in the hub's own system; write {name.removeprefix('local-')}"
        )
    return loaded


def _usable(installed: dict[str, Any]) -> str:
    names = [name for name, point in installed.items() if point.value.startswith("oauthenticator.")]
    return ", ".join(sorted(name for name in names if name not in _OTHER_WAY and not name.startswith("local-")))


def _faults(loaded: Any, other: Other) -> Iterator[str]:
    """What is wrong with the options, and what is missing."""
    options, name = other.options, other.authenticator
    traits = loaded.class_traits(config=True)
    wrong = {
        option: fault for option, value in options.items() if (fault := _option_fault(loaded, traits, option, value))
    }
    yield from (f"{_OPTIONS}.{option}: {fault}" for option, fault in wrong.items())
    subject = _SUBJECTS.get(name)
    if subject and other.subject_claim == "sub" and "userdata_url" not in options:
        yield f"hub.auth.other.subjectClaim: {name} tells no claim sub; write {subject}"
    needed = _NEEDED.get(name)
    if needed and not options.get(needed) and not {"authorize_url", "token_url"} <= options.keys():
        yield f"{_OPTIONS}.{needed}: is missing; write it"
    elif not wrong:
        yield from (f"{_OPTIONS}{fault}" for fault in _missing(loaded, options))


def _option_fault(loaded: Any, traits: dict[str, Any], option: str, value: Any) -> str | None:
    if option not in traits:
        close = difflib.get_close_matches(option, traits, 1)
        return f"{loaded.__name__} has no such trait; " + (
            f"did you mean {close[0]}?" if close else "look into oauthenticator's documentation"
        )
    try:
        # A trait that takes anything has no such method.
        getattr(traits[option], "validate", lambda _, value: value)(loaded.__new__(loaded), value)
    except TraitError as error:
        return f"{str(error).rstrip('.')}; correct it"
    return None


def _missing(loaded: Any, options: dict[str, Any]) -> Iterator[str]:
    """What the class itself says with these options, and the addresses that neither it nor they hold."""
    try:
        made = loaded(config=Config({loaded.__name__: options}), any_allow_config=True)
        addresses = {name: getattr(made, name) for name in ("authorize_url", "token_url", "userdata_url")}
    except Exception as error:  # whatever a class raises for its configuration
        yield f": {loaded.__name__} does not take them: {str(error).rstrip('.')}; correct them"
        return
    if made.userdata_from_id_token or loaded.token_to_user is not OAuthenticator.token_to_user:
        del addresses["userdata_url"]
    yield from (f".{name}: is missing; write it" for name, address in addresses.items() if not address)
