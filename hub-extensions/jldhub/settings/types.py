"""The base class of all settings, and types for their values.

Each type validates its value, and its message says the remedy.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from jldhub.settings.quantities import parse_cpu, parse_duration, parse_memory
from jldhub.settings.reserved_names import RESERVED

Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Cores = Annotated[float, BeforeValidator(parse_cpu)]
Bytes = Annotated[int, BeforeValidator(parse_memory)]


class SettingsModel(BaseModel):
    """Keys are camelCase as in the values. Unknown keys are errors. Instances are immutable."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself, because it is immutable: traitlets copies the settings for each spawner that it makes."""
        return self


def without_removed(value: object) -> object:
    """Drop keys that are null: a site removes a default with null, and some Helm versions pass the null on."""
    return {name: each for name, each in value.items() if each is not None} if isinstance(value, dict) else value


def _login_name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}", value):
        raise ValueError(f"{value!r} is not a user name; write letters, digits, '-', '_' and '.'")
    if value.lower() in RESERVED:
        raise ValueError(f"{value!r} is the name of a system account, which nobody gets; write another one")
    return value.lower()


def _listed_name(value: object) -> str:
    """A name with the separators of names at a provider too, of which the whole of `hub.auth` knows what to write instead."""
    if (
        isinstance(value, str)
        and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._@:+-]{0,254}", value)
        and re.search("[@:+]", value)
    ):
        return value.lower()
    return _login_name(value)


def _organization(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(:[A-Za-z0-9_.-]{1,100})?", value
    ):
        raise ValueError(f"{value!r} is not an organization; write the name as in its address, or organization:team")
    return value


# Without what YAML cannot hold, what separates groups in a text, and what only directory names and JSON have.
_CLAIMED_GROUP = r'(?! )[^\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff",;<>\[\\\]{|}%]{1,255}(?<! )'


def _claimed_group(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_CLAIMED_GROUP, value):
        raise ValueError(f"{value!r} is not the name of a group; write it like lsst_users or /science")
    if "=" in value:
        raise ValueError(f"{value!r} is a directory name, which is compared by its common name; write that alone")
    return value


def _base_url(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        raise ValueError(f"{value!r} is not an address; write it with https:// in front, such as https://github.com")
    return value.rstrip("/")


def _host_and_port(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]{1,5}", value):
        raise ValueError(f"{value!r} is not a name and port; write it like jld-nginx-api:8001")
    return value


LoginName = Annotated[str, BeforeValidator(_login_name)]
ListedName = Annotated[str, BeforeValidator(_listed_name)]
ClaimedGroupName = Annotated[str, BeforeValidator(_claimed_group)]
Organization = Annotated[str, BeforeValidator(_organization)]
BaseUrl = Annotated[str, BeforeValidator(_base_url)]
FrontDoorApi = Annotated[str, BeforeValidator(_host_and_port)]
