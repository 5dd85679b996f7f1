"""Who somebody is inside a lab: the numbers and names that files and processes carry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jldhub.settings.login import Auth

AUTH_STATE_KEY = "jld"  # below it in JupyterHub's auth state stands what the hub itself wrote down at a login
# Below lie the users and groups of operating systems, whose files a person must not own by accident.
LOWEST_ID = 1000
HIGHEST_ID = 2**31 - 1
# GitHub counts teams apart from accounts and organizations, so a team may have the number of somebody's account. As groups,
# teams get their numbers above this one, and accounts and organizations keep theirs below.
FIRST_TEAM_ID = 1_500_000_000
# NFS carries sixteen groups with a request and drops the rest without a word.
MOST_GROUPS = 16
_FIRST_TRIAL_ID = 100_000


class IdentityError(Exception):
    """A login carries no usable identity. The sentence is for the person who logs in."""


@dataclass(frozen=True)
class Group:
    name: str
    gid: int


@dataclass(frozen=True)
class Identity:
    uid: int
    gid: int
    groups: tuple[Group, ...]
    name: str
    email: str


def lab_identity(auth: Auth, auth_state: Mapping[str, Any] | None, username: str, user_id: int) -> Identity:
    """Who a lab runs as, by the way in which people log in here. Raises IdentityError."""
    if auth.github:
        return github_identity(auth_state)
    if auth.dummy:
        return dummy_identity(username, user_id)
    return identity_from_state((auth_state or {}).get(AUTH_STATE_KEY))


def github_identity(auth_state: Mapping[str, Any] | None) -> Identity:
    """The account's number is user and group; its organizations are further groups, and its teams when they were asked for."""
    state = auth_state or {}
    profile = state.get("github_user")
    if not isinstance(profile, Mapping):
        raise IdentityError("The hub no longer knows who you are at GitHub. Log out and log in again.")
    uid = profile.get("id")
    if not isinstance(uid, int) or not _is_account(uid):
        raise IdentityError(f"Your GitHub account has the number {uid!r}, which cannot be a user number in a lab.")
    organizations = [
        Group(str(entry.get("login")), entry["id"])
        for entry in state.get("organizations") or []
        if _is_account(entry.get("id"))
    ]
    teams = [
        Group(f"{entry.get('organization')}_{entry.get('slug')}", FIRST_TEAM_ID + entry["id"])
        for entry in state.get("teams") or []
        if _is_number(entry.get("id")) and 0 < entry["id"] <= HIGHEST_ID - FIRST_TEAM_ID
    ]
    return Identity(
        uid=uid,
        gid=uid,
        groups=tuple([*_by_number(organizations), *_by_number(teams)][:MOST_GROUPS]),
        name=profile.get("name") or profile.get("login") or "",
        email=profile.get("email") or "",
    )


def identity_from_state(known: object) -> Identity:
    """What the hub wrote down at the login: `remember` made it. Raises IdentityError when there is nothing."""
    if not isinstance(known, Mapping) or not {"uid", "gid", "groups", "name", "email"} <= known.keys():
        raise IdentityError("The hub no longer knows who you are. Log out and log in again.")
    groups = tuple(Group(str(group["name"]), int(group["gid"])) for group in known["groups"])
    return Identity(int(known["uid"]), int(known["gid"]), groups, str(known["name"]), str(known["email"]))


def identity_to_state(identity: Identity) -> dict[str, Any]:
    """For the hub's database, where everything is JSON."""
    groups = [{"name": group.name, "gid": group.gid} for group in identity.groups]
    return {
        "uid": identity.uid,
        "gid": identity.gid,
        "groups": groups,
        "name": identity.name,
        "email": identity.email,
    }


def dummy_identity(username: str, user_id: int) -> Identity:
    """For local trials: a number of our own, far from those of systems."""
    uid = _FIRST_TRIAL_ID + user_id
    return Identity(uid=uid, gid=uid, groups=(), name=username, email="")


def is_usable_id(value: object) -> bool:
    """Whether a person or a group may have this number."""
    return isinstance(value, int) and _is_number(value) and LOWEST_ID <= value <= HIGHEST_ID


def _is_account(value: object) -> bool:
    return isinstance(value, int) and is_usable_id(value) and value < FIRST_TEAM_ID


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _by_number(groups: Iterable[Group]) -> list[Group]:
    """Each number once, the lowest first."""
    once = {group.gid: group for group in groups}
    return [once[gid] for gid in sorted(once)]
