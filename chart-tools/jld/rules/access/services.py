"""Services, roles, and the people whom both name."""

from __future__ import annotations

from collections.abc import Iterator

from jld.rules.access import scopes
from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, list_at, map_at, value_at


def scopes_exist(effective: JsonMap) -> Violations:
    """Each scope of `hub.services` and `hub.roles` is one that JupyterHub has."""
    for kind in ("services", "roles"):
        for name, each in map_at(effective, "hub", kind).items():
            for index, scope in enumerate(list_at(each, "scopes")):
                if isinstance(scope, str) and (fault := scopes.fault(scope)):
                    yield ("hub", kind, name, "scopes", index), fault


def pages_have_pods(effective: JsonMap) -> Violations:
    """One of `hub.services` with a `url` names its `pods`: NetworkPolicies keep the front door from all others."""
    for name, each in map_at(effective, "hub", "services").items():
        if value_at(each, "url") and not list_at(each, "pods"):
            yield (
                ("hub", "services", name, "url"),
                f"nobody could open its pages, for the front door may reach none of its pods; write hub.services.{name}.pods",
            )


def roles_are_of_services_that_exist(effective: JsonMap) -> Violations:
    """Each of `services` of one of `hub.roles` is one of `hub.services`."""
    known = map_at(effective, "hub", "services")
    for name, each in map_at(effective, "hub", "roles").items():
        for index, service in enumerate(list_at(each, "services")):
            if isinstance(service, str) and service not in known:
                yield ("hub", "roles", name, "services", index), "none of hub.services; add it there, or remove it here"


def roles_have_groups_of_a_login(effective: JsonMap) -> Violations:
    """With `hub.auth.dummy`, none of `hub.roles` names groups."""
    for name, each in map_at(effective, "hub", "roles").items():
        if list_at(each, "groups") and map_at(effective, "hub", "auth", "dummy"):
            yield ("hub", "roles", name, "groups"), "with hub.auth.dummy nobody has groups; remove it"


def blocked_people_are_no_admins(effective: JsonMap) -> Violations:
    """None of `hub.auth.blocked` is one of `hub.auth.admins`."""
    admins = {str(name).lower() for name in list_at(effective, "hub", "auth", "admins")}
    for index, name in enumerate(list_at(effective, "hub", "auth", "blocked")):
        if isinstance(name, str) and name.lower() in admins:
            yield ("hub", "auth", "blocked", index), "one of hub.auth.admins too; remove it from one of the two"


def roles_are_somebodys(effective: JsonMap) -> Violations:
    for name, each in map_at(effective, "hub", "roles").items():
        if not any(value_at(each, key) for key in ("users", "groups", "services", "allowAll")):
            yield ("hub", "roles", name), "nobody has this role; write users, groups, services or allowAll"


def people(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Where roles and limits of culling name somebody, and the name."""
    for role, each in map_at(effective, "hub", "roles").items():
        for index, name in enumerate(list_at(each, "users")):
            yield ("hub", "roles", role, "users", index), name
    for name in map_at(effective, "hub", "culling", "people"):
        yield ("hub", "culling", "people", name), name


RULES: tuple[Rule, ...] = (
    *(scopes_exist, pages_have_pods, roles_are_of_services_that_exist, roles_have_groups_of_a_login),
    blocked_people_are_no_admins,
)
WARNINGS: tuple[Rule, ...] = (roles_are_somebodys,)
