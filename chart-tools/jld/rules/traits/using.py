"""Values that a trait takes, for its class does not say what they hold, and that the class cannot use."""

from __future__ import annotations

import difflib

from jld.rules.rule import Violations
from jld.rules.traits.pod_types import describe_value
from jld.support.key_paths import JsonMap, KeyPath

_UNDESCRIBED_LIST = {"kind": "List"}
_LISTS_OF_PAIRS = ("extra_handlers",)
# What Tornado's client takes for a request besides what the hub says of each itself.
REQUEST_ARGUMENTS = (
    *("allow_ipv6", "auth_mode", "auth_password", "auth_username", "ca_certs", "client_cert", "client_key"),
    *("connect_timeout", "decompress_response", "follow_redirects", "max_redirects", "network_interface"),
    *("proxy_auth_mode", "proxy_host", "proxy_password", "proxy_port", "proxy_username", "request_timeout"),
    *("user_agent", "validate_cert"),
)
# What KubeSpawner fills in between braces: in the one place two words, elsewhere what it knows of the person.
_OF_PEOPLE = (
    *(
        "userid",
        "username",
        "unescaped_username",
        "escaped_username",
        "safe_username",
        "servername",
        "unescaped_servername",
    ),
    *(
        "escaped_servername",
        "safe_servername",
        "user_server",
        "escaped_user_server",
        "safe_user_server",
        "hubnamespace",
    ),
    *("namespace", "pod_name", "pvc_name"),
)
_FILLED_IN = {
    "dns_name_template": ("name", "namespace"),
    **dict.fromkeys(("extra_annotations", "user_namespace_annotations", "user_namespace_labels"), _OF_PEOPLE),
}


def faults(name: str, described: JsonMap, value: object, path: KeyPath = ()) -> Violations:
    """What the class of the trait `name` cannot use of a value that it takes: where below it, and what to write."""
    if described == _UNDESCRIBED_LIST and name not in _LISTS_OF_PAIRS and isinstance(value, list):
        for index, each in enumerate(value):  # names, addresses or paths
            if not isinstance(each, str):
                yield (*path, index), f"{describe_value(each)}; write text in quotes"
    elif name in _FILLED_IN:
        for key, text in value.items() if isinstance(value, dict) else [("", value)]:
            if isinstance(text, str) and not _can_be_filled_in(text, _FILLED_IN[name]):
                known = ", ".join(f"{{{each}}}" for each in _FILLED_IN[name])
                yield (
                    (*path, *([key] if key else ())),
                    f"{describe_value(text)}; between braces write one of {known}, and {{{{ for a brace",
                )
    elif name == "http_request_kwargs" and isinstance(value, dict):
        for key in value:
            if key not in REQUEST_ARGUMENTS:
                close = difflib.get_close_matches(str(key), REQUEST_ARGUMENTS, n=1)
                hint = f"did you mean {close[0]}?" if close else f"accepted here: {', '.join(REQUEST_ARGUMENTS)}"
                yield (*path, key), f"no request takes it, and nobody could log in; {hint}"


def _can_be_filled_in(text: str, names: tuple[str, ...]) -> bool:
    try:
        text.format(**dict.fromkeys(names, ""))
    except (AttributeError, IndexError, KeyError, ValueError):
        return False
    return True
