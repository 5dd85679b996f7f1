"""The rules between keys that a JSON schema cannot say, and what is accepted but looks unintended."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product

from jld.rules import firefly, storage, traits
from jld.schema.validation import nearest_name
from jld.secrets import kinds
from jld.site.tree import Node, find, nearest
from jld.support.errors import Problem
from jld.support.key_paths import JsonMap, KeyPath, dotted, value_at
from jld.support.quantities import amount, seconds


def broken(site: Node, effective: JsonMap) -> list[Problem]:
    """Mistakes that span keys. Values of a wrong type are the schema's matter and are passed over here."""
    return [
        Problem(nearest(site, path), dotted(path), sentence)
        for rule in BETWEEN_KEYS
        for path, sentence in rule(effective)
    ]


def doubtful(site: Node, effective: JsonMap) -> list[Problem]:
    """Warnings: keys without effect, and choices that are safe only on a trial machine."""
    found: list[tuple[KeyPath, str]] = []
    mode = value_at(effective, "storage", "mode")
    for name in storage.MODES:
        if mode in storage.MODES and name != mode and find(site, ("storage", name)):
            found.append((("storage", name), f"has no effect with storage.mode {mode}; remove it"))
    if value_at(effective, "hub", "existingSecret") and find(site, ("hub", "secret")):
        found.append(
            (("hub", "secret"), "has no effect, because hub.existingSecret names the Secret to use; remove one of them")
        )
    addresses: tuple[tuple[str, ...], ...] = (("github", "url"), ("github", "apiUrl"), ("cilogon", "url"))
    for way in (*addresses, *(("other", "options", f"{name}_url") for name in ("authorize", "token", "userdata"))):
        if str(value_at(effective, "hub", "auth", *way)).startswith("http://"):
            found.append((("hub", "auth", *way), "people's credentials travel unencrypted; write https://"))
    found += storage.doubtful(effective)
    found += firefly.doubtful(effective)
    found += _doubtful_traits(effective)
    return [Problem(nearest(site, path), dotted(path), sentence) for path, sentence in found]


