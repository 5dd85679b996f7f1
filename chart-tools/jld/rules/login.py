"""Logging in: who is let in, names, UIDs, and how often the provider is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from jld.rules import listed_names
from jld.rules.access.services import people
from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, dotted, list_at, map_at, value_at
from jld.support.quantities import seconds

_USER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@:+-]{0,62}")  # what is none, the schema refuses

# Domains that no public DNS has.
_PRIVATE_NAME = re.compile(r"\.(localhost|local|internal|test|invalid|lan|home|home\.arpa|intranet|corp|private)$")


def admins_can_log_in(effective: JsonMap) -> Violations:
    """With `hub.auth.dummy`, each of `hub.auth.admins` is one of its users: another one could not log in."""
    # The hub, which tells names apart by more than the case of their letters, would not start.
    users, admins = (value_at(effective, "hub", "auth", *path) for path in (("dummy", "users"), ("admins",)))
    if isinstance(users, list) and isinstance(admins, list):
        known = {str(user).lower() for user in users}
        for index, admin in enumerate(admins):
            if isinstance(admin, str) and _USER_NAME.fullmatch(admin) and admin.lower() not in known:
                sentence = "is not one of hub.auth.dummy.users, so cannot log in; add it there, or remove it here"
                yield ("hub", "auth", "admins", index), sentence


def somebody_is_let_in(effective: JsonMap) -> Violations:
    """With `hub.auth.cilogon` or `hub.auth.other`, some rule lets somebody in."""
    for provider in ("cilogon", "other"):
        chosen = value_at(effective, "hub", "auth", provider)
        if not isinstance(chosen, dict):
            continue
        allowed = [value_at(chosen, "groups", "allow"), value_at(chosen, "users", "allow"), chosen.get("allowAll")]
        for each in map_at(chosen, "identityProviders").values():
            allowed += [value_at(each, "allowAll"), value_at(each, "allowDomains")]
        if not any(allowed):
            own = "allowAll or allowDomains of an identity provider" if provider == "cilogon" else "allowAll"
            above = f"hub.auth.{provider}"
            yield (
                ("hub", "auth", provider),
                f"nobody could log in; write {above}.groups.allow, {above}.users.allow, or {own}",
            )


def one_way_to_a_name(effective: JsonMap) -> Violations:
    """One of `hub.auth.cilogon.identityProviders` has `stripDomain` or `prefix`, and not both."""
    path: KeyPath = ("hub", "auth", "cilogon", "identityProviders")
    for entity_id, each in map_at(effective, *path).items():
        if value_at(each, "stripDomain") and value_at(each, "prefix"):
            sentence = "a name is either stripped of its domain or given a prefix; remove one of the two"
            yield (*path, entity_id), sentence


def listed_names_belong_to_one_provider(effective: JsonMap) -> Violations:
    """With `hub.auth.admins` or `hub.auth.cilogon.users.allow`, at most one of `identityProviders` has no `prefix`."""
    path: KeyPath = ("hub", "auth", "cilogon", "identityProviders")
    unprefixed = [entity_id for entity_id, each in map_at(effective, *path).items() if not value_at(each, "prefix")]
    lists: tuple[KeyPath, ...] = (("hub", "auth", "admins"), ("hub", "auth", "cilogon", "users", "allow"))
    listing = [dotted(each) for each in lists if value_at(effective, *each)]
    if listing and len(unprefixed) > 1:
        *others, last = ((*path, entity_id) for entity_id in unprefixed)
        yield (
            last,
            f"without a prefix, as {' and '.join(map(dotted, others))}, so a name in {' and '.join(listing)} may be somebody's of "
            "another one; give all but one a prefix",
        )


def listed_names_are_those_of_the_hub(effective: JsonMap) -> Violations:
    """Each of `hub.auth.admins`, `hub.auth.blocked` and `users.allow`, of `users` of `hub.roles`, and of `hub.culling.people`, is a name that a login with the chosen provider can give."""
    auth = map_at(effective, "hub", "auth")
    for path, name in _listed_names(effective):
        if name in listed_names.RESERVED:
            yield path, "the name of a system account, which nobody gets; write another one"
        elif fault := _fault_of_name(name, auth):
            yield path, fault


def _listed_names(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Where a name stands, and the name in lower case."""
    keys: list[KeyPath] = [("admins",), ("blocked",), ("dummy", "users")]
    keys += [(way, "users", "allow") for way in ("github", "cilogon", "other")]
    paths: list[KeyPath] = [("hub", "auth", *key) for key in keys]
    in_auth = ((((*path, index), name) for index, name in enumerate(list_at(effective, *path))) for path in paths)
    for path, name in (*chain.from_iterable(in_auth), *people(effective)):
        if isinstance(name, str) and _USER_NAME.fullmatch(name):
            yield path, name.lower()


