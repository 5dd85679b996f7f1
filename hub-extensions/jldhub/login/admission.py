"""Allow and deny rules for organizations, teams and groups, and the decision from memberships. Does no I/O itself."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self


class MembershipUnknown(Exception):
    """Whether somebody is a member could not be read. The message says why."""


class AdmissionDenied(Exception):
    """This person is not admitted. The message is shown to them."""


@dataclass(frozen=True)
class Rule:
    """An entry of an allow or deny list: `org`, or `org:team`."""

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
    """Raises AdmissionDenied for a member of any rule in `deny`. A membership that cannot be read counts as one.

    `provider` and `login` appear in the message only.
    """
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
    """Raises AdmissionDenied unless one rule in `allow` has this person as a member.

    A membership that cannot be read counts as none, and the message mentions it.
    """
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
