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


def faults(name: str, described: JsonMap, value: object, path: KeyPath = ()) -> Violations:
    """What the class of the trait `name` cannot use of a value that it takes: where below it, and what to write."""
    if described == _UNDESCRIBED_LIST and name not in _LISTS_OF_PAIRS and isinstance(value, list):
        for index, each in enumerate(value):  # names, addresses or paths
            if not isinstance(each, str):
                yield (*path, index), f"{describe_value(each)}; write text in quotes"
    elif name == "http_request_kwargs" and isinstance(value, dict):
        for key in value:
            if key not in REQUEST_ARGUMENTS:
                close = difflib.get_close_matches(str(key), REQUEST_ARGUMENTS, n=1)
                hint = f"did you mean {close[0]}?" if close else f"accepted here: {', '.join(REQUEST_ARGUMENTS)}"
                yield (*path, key), f"no request takes it, and nobody could log in; {hint}"