def _fault_of_name(name: str, auth: JsonMap) -> str | None:
    if "github" in auth:
        return listed_names.github_fault(name)
    if "cilogon" in auth:
        path: KeyPath = ("cilogon", "identityProviders")
        derivations = [
            listed_names.Derivation(
                claim=str(value_at(each, "nameClaim") or "eppn"),
                strip_domain=str(value_at(each, "stripDomain") or ""),
                prefix=str(value_at(each, "prefix") or ""),
                key=dotted(("hub", "auth", *path, entity_id)),
            )
            for entity_id, each in map_at(auth, *path).items()
        ]
        return listed_names.cilogon_fault(name, derivations) if derivations else None
    if "other" in auth:
        return listed_names.other_fault(name, str(value_at(auth, "other", "class")))
    return None


def uids_are_a_range(effective: JsonMap) -> Violations:
    """`hub.auth.numbers.first` is not above `hub.auth.numbers.last`."""
    first, last = (value_at(effective, "hub", "auth", "numbers", end) for end in ("first", "last"))
    if isinstance(first, int) and isinstance(last, int) and first > last:
        yield ("hub", "auth", "numbers"), f"last ({last}) is below first ({first}); exchange them"


def staleness_is_longer_than_refresh(effective: JsonMap) -> Violations:
    """`hub.auth.refresh` is a minute or more, and `hub.auth.staleness` is not shorter than it."""
    refresh, staleness = (seconds(value_at(effective, "hub", "auth", key)) for key in ("refresh", "staleness"))
    if refresh is not None and refresh < 60:
        yield ("hub", "auth", "refresh"), "the provider would be asked with nearly every page; write 1m or more"
    if refresh is not None and staleness is not None and staleness < refresh:
        yield (
            ("hub", "auth", "staleness"),
            "shorter than hub.auth.refresh, so every session would end; write a longer one",
        )


def credentials_are_encrypted(effective: JsonMap) -> Violations:
    urls: list[KeyPath] = [("github", "url"), ("github", "apiUrl"), ("cilogon", "url")]
    urls += [("other", "options", f"{name}_url") for name in ("authorize", "token", "userdata")]
    for url in urls:
        path = ("hub", "auth", *url)
        if str(value_at(effective, *path)).startswith("http://"):
            yield path, "people's credentials travel unencrypted; write https://"


def trial_logins_are_of_a_trial(effective: JsonMap) -> Violations:
    hostname = value_at(effective, "global", "hostname")
    trial = isinstance(value_at(effective, "hub", "auth", "dummy"), dict)
    if trial and isinstance(hostname, str) and _may_be_public(hostname):
        sentence = f"whoever knows the one password is anybody here, and {hostname} may be known to all the internet"
        yield ("hub", "auth", "dummy"), f"{sentence}; write hub.auth.github, cilogon or other, or remove it"


def _may_be_public(hostname: str) -> bool:
    """Whether others than this machine's or this network's may know the name."""
    if re.fullmatch(r"[0-9.]+", hostname):
        from ipaddress import ip_address  # most sites have a name

        try:
            return ip_address(hostname).is_global
        except ValueError:
            return False  # another rule's matter
    return "." in hostname and not _PRIVATE_NAME.search(hostname)


RULES: tuple[Rule, ...] = (
    *(admins_can_log_in, somebody_is_let_in, one_way_to_a_name, listed_names_belong_to_one_provider),
    *(listed_names_are_those_of_the_hub, uids_are_a_range, staleness_is_longer_than_refresh),
)
WARNINGS: tuple[Rule, ...] = (credentials_are_encrypted, trial_logins_are_of_a_trial)
