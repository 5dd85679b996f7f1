"""Who somebody is inside a lab."""

from typing import Any

import pytest
from jldhub.identity import (
    AUTH_STATE_KEY,
    FIRST_TEAM_ID,
    REFUSED,
    Group,
    Identity,
    IdentityError,
    dummy_identity,
    github_identity,
    identity_from_state,
    identity_to_state,
    lab_identity,
)
from jldhub.labs.etc_files import group_file
from jldhub.settings.login import Auth

USERS = {"users": {"allow": ["ada"]}}
GITHUB = {"github": {"clientId": "x", **USERS}}
OTHER = {"other": {"class": "generic-oauth", "clientId": "x", **USERS}}


def auth_state(**profile: Any) -> dict[str, Any]:
    return {
        "github_user": {"login": "Ada", "id": 4000001, "name": "Ada Lovelace", "email": "ada@example.org"} | profile
    }


def test_the_number_of_the_account_is_user_and_group() -> None:
    organizations = [{"login": "lsst-sqre", "id": 5000002}, {"login": "lsst", "id": 5000001}]
    assert github_identity({**auth_state(), "organizations": organizations}) == Identity(
        uid=4000001,
        gid=4000001,
        groups=(Group("lsst", 5000001), Group("lsst-sqre", 5000002)),
        name="Ada Lovelace",
        email="ada@example.org",
        memberships=("lsst-sqre", "lsst"),
    )


def test_a_profile_without_name_and_address_is_enough() -> None:
    identity = github_identity(auth_state(name=None, email=None))
    assert (identity.name, identity.email, identity.groups) == ("Ada", "", ())


@pytest.mark.parametrize("number", [0, 7, 999, -4, 2**31, 2**40, True, None, "4000001", 1.5])
def test_a_number_that_is_no_persons_is_refused(number: object) -> None:
    with pytest.raises(IdentityError, match="cannot be a user number in a lab"):
        github_identity(auth_state(id=number))


@pytest.mark.parametrize("state", [None, {}, {"github_user": None}])
def test_a_login_whose_state_is_lost_is_refused(state: dict[str, Any] | None) -> None:
    with pytest.raises(IdentityError, match="Log out and log in again"):
        github_identity(state)


def test_no_more_groups_than_nfs_carries_and_no_system_group() -> None:
    organizations = [{"login": f"org{n}", "id": 10_000 - n} for n in range(40)] + [{"login": "wheel", "id": 10}]
    gids = [group.gid for group in github_identity({**auth_state(), "organizations": organizations}).groups]
    assert gids == sorted(gids) == list(range(9961, 9977))
    assert len(github_identity({**auth_state(), "organizations": organizations}).memberships) == 41, (
        "for sizes all count"
    )


def test_a_trial_login_gets_a_number_far_from_those_of_systems() -> None:
    assert dummy_identity("alice", 3) == Identity(uid=100003, gid=100003, groups=(), name="alice", email="")


def test_teams_are_groups_whose_numbers_are_nobodys_account() -> None:
    """GitHub counts teams apart: a team may have the number of a person."""
    state = {
        **auth_state(),
        "organizations": [{"login": "lsst", "id": 5000001}],
        "teams": [
            {"organization": "lsst", "slug": "friends", "id": 4000001},
            {"organization": "lsst", "slug": "odd", "id": True},
            {"organization": "lsst", "slug": "far", "id": 2**31},
        ],
    }
    identity = github_identity(state)
    assert identity.groups == (Group("lsst", 5000001), Group("lsst_friends", FIRST_TEAM_ID + 4000001))
    assert identity.memberships == ("lsst", "lsst:friends", "lsst:odd", "lsst:far")
    assert github_identity(state, teams_as_groups=False).groups == (Group("lsst", 5000001),)
    assert github_identity(state, teams_as_groups=False).memberships == identity.memberships


def test_an_account_with_the_number_of_a_teams_group_is_refused() -> None:
    with pytest.raises(IdentityError, match="cannot be a user number"):
        github_identity(auth_state(id=FIRST_TEAM_ID))


def test_long_names_of_groups_are_shortened_and_stay_apart() -> None:
    long = "an-organization-with-a-very-long-name"
    state = {
        **auth_state(),
        "organizations": [{"login": long, "id": 5000001}],
        "teams": [
            {"organization": long, "slug": slug, "id": n}
            for n, slug in enumerate(("astronomers-a", "astronomers-b"), 1001)
        ],
    }
    names = [line.split(":")[0] for line in group_file(github_identity(state), "ada").splitlines()]
    assert names == [
        "root",
        "nogroup",
        "ada",
        "an-organization-with-a-v-5000001",
        "an-organization-with--1500001001",
        "an-organization-with--1500001002",
    ]
    assert max(map(len, names)) == 32


def test_what_is_remembered_is_read_back() -> None:
    identity = Identity(50001, 60001, (Group("lsst", 70001),), "Jane", "jane@uni.edu", ("lsst", "x"))
    assert identity_from_state(identity_to_state(identity)) == identity


@pytest.mark.parametrize("known", [None, {}, {"uid": 5}, []])
def test_who_is_not_remembered_logs_in_again(known: object) -> None:
    with pytest.raises(IdentityError, match="Log out and log in again"):
        identity_from_state(known)


@pytest.mark.parametrize("auth", [GITHUB, OTHER], ids=["github", "other"])
def test_whom_the_last_check_refused_has_no_identity(auth: dict[str, Any]) -> None:
    recorded = {"uid": 4000001, "gid": 4000001, "groups": [], "name": "", "email": ""}
    chosen = Auth.model_validate(auth)
    assert lab_identity(chosen, {**auth_state(), AUTH_STATE_KEY: recorded}, "ada", 1).uid == 4000001
    with pytest.raises(IdentityError, match="Ada left"):
        lab_identity(chosen, {**auth_state(), AUTH_STATE_KEY: {**recorded, REFUSED: "Ada left."}}, "ada", 1)
