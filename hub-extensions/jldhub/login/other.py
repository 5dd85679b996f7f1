"""Login with any other class of oauthenticator, under the same rules as with CILogon."""

import difflib
from collections.abc import Iterable
from importlib.metadata import entry_points

from oauthenticator.oauth2 import OAuthenticator

from jldhub.login.claims.login import ClaimsLogin


def other_login(name: str, options: Iterable[str]) -> type[ClaimsLogin]:
    """The authenticator class for one of oauthenticator's.

    `name` is its entry point in JupyterHub, such as generic-oauth. `options` are names of its traits. Raises
    LookupError with the remedy where there is no such class or trait.
    """
    installed = {point.name: point for point in entry_points(group="jupyterhub.authenticators")}
    valid = ", ".join(sorted(key for key, point in installed.items() if point.value.startswith("oauthenticator.")))
    if name not in installed:
        raise LookupError(f"hub.auth.other.class: there is no {name!r} in the hub's image; write one of {valid}")
    loaded = installed[name].load()
    if not issubclass(loaded, OAuthenticator):
        raise LookupError(f"hub.auth.other.class: {name!r} is no class of oauthenticator; write one of {valid}")
    traits = loaded.class_trait_names(config=True)
    for option in options:
        if option not in traits:
            close = difflib.get_close_matches(option, traits, 1)
            hint = f"did you mean {close[0]}?" if close else "look into oauthenticator's documentation"
            raise LookupError(f"hub.auth.other.options.{option}: {loaded.__name__} has no such trait; {hint}")
    return type("OtherLogin", (ClaimsLogin, loaded), {"__doc__": f"{loaded.__name__} under JLD's rules."})
