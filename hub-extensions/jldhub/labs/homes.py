"""A person's home directory: its name, and with `storage.homes: perPerson` the claim of the volume that holds it. Pure functions."""

from typing import Any

from kubespawner.slugs import safe_slug

from jldhub.labs.pod import HOME
from jldhub.settings.names import Names
from jldhub.settings.settings import Settings

# The name of a home directory is the slug that KubeSpawner uses for `{username}`. It must never change.
_LONGEST_SLUG = 48


def person_slug(username: str) -> str:
    """The name of a person's home directory, and what names of their own objects end with."""
    return str(safe_slug(username, max_length=_LONGEST_SLUG))


def home_claim(names: Names, username: str) -> str:
    """The name of the claim of a person's own volume. It must never change.

    Neither a name that the chart makes nor a slug has a dot, so that no two people or releases have a claim in common.
    """
    return f"{names.volumes[HOME].claim}.{person_slug(username)}"


def homes_config(settings: Settings) -> dict[str, Any]:
    """KubeSpawner's traits for the claims of people. Nothing deletes one, whoever leaves."""
    if not settings.has_own_homes:
        return {"storage_pvc_ensure": False, "delete_pvc": False}
    own = settings.storage.per_person
    return {
        "storage_pvc_ensure": True,
        "delete_pvc": False,
        # The name is `home_claim`, and not what an earlier version of KubeSpawner noted in the hub's database.
        "remember_pvc_name": False,
        "storage_class": own.storage_class or None,
        "storage_capacity": own.capacity,
        "storage_access_modes": [own.access_mode],
    }
