"""Login with a provider that sends claims.

Allow and deny lists are of groups; UIDs and GIDs come from claims or from the hub.
"""

from collections.abc import Iterable
from typing import Any

from tornado import web
from traitlets import Bool, List, Unicode

from jldhub.identity import (
    AUTH_STATE_KEY,
    MOST_GROUPS,
    Group,
    Identity,
    IdentityError,
    group_key,
    identity_from_state,
    identity_to_state,
)
from jldhub.login.admission import MembershipUnknown, Rule, refuse_denied, require_allowed
from jldhub.login.claims import values
from jldhub.login.claims.groups import ClaimedGroups, claimed_groups
from jldhub.login.people import Account, People, Person
from jldhub.login.provider.login import ProviderLogin
from jldhub.login.provider.requests import AuthModel
from jldhub.login.usernames import LoginName, login_name
from jldhub.support.refusal import Refusal


class ClaimsLogin(ProviderLogin):
    """A mix-in for oauthenticator's classes whose userinfo response has claims, as in OpenID Connect."""

    provider = Unicode(help="The name under which people of this provider are recorded. It must never change.").tag(
        config=True
    )
    subject_claim = Unicode("sub", help="The claim with a person's stable identifier.").tag(config=True)
    uid_claim = Unicode(
        help="The claim with the UID. Where it is empty, or missing in a login, the hub assigns one."
    ).tag(config=True)
    gid_claim = Unicode(help="The claim with the GID of the person's primary group.").tag(config=True)
    name_claim = Unicode("name", help="The claim with the full name.").tag(config=True)
    email_claim = Unicode("email", help="The claim with the e-mail address.").tag(config=True)
    groups_claim = Unicode(help="The claim with the groups.").tag(config=True)
    admit_all = Bool(False, help="Whether everybody who can log in at the provider is admitted.").tag(config=True)
    allow_groups = List(Unicode(), help="Groups whose members are admitted.").tag(config=True)
    deny_groups = List(Unicode(), help="Groups whose members are never admitted.").tag(config=True)

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """Raises a Refusal (403) for a claim that is missing or no text. oauthenticator raises a server error."""
        return self._login_name(user_info).name

    def _login_name(self, user_info: dict[str, Any]) -> LoginName:
        try:
            self.check_claims(user_info)
            claim = self.claim_of_name(user_info)
            if claim:
                user_info.setdefault(claim, values.find(user_info, claim))
            # Not on a copy: Google's class keeps there what it reads again.
            return login_name(super().user_info_to_username(user_info))
        except IdentityError as error:
            raise self._forbidden(str(error)) from error
        except (web.HTTPError, ValueError) as error:
            if isinstance(error, Refusal):
                raise
            raise self._forbidden("Your login has no claim with a user name. Tell an administrator.") from error

    def claim_of_name(self, user_info: dict[str, Any]) -> str:
        """The claim with the user name, or its path. Empty where a function computes the name. For subclasses."""
        return self.username_claim if isinstance(self.username_claim, str) else ""

    def check_claims(self, user_info: dict[str, Any]) -> None:
        """Raises IdentityError for claims that would make oauthenticator raise an unrelated exception.

        For subclasses.
        """

    def account(self, model: AuthModel) -> Account:
        received = self._claims(model)
        login = self._login_name(received)
        return Account(
            self.provider,
            values.subject(received, self.subject_claim),
            self.normalize_username(login.name),
            values.unix_id(received, self.uid_claim),
            others_names=frozenset() if login.exact else frozenset(self.allowed_users),
        )

    def verify(self, model: AuthModel, person: Person, people: People) -> None:
        gid = values.unix_id(self._claims(model), self.gid_claim)
        if gid is not None and gid != person.uid and people.reserved_ids([gid]):
            raise IdentityError(f"Your login has {gid} as {self.gid_claim}, which belongs to somebody else here.")
        # Without a claim the UID is the GID, too. Whoever is recorded already was first; then it is no group's.
        if gid is None and people.find(self.account(model)) is None and people.is_group_gid(person.uid):
            raise IdentityError(
                f"Your user number {person.uid} is the number of a group, whose files your own group would be given. "
                "An administrator has to name the claim with your group number (claims.gid)."
            )

    def describe(self, model: AuthModel, person: Person, people: People) -> AuthModel:
        received = self._claims(model)
        gid = values.unix_id(received, self.gid_claim)
        return identity_to_state(
            Identity(
                uid=person.uid,
                gid=gid or person.uid,
                groups=self._groups(received, people),
                name=values.text(received, self.name_claim) or person.name,
                email=values.text(received, self.email_claim),
                memberships=tuple(group.name for group in claimed_groups(received, self.groups_claim).groups),
            )
        )

    def memberships(self, model: AuthModel) -> Iterable[str]:
        return identity_from_state(model["auth_state"][AUTH_STATE_KEY]).memberships

    async def require_not_denied(self, model: AuthModel) -> None:
        claimed = self._claimed_groups(model)

        async def is_member(rule: Rule) -> bool:
            key = group_key(rule.organization)
            if any(group.key == key for group in claimed.groups):
                return True
            if claimed.unread:
                raise MembershipUnknown(claimed.unread)
            if listed := [group.name for group in claimed.groups if key in group.words]:
                raise MembershipUnknown(f"the group {listed[0][:80]!r} of your login may be several")
            return False

        # The text of a rule may hold colons: groups of claims have no teams.
        rules = [Rule(name) for name in self.deny_groups]
        await refuse_denied(self.login_service, self._login(model), rules, is_member)

    async def require_admitted(self, model: AuthModel) -> None:
        if self.admit_all:
            return
        claimed = self._claimed_groups(model)

        async def is_member(rule: Rule) -> bool:
            if any(group.key == group_key(rule.organization) for group in claimed.groups):
                return True
            if claimed.unread:
                raise MembershipUnknown(claimed.unread)
            return False

        rules = [Rule(name) for name in self.allow_groups]
        await require_allowed(self.login_service, self._login(model), rules, is_member)

    def _claimed_groups(self, model: AuthModel) -> ClaimedGroups:
        return claimed_groups(self._claims(model), self.groups_claim)

    def _groups(self, received: values.Claims, people: People) -> tuple[Group, ...]:
        """The supplementary groups of a lab.

        Groups of the allow list come first, because at most `MOST_GROUPS` are used.
        """
        allowed = {group_key(name) for name in self.allow_groups}
        claimed = sorted(
            claimed_groups(received, self.groups_claim).groups,
            key=lambda group: (group.key not in allowed, group.name.casefold()),
        )
        # Not a person's UID, whose files the group could access, and not an ID that the hub assigns.
        reserved = people.reserved_ids([group.gid for group in claimed if group.gid])
        own = {group.key: group.gid for group in claimed if group.gid and group.gid not in reserved}
        people.record_gids(self.provider, own)
        groups: dict[int, Group] = {}
        for group in claimed:
            if group.gid and group.key not in own:
                continue
            gid = own.get(group.key) or people.group_gid(self.provider, group.name.casefold())
            groups.setdefault(gid, Group(group.name, gid))
            if len(groups) == MOST_GROUPS:
                break
        return tuple(groups.values())

    def _claims(self, model: AuthModel) -> dict[str, Any]:
        received: dict[str, Any] = model["auth_state"][self.user_auth_state_key]
        return received

    def _login(self, model: AuthModel) -> str:
        return values.text(self._claims(model), self.email_claim) or str(model["name"])
