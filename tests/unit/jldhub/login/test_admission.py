"""Decisions from memberships."""

import asyncio

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


def unwell(*members: str, outage: str) -> IsMember:
    async def is_member(rule: Rule) -> bool:
        if str(rule) == outage:
            raise ConnectionError(outage)
        return str(rule) in members

    return is_member


async def test_an_outage_is_neither_a_membership_nor_none() -> None:
    for asked in (refuse_denied, require_allowed):
        with pytest.raises(ConnectionError):
            await asked("GitHub", "ada", RULES, unwell(outage="lsst"))
    # What is known decides, whatever else cannot be asked.
    await require_allowed("GitHub", "ada", RULES, unwell("lsst-sqre:friends", outage="lsst"))
    with pytest.raises(AdmissionDenied, match="member of lsst-sqre:friends"):
        await refuse_denied("GitHub", "ada", RULES, unwell("lsst-sqre:friends", outage="lsst"))


async def test_all_rules_are_asked_at_once() -> None:
    rules = [Rule(f"org-{n}") for n in range(20)]
    everybody_asks = asyncio.Barrier(len(rules))

    async def is_member(rule: Rule) -> bool:
        await everybody_asks.wait()
        return rule == rules[-1]

    async with asyncio.timeout(30):
        await require_allowed("GitHub", "ada", rules, is_member)
        with pytest.raises(AdmissionDenied):
            await refuse_denied("GitHub", "ada", rules, is_member)
