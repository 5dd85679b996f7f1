"""The POSIX identity of a person in a lab: UID, GIDs and names."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jldhub.settings.login import Auth

AUTH_STATE_KEY = "jld"  # the key in JupyterHub's auth state for what JLD records at a login
REFUSED = "refused"  # below it: why the last check of a session ended it, a sentence for the person
# Lower UIDs and GIDs belong to system users and groups, whose files a person must not own by accident.
LOWEST_ID = 1000
HIGHEST_ID = 2**31 - 1
# GitHub numbers teams separately from accounts and organizations, so a team's ID may equal an account's. The GID of a
# team is its ID plus this offset. Accounts and organizations have IDs below it.
FIRST_TEAM_ID = 1_500_000_000
# AUTH_SYS of NFS carries at most sixteen supplementary groups (RFC 5531, appendix A) and silently drops the others.
MOST_GROUPS = 16
_FIRST_TRIAL_ID = 100_000


class IdentityError(Exception):
    """A login carries no usable identity. The message is shown to the person who logs in."""


@dataclass(frozen=True)
class Group:
    """A supplementary group of a lab's processes."""

    name: str
    gid: int


@dataclass(frozen=True)
class Identity:
    """A lab's UID, primary GID and supplementary groups, and the name and e-mail address for git commits.

    `memberships` are all groups as settings name them. They may be more than NFS carries as supplementary groups, and a GitHub
    team is `organization:team`.
    """

    uid: int
    gid: int
    groups: tuple[Group, ...]
    name: str
    email: str
    memberships: tuple[str, ...] = ()


def group_key(name: str) -> str:
    """A group's name for comparison: the same in any case, in any composition of accents, and as Keycloak's path `/name`."""
    return unicodedata.normalize("NFKC", name).casefold().strip().strip("/")


def blocked_sentence(username: str) -> str:
    """What somebody reads who is in `hub.auth.blocked`."""
    return f"{username} is blocked here. Ask an administrator of this site."


def lab_identity(auth: Auth, auth_state: Mapping[str, Any] | None, username: str, user_id: int) -> Identity:
    """The identity that a lab runs as, for the login method of `auth`. Raises IdentityError.

    `user_id` is the ID of the user in JupyterHub's database. Only the dummy login uses it.
    """
    if username in auth.blocked:  # an administrator may start labs for others
        raise IdentityError(blocked_sentence(username))
    recorded = (auth_state or {}).get(AUTH_STATE_KEY)
    if isinstance(recorded, Mapping) and recorded.get(REFUSED):
        raise IdentityError(str(recorded[REFUSED]))
    if auth.github:
        return github_identity(auth_state, teams_as_groups=auth.github.teams_as_groups)
    if auth.dummy:
        return dummy_identity(username, user_id)
    return identity_from_state(recorded)


def github_identity(auth_state: Mapping[str, Any] | None, *, teams_as_groups: bool = True) -> Identity:
    """UID and GID are the GitHub account's ID. Organizations are supplementary groups, and so are teams if they were read.

    Without `teams_as_groups` teams were read for sizes alone. Raises IdentityError.
    """
    state = auth_state or {}
    profile = state.get("github_user")
    if not isinstance(profile, Mapping):
        raise IdentityError("The hub no longer knows who you are at GitHub. Log out and log in again.")
    uid = profile.get("id")
    if not isinstance(uid, int) or not _is_github_id(uid):
        raise IdentityError(f"Your GitHub account has the number {uid!r}, which cannot be a user number in a lab.")
    organizations = [
        Group(str(entry.get("login")), entry["id"])
        for entry in state.get("organizations") or []
        if _is_github_id(entry.get("id"))
    ]
    teams = [
        Group(f"{entry.get('organization')}_{entry.get('slug')}", FIRST_TEAM_ID + entry["id"])
        for entry in state.get("teams") or []
        if _is_integer(entry.get("id")) and 0 < entry["id"] <= HIGHEST_ID - FIRST_TEAM_ID
    ]
    return Identity(
        uid=uid,
        gid=uid,
        groups=tuple([*_by_gid(organizations), *(_by_gid(teams) if teams_as_groups else ())][:MOST_GROUPS]),
        name=profile.get("name") or profile.get("login") or "",
        email=profile.get("email") or "",
        memberships=(
            *(str(entry["login"]) for entry in state.get("organizations") or [] if entry.get("login")),
            *(f"{entry['organization']}:{entry['slug']}" for entry in state.get("teams") or [] if entry.get("slug")),
        ),
    )


def identity_from_state(recorded: object) -> Identity:
    """The identity that `identity_to_state` recorded at the login.

    Raises IdentityError when it is missing or incomplete.
    """
    if not isinstance(recorded, Mapping) or not {"uid", "gid", "groups", "name", "email"} <= recorded.keys():
        raise IdentityError("The hub no longer knows who you are. Log out and log in again.")
    groups = tuple(Group(str(group["name"]), int(group["gid"])) for group in recorded["groups"])
    memberships = recorded.get("memberships", [group.name for group in groups])  # an older login has none
    return Identity(
        uid=int(recorded["uid"]),
        gid=int(recorded["gid"]),
        groups=groups,
        name=str(recorded["name"]),
        email=str(recorded["email"]),
        memberships=tuple(map(str, memberships)),
    )


def identity_to_state(identity: Identity) -> dict[str, Any]:
    """The identity as JSON types, for JupyterHub's auth state."""
    groups = [{"name": group.name, "gid": group.gid} for group in identity.groups]
    return {
        "uid": identity.uid,
        "gid": identity.gid,
        "groups": groups,
        "name": identity.name,
        "email": identity.email,
        "memberships": list(identity.memberships),
    }


def dummy_identity(username: str, user_id: int) -> Identity:
    """For local trials: UID and GID are the user's ID in JupyterHub's database plus 100000, clear of system users."""
    uid = _FIRST_TRIAL_ID + user_id
    return Identity(uid=uid, gid=uid, groups=(), name=username, email="")


def is_usable_id(value: object) -> bool:
    """Whether `value` may be a person's UID or a group's GID."""
    return isinstance(value, int) and _is_integer(value) and LOWEST_ID <= value <= HIGHEST_ID


def _is_github_id(value: object) -> bool:
    """Whether the ID of a GitHub account or organization may be a UID or GID."""
    return isinstance(value, int) and is_usable_id(value) and value < FIRST_TEAM_ID


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _by_gid(groups: Iterable[Group]) -> list[Group]:
    """Each GID once, in ascending order."""
    by_gid = {group.gid: group for group in groups}
    return [by_gid[gid] for gid in sorted(by_gid)]
