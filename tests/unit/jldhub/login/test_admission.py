"""Decisions from memberships."""

import pytest
from jldhub.login.admission import AdmissionDenied, IsMember, MembershipUnknown, Rule, refuse_denied, require_allowed


def memberships(*yes: str, unread: tuple[str, ...] = ()) -> IsMember:
    async def is_member(rule: Rule) -> bool:
        if str(rule) in unread:
            raise MembershipUnknown("GitHub answered 403")
        return str(rule) in yes

    return is_member


RULES = [Rule("lsst"), Rule("lsst-sqre", "friends")]


def test_a_rule_is_written_as_it_is_read() -> None:
    assert [Rule.parse("lsst"), Rule.parse("lsst-sqre:friends")] == RULES
    assert [str(rule) for rule in RULES] == ["lsst", "lsst-sqre:friends"]


async def test_one_membership_is_enough() -> None:
    await require_allowed("GitHub", "ada", RULES, memberships("lsst-sqre:friends", unread=("lsst",)))


async def test_no_membership_is_refused() -> None:
    with pytest.raises(AdmissionDenied, match=r"but ada is not a member of: lsst, lsst-sqre:friends\.$"):
        await require_allowed("GitHub", "ada", RULES, memberships())


async def test_an_unread_membership_is_refused_and_told() -> None:
    with pytest.raises(AdmissionDenied, match="Whether you belong to lsst could not be read: GitHub answered 403"):
        await require_allowed("GitHub", "ada", RULES, memberships(unread=("lsst",)))


async def test_without_rules_nobody_is_let_in() -> None:
    with pytest.raises(AdmissionDenied, match="is not one of the people who are let in"):
        await require_allowed("GitHub", "ada", [], memberships())


async def test_a_member_of_a_denied_organization_is_refused() -> None:
    with pytest.raises(AdmissionDenied, match="ada is a member of lsst, whose members are not let in"):
        await refuse_denied("GitHub", "ada", RULES, memberships("lsst"))


async def test_a_denied_organization_that_cannot_be_read_refuses() -> None:
    with pytest.raises(AdmissionDenied, match="could not be read: GitHub answered 403"):
        await refuse_denied("GitHub", "ada", RULES, memberships(unread=("lsst",)))


async def test_whoever_is_in_no_denied_organization_passes() -> None:
    await refuse_denied("GitHub", "ada", RULES, memberships("other"))