def _default_size(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """`hub.lab.defaultSize` is one of the names in `hub.lab.sizes`, and one without `groups`."""
    sizes, chosen = value_at(effective, "hub", "lab", "sizes"), value_at(effective, "hub", "lab", "defaultSize")
    if isinstance(sizes, dict) and sizes and isinstance(chosen, str) and chosen and chosen not in sizes:
        close = nearest_name(chosen, list(sizes))
        hint = f"did you mean {close}?" if close else f"write one of {', '.join(sizes)}"
        yield ("hub", "lab", "defaultSize"), f'there is no size "{chosen}" in hub.lab.sizes; {hint}'
    elif isinstance(chosen, str) and value_at(sizes, chosen, "groups"):
        sentence = f'the size "{chosen}" is for members of its groups only; name one that everybody may have'
        yield ("hub", "lab", "defaultSize"), sentence


def _secret_shapes(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Each of `hub.secret` decodes to the form that its reader wants."""
    given = value_at(effective, "hub", "secret")
    for name, encoded in given.items() if isinstance(given, dict) else ():
        sentence = kinds.fault(name, encoded) if isinstance(encoded, str) and encoded else None
        if sentence:
            yield ("hub", "secret", name), sentence


def _requests_within_limits(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """No `requests` below a `resources` is more than the same of `limits`."""
    for owner in (("hub",), ("nginx",), ("storage", "nfs"), ("storage", "keepalive"), ("firefly",)):
        for kind in ("cpu", "memory"):
            path = (*owner, "resources", "requests", kind)
            request = value_at(effective, *path)
            limit = value_at(effective, *owner, "resources", "limits", kind)
            if (amount(request) or 0) > (amount(limit) or float("inf")):
                other = dotted((*owner, "resources", "limits", kind))
                yield path, f"{request} is more than the limit {limit}; lower it, or raise {other}"


def _repositories_have_folders_of_their_own(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """No two of `hub.lab.repositories` end in the same name, which is that of their folder."""
    listed, seen = value_at(effective, "hub", "lab", "repositories"), set()
    for index, text in enumerate(listed if isinstance(listed, list) else ()):
        folder = str(text).partition("@")[0].rpartition("/")[2].removesuffix(".git").lower()
        if folder in seen:
            yield ("hub", "lab", "repositories", index), f"the folder {folder} is another one's already; leave one out"
        seen.add(folder)


def _a_lab_fits_the_quota(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """One lab of each of `hub.lab.sizes` fits into `hub.lab.quota`, `hub.lab.perUser.quota` and `hub.lab.perUser.limitRange`."""
    sizes = value_at(effective, "hub", "lab", "sizes")
    for limits, kind in product((("quota",), ("perUser", "quota"), ("perUser", "limitRange")), ("cpu", "memory")):
        path = ("hub", "lab", *limits, kind)
        limit = amount(value_at(effective, *path))
        for name, size in sizes.items() if isinstance(sizes, dict) else ():
            if limit and (amount(value_at(size, kind)) or 0) > limit:
                text = f"a lab of the size {name} may use {size[kind]}, so none would ever start"
                yield path, f"{text}; raise it, or take hub.lab.sizes.{name} away"


def _node_ports_differ(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """`nginx.service.nodePorts.http` and `nginx.service.nodePorts.https` differ."""
    ports = value_at(effective, "nginx", "service", "nodePorts")
    if isinstance(ports, dict) and ports.get("http") is not None and ports.get("http") == ports.get("https"):
        yield ("nginx", "service", "nodePorts", "https"), "the same port as for http; write another one"


NETWORKS: tuple[KeyPath, ...] = (
    ("nginx", "service", "loadBalancerSourceRanges"),
    ("nginx", "trustedProxies"),
    ("storage", "nfs", "clients"),
    ("hub", "lab", "network", "allow"),
)
_LIKE_A_NETWORK = re.compile(r"[0-9.]+/[0-9]+|[0-9a-fA-F:]+/[0-9]+")  # what is none, the schema refuses


def _networks_end_where_they_say(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Each of `nginx.service.loadBalancerSourceRanges`, `nginx.trustedProxies`, `storage.nfs.clients` and `hub.lab.network.allow` is a network, and no address inside of one."""
    from ipaddress import ip_interface  # most sites name no network

    for path in NETWORKS:
        listed = value_at(effective, *path)
        for index, text in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(text, str) or not _LIKE_A_NETWORK.fullmatch(text):
                continue
            try:
                address = ip_interface(text)
            except ValueError:
                if ":" in text:
                    yield (*path, index), f'found "{text}"; write a network with its length, like 2001:db8::/32'
                continue
            if address.ip != address.network.network_address:
                one = f"{address.ip}/{address.max_prefixlen}"
                sentence = f"{text} is an address inside of the network {address.network}"
                yield (*path, index), f"{sentence}; write {address.network}, or {one} for that address alone"


# Where clouds hand a node's credentials to whoever asks: most of them, Alibaba, Oracle, AWS and Google over IPv6.
_CREDENTIALS = (
    "169.254.0.0/16",
    "100.100.100.200/32",
    "192.0.0.192/32",
    "fe80::/10",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
)


def _labs_reach_no_credentials(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """None of `hub.lab.network.allow` holds an address where clouds hand out a node's credentials."""
    from ipaddress import ip_network  # most sites name no network

    listed = value_at(effective, "hub", "lab", "network", "allow")
    for index, text in enumerate(listed if isinstance(listed, list) else ()):
        try:
            network = ip_network(str(text), strict=False)
        except ValueError:
            continue  # said elsewhere
        for closed in map(ip_network, _CREDENTIALS):
            if network.version == closed.version and network.overlaps(closed):
                where = closed.network_address if closed.num_addresses == 1 else closed
                sentence = f"{text} holds {where}, where clouds hand out a node's credentials; write smaller networks"
                yield ("hub", "lab", "network", "allow", index), sentence
                break


_USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # what is none, the schema refuses


def _admins_can_log_in(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """With `hub.auth.dummy`, each of `hub.auth.admins` is one of its users: another one could not log in."""
    # The hub, which tells names apart by more than the case of their letters, would not start.
    users, admins = (value_at(effective, "hub", "auth", *path) for path in (("dummy", "users"), ("admins",)))
    if isinstance(users, list) and isinstance(admins, list):
        known = {str(user).lower() for user in users}
        for index, admin in enumerate(admins):
            if isinstance(admin, str) and _USER_NAME.fullmatch(admin) and admin.lower() not in known:
                sentence = "is not one of hub.auth.dummy.users, so cannot log in; add it there, or remove it here"
                yield ("hub", "auth", "admins", index), sentence


def _somebody_is_let_in(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """With `hub.auth.cilogon` or `hub.auth.other`, some rule lets somebody in."""
    for way in ("cilogon", "other"):
        chosen = value_at(effective, "hub", "auth", way)
        if not isinstance(chosen, dict):
            continue
        providers = chosen.get("identityProviders")
        rules = [value_at(chosen, "groups", "allow"), value_at(chosen, "users", "allow"), chosen.get("allowAll")]
        for each in providers.values() if isinstance(providers, dict) else ():
            rules += [value_at(each, "allowAll"), value_at(each, "allowDomains")]
        if not any(rules):
            own = "allowAll or allowDomains of an identity provider" if way == "cilogon" else "allowAll"
            above = f"hub.auth.{way}"
            yield (
                ("hub", "auth", way),
                f"nobody could log in; write {above}.groups.allow, {above}.users.allow, or {own}",
            )


def _one_way_to_a_name(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """One of `hub.auth.cilogon.identityProviders` has `stripDomain` or `prefix`, and not both."""
    providers = value_at(effective, "hub", "auth", "cilogon", "identityProviders")
    for entity_id, each in providers.items() if isinstance(providers, dict) else ():
        if value_at(each, "stripDomain") and value_at(each, "prefix"):
            path = ("hub", "auth", "cilogon", "identityProviders", entity_id)
            yield path, "a name is either stripped of its domain or given a prefix; remove one of the two"


def _numbers_are_a_range(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """`hub.auth.numbers.first` is not above `hub.auth.numbers.last`."""
    first, last = (value_at(effective, "hub", "auth", "numbers", end) for end in ("first", "last"))
    if isinstance(first, int) and isinstance(last, int) and first > last:
        yield ("hub", "auth", "numbers"), f"last ({last}) is below first ({first}); exchange them"


def _answers_outlive_the_next_question(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """`hub.auth.refresh` is a minute or more, and `hub.auth.staleness` is not shorter than it."""
    refresh, staleness = (seconds(value_at(effective, "hub", "auth", key)) for key in ("refresh", "staleness"))
    if refresh is not None and refresh < 60:
        yield ("hub", "auth", "refresh"), "the provider would be asked with nearly every page; write 1m or more"
    if refresh is not None and staleness is not None and staleness < refresh:
        yield (
            ("hub", "auth", "staleness"),
            "shorter than hub.auth.refresh, so every session would end; write a longer one",
        )


def _python_is_readable(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Each file of `hub.extraConfig` is Python."""
    files = value_at(effective, "hub", "extraConfig")
    for name, text in files.items() if isinstance(files, dict) else ():
        try:
            ast.parse(text if isinstance(text, str) else "")
        except SyntaxError as error:
            yield ("hub", "extraConfig", name), f"not Python: {error.msg} in its line {error.lineno}; correct it"
        except (ValueError, RecursionError, MemoryError):
            yield ("hub", "extraConfig", name), "not Python; correct it"


def _traits_of_the_hub(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Each of `hub.traits` is a trait of JupyterHub's own classes, with a value that it accepts."""
    chosen = value_at(effective, *traits.TRAITS)
    if isinstance(chosen, dict) and chosen:
        yield from traits.owned(chosen)
        if traits.is_installed():
            yield from traits.faults(chosen)


def _doubtful_traits(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    chosen = value_at(effective, *traits.TRAITS)
    for class_name, names in chosen.items() if isinstance(chosen, dict) else ():
        for name in names:
            if (class_name, name) in traits.HAS_A_KEY:
                key = traits.HAS_A_KEY[class_name, name]
                yield (*traits.TRAITS, class_name, name), f"{key} says the same and is overruled here; use that key"
    if chosen and not traits.is_installed():
        yield traits.TRAITS, "not checked, because JupyterHub is not installed beside this tool; look at the hub's log"


# Each with the sentence that the reference has about it.
BETWEEN_KEYS = (
    *(_default_size, _a_lab_fits_the_quota, _secret_shapes, _requests_within_limits, _node_ports_differ),
    *(_labs_reach_no_credentials, _repositories_have_folders_of_their_own),
    *(_networks_end_where_they_say, _python_is_readable, _admins_can_log_in, _traits_of_the_hub),
    *(_somebody_is_let_in, _one_way_to_a_name, _numbers_are_a_range, _answers_outlive_the_next_question),
    *(storage.names_are_free, storage.mount_paths_are_apart),
    *(firefly.route_is_free, firefly.java_fits, firefly.volumes_are_there, firefly.folders_are_on_volumes),
)
