"""The site's own trait values (`hub.traits`), validated, and applied on top of JLD's."""

import difflib
from collections.abc import Mapping
from typing import Any

from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from jupyterhub.crypto import CryptKeeper
from kubespawner import KubeSpawner
from oauthenticator.github import GitHubOAuthenticator
from traitlets import TraitError
from traitlets.config import Config

_CLASSES = {cls.__name__: cls for cls in (JupyterHub, KubeSpawner, Authenticator, GitHubOAuthenticator, CryptKeeper)}


def trait_faults(traits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One sentence for each trait that does not exist or does not take its value.

    traitlets passes over the ones, and names the others by the class that runs, without the key that somebody wrote.
    """
    faults = []
    for class_name, values in traits.items():
        if class_name not in _CLASSES:
            faults.append(f"hub.traits.{class_name}: the hub has no such class; write one of {', '.join(_CLASSES)}")
            continue
        holder = _CLASSES[class_name].__new__(_CLASSES[class_name])  # with its defaults, and without being started
        known = holder.traits(config=True)
        for name, value in values.items():
            place = f"hub.traits.{class_name}.{name}"
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {close[0]}?" if close else "look into JupyterHub's documentation"
                faults.append(f"{place}: {class_name} has no such trait; {hint}")
                continue
            try:
                getattr(known[name], "validate", lambda _, value: value)(holder, value)
            except TraitError as error:
                faults.append(f"{place}: {str(error).rstrip('.')}; correct it")
    return faults


def set_traits(config: Config, traits: Mapping[str, Mapping[str, Any]]) -> None:
    """Set traits by class and name.

    A map is merged into the existing map, such as a lab's environment; other values replace.
    """
    for class_name, values in traits.items():
        section = config[class_name]
        for name, value in values.items():
            existing = section.get(name)
            merge = isinstance(existing, dict) and isinstance(value, dict)
            section[name] = {**existing, **value} if merge else value
