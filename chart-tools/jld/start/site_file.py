"""The text of a new site file, with a comment where one helps."""

from __future__ import annotations

from collections.abc import Iterator

from jld.schema.validation import resolved
from jld.site.yaml_writer import inline
from jld.support import urls
from jld.support.key_paths import JsonMap, KeyPath, value_at

_COMMENTS: dict[KeyPath, str] = {
    ("global", "hostname"): "what people type",
    ("global", "imageRegistry"): "where `make images PUSH=...` pushed",
    ("hub", "auth", "admins"): "who administers the hub",
    ("hub", "auth", "github", "clientId"): "of the OAuth app with the callback {callback}",
    ("hub", "auth", "github", "organizations", "allow"): "whose members are let in; `org:team` for a team",
    ("hub", "auth", "github", "users", "allow"): "who is let in by name",
    ("hub", "auth", "cilogon", "clientId"): "of the hub at CILogon, with the callback {callback}",
    ("hub", "auth", "cilogon", "groups", "allow"): "whose members are let in; a missing claim is a refusal",
    ("hub", "auth", "cilogon", "users", "allow"): "who is let in by name",
    ("hub", "auth", "dummy", "users"): "the only names; `jld password` prints the password",
    ("hub", "lab", "defaultImage"): "is chosen when nobody chose one",
    ("hub", "db", "external"): "its address is hub.secret.dbUrl",
    ("storage", "mode"): "nfs: a file server in the cluster; external: one that exists; hostPath: the only node's disk",
    ("storage", "volumes", "home", "existingClaim"): "this claim holds the home directories",
    ("storage", "nfs", "capacity"): "of the file server's disk",
    ("storage", "external", "server"): "each volume is a folder of it: /home",
    ("storage", "claim", "storageClass"): "a class whose volumes many nodes can write",
    ("storage", "claim", "capacity"): "for all home directories together",
    ("nginx", "tls", "certificate"): "with its chain; the path is relative to this file",
    (
        "nginx",
        "tls",
        "letsencrypt",
        "email",
    ): "cert-manager, which is in the cluster, gets the certificate of Let's Encrypt",
    ("nginx", "tls", "existingSecret"): "a Secret of type kubernetes.io/tls",
    ("nginx", "tls", "selfSigned"): "browsers warn; for local trials",
    ("logging", "shipperName"): "the field `shipper` of every event",
    ("logging", "broker", "host"): "as in its certificate; the password is logging.secret.brokerPassword",
    ("logging", "broker", "caCertificate"): "the authorities that signed the broker's certificate",
    ("logging", "tls", "certificate"): "instead of the one that `jld values` makes; names logging.serviceName",
}
_FIRST = ("global", "hub", "storage", "nginx", "logging")
_FOR_A_LINE = 60  # a map without comments that is shorter stands in one line


def render_site(site: JsonMap, schema: JsonMap) -> bytes:
    """The bytes of a site file, with the keys in the order of the schema."""
    site = _ordered(site, schema, _FIRST, schema)
    hostname = str(value_at(site, "global", "hostname") or "")
    callback = urls.oauth_callback(
        hostname, value_at(site, "global", "port") or urls.HTTPS_PORT, value_at(site, "global", "hubRoute") or "/"
    )
    head = (
        f"# The platform at {hostname}. `jld explain KEY` says what a key means and which others there are;\n"
        "# `jld check` says what is wrong here. Secrets do not belong here: secrets.yaml beside this file may hold them.\n"
    )
    return (head + "".join(f"{line}\n" for line in _lines(site, (), callback))).encode()


def _ordered(data: JsonMap, schema: JsonMap, first: tuple[str, ...], rule: JsonMap) -> JsonMap:
    names = dict.fromkeys([*first, *rule.get("properties", {}), *data])
    return {
        name: _ordered(data[name], schema, (), resolved(rule.get("properties", {}).get(name, {}), schema))
        if isinstance(data[name], dict)
        else data[name]
        for name in names
        if name in data
    }


def _lines(data: JsonMap, path: KeyPath, callback: str) -> Iterator[str]:
    margin = "  " * len(path)
    for key, value in data.items():
        here = (*path, key)
        name = inline(key)
        if isinstance(value, dict) and value and not _fits(value, here):
            yield f"{margin}{name}:"
            yield from _lines(value, here, callback)
        else:
            comment = _COMMENTS.get(here, "").format(callback=callback)
            yield f"{margin}{name}: {inline(value)}" + (f"   # {comment}" if comment else "")


def _fits(data: JsonMap, path: KeyPath) -> bool:
    """Whether a map stands well in one line: it is short, and nothing in it has a comment."""
    commented = any(other[: len(path)] == path for other in _COMMENTS)
    return not commented and len(path) > 1 and len(inline(data)) <= _FOR_A_LINE and "\n" not in inline(data)
