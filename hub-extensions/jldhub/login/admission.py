"""Allow and deny rules for organizations, teams and groups, and the decision from memberships. Does no I/O itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
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

    `provider` and `login` appear in the message only. Any other exception of `is_member` is raised.
    """
    answers = await _ask(deny, is_member)
    for rule, answer in answers.items():
        if answer is True:
            raise AdmissionDenied(
                f"You are signed in to {provider} as {login}, but {login} is a member of {rule}, "
                "whose members are not let in."
            )
        if isinstance(answer, MembershipUnknown):
            raise AdmissionDenied(
                f"You are signed in to {provider} as {login}, but members of {rule} are not let in here, "
                f"and whether you are one could not be read: {str(answer).rstrip('.')}."
            ) from answer
    _raise_others(answers)


async def require_allowed(provider: str, login: str, allow: Sequence[Rule], is_member: IsMember) -> None:
    """Raises AdmissionDenied unless one rule in `allow` has this person as a member.

    A membership that cannot be read counts as none, and the message mentions it. Any other exception of `is_member` is raised
    unless another rule allows the person.
    """
    answers = await _ask(allow, is_member)
    if True in answers.values():
        return
    _raise_others(answers)
    unread = [
        f"Whether you belong to {rule} could not be read: {str(answer).rstrip('.')}."
        for rule, answer in answers.items()
        if isinstance(answer, MembershipUnknown)
    ]
    wanted = f"is not a member of: {', '.join(map(str, allow))}" if allow else "is not one of the people who are let in"
    sentence = f"You are signed in to {provider} as {login}, but {login} {wanted}."
    raise AdmissionDenied(" ".join([sentence, *unread]))


async def _ask(rules: Sequence[Rule], is_member: IsMember) -> dict[Rule, bool | BaseException]:
    """The answers for all rules, asked at once: one after the other, a login would take as long as the list."""
    answers = await asyncio.gather(*map(is_member, rules), return_exceptions=True)
    return dict(zip(rules, answers, strict=True))


def _raise_others(answers: Mapping[Rule, bool | BaseException]) -> None:
    for answer in answers.values():
        if isinstance(answer, BaseException) and not isinstance(answer, MembershipUnknown):
            raise answer
