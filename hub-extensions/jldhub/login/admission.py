"""Rules about organizations, teams and groups, and what is decided from memberships. No network here."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self


class MembershipUnknown(Exception):
    """Whether somebody is a member could not be read. The sentence says why."""


class AdmissionDenied(Exception):
    """This person is not let in. The sentence is for them."""


@dataclass(frozen=True)
class Rule:
    """`org`, or `org:team`."""

    organization: str
    team: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        organization, _, team = text.partition(":")
        return cls(organization, team or None)

    def __str__(self) -> str:
        return f"{self.organization}:{self.team}" if self.team else self.organization


IsMember = Callable[[Rule], Awaitable[bool]]


async def refuse_denied(provider: str, login: str, deny: Sequence[Rule], is_member: IsMember) -> None:
    """A denied organization wins over everything, and one that cannot be read counts as denied."""
    for rule in deny:
        try:
            member = await is_member(rule)
        except MembershipUnknown as unknown:
            raise AdmissionDenied(
                f"You are signed in to {provider} as {login}, but members of {rule} are not let in here, "
                f"and whether you are one could not be read: {str(unknown).rstrip('.')}."
            ) from unknown
        if member:
            raise AdmissionDenied(
                f"You are signed in to {provider} as {login}, but {login} is a member of {rule}, "
                "whose members are not let in."
            )


async def require_allowed(provider: str, login: str, allow: Sequence[Rule], is_member: IsMember) -> None:
    """One membership is enough. One that cannot be read is none, but the refusal tells about it."""
    unread: list[str] = []
    for rule in allow:
        try:
            if await is_member(rule):
                return
        except MembershipUnknown as unknown:
            unread.append(f"Whether you belong to {rule} could not be read: {str(unknown).rstrip('.')}.")
    wanted = f"is not a member of: {', '.join(map(str, allow))}" if allow else "is not one of the people who are let in"
    sentence = f"You are signed in to {provider} as {login}, but {login} {wanted}."
    raise AdmissionDenied(" ".join([sentence, *unread]))
