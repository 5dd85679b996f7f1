"""Lists of who is let in and who is kept out, and the groups that other keys name, one against the other."""

from __future__ import annotations

from collections.abc import Iterator

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, KeyPath, dotted, list_at, map_at, value_at

AUTH: KeyPath = ("hub", "auth")
_LISTS = {"github": "organizations", "cilogon": "groups", "other": "groups"}
_OF_USERS: tuple[KeyPath, ...] = (("dummy", "users"), *((way, "users", "allow") for way in _LISTS))


def offered_to(effective: JsonMap) -> Iterator[tuple[KeyPath, str]]:
    """Where something of labs is offered to members of groups alone, and the group."""
    lab = map_at(effective, "hub", "lab")
    limited: dict[KeyPath, object] = {("typedImages",): value_at(lab, "typedImages")}
    limited |= {(kind, name): each for kind in ("sizes", "images") for name, each in map_at(lab, kind).items()}
    for below, choice in limited.items():
        for index, group in enumerate(list_at(choice, "groups")):
            yield ("hub", "lab", *below, "groups", index), str(group)


def nobody_is_allowed_and_denied(effective: JsonMap) -> Violations:
    """No entry of `organizations.allow` or `groups.allow` of a way of `hub.auth` is in `deny` beside it, which wins: neither a team of a denied organisation."""
    for way, of_the_way in _LISTS.items():
        for index, entry in enumerate(list_at(effective, *AUTH, way, of_the_way, "allow")):
            if denied := _denial(str(entry), way, effective):
                sentence = f"nobody is let in by it, for {denied} wins; remove it from one of the two lists"
                yield (*AUTH, way, of_the_way, "allow", index), sentence


def allowed_people_are_not_blocked(effective: JsonMap) -> Violations:
    """It may be meant for a while, so it is no mistake."""
    blocked = {str(name).lower() for name in list_at(effective, *AUTH, "blocked")}
    for path in _OF_USERS:
        for index, name in enumerate(list_at(effective, *AUTH, *path)):
            if isinstance(name, str) and name.lower() in blocked:
                yield (
                    (*AUTH, *path, index),
                    "not let in, for hub.auth.blocked wins; remove the name from one of the two, unless that is meant",
                )


def groups_have_members_who_log_in(effective: JsonMap) -> Violations:
    roles = (
        (("hub", "roles", name, "groups", index), str(group))
        for name, role in map_at(effective, "hub", "roles").items()
        for index, group in enumerate(list_at(role, "groups"))
    )
    allowed = {_organization(str(each)) for each in list_at(effective, *AUTH, "github", "organizations", "allow")}
    named = list_at(effective, *AUTH, "github", "users", "allow")
    for path, group in (*offered_to(effective), *roles):
        denied = next(filter(None, (_denial(group, way, effective) for way in _LISTS)), "")
        if denied:
            yield path, f"none of {group} can log in, for {denied} keeps them out; remove it from one of the two"
        elif allowed and not named and _organization(group) not in allowed:
            organizations = dotted((*AUTH, "github", "organizations", "allow"))
            sentence = f"{organizations} lets in nobody of {group}, so only who is in one of those too has a use for it"
            yield path, f"{sentence}; correct the name, or let {group} in, unless that is meant"


def _denial(entry: str, way: str, effective: JsonMap) -> str:
    """The key that keeps members of `entry` out."""
    lists: KeyPath = (*AUTH, way, _LISTS[way], "deny")
    for index, denied in enumerate(list_at(effective, *lists)):
        # A member of a team is one of the organisation.
        whole = {entry.casefold(), _organization(entry)} if way == "github" else {entry}
        if (str(denied).casefold() if way == "github" else denied) in whole:
            return dotted((*lists, index))
    return ""


def _organization(entry: str) -> str:
    return entry.partition(":")[0].casefold()


RULES: tuple[Rule, ...] = (nobody_is_allowed_and_denied,)
WARNINGS: tuple[Rule, ...] = (groups_have_members_who_log_in, allowed_people_are_not_blocked)
