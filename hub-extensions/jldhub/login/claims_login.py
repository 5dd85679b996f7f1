"""Login with a provider that sends claims.

Allow and deny lists are of groups; UIDs and GIDs come from claims or from the hub.
"""

from typing import Any

from tornado import web
from traitlets import Bool, List, Unicode

from jldhub.identity import MOST_GROUPS, Group, Identity, IdentityError, identity_to_state, is_usable_id
from jldhub.login import claims
from jldhub.login.admission import IsMember, MembershipUnknown, Rule, refuse_denied, require_allowed
from jldhub.login.people import Account, People, Person
from jldhub.login.provider import AuthModel, ProviderLogin
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
        try:
            self.check_claims(user_info)
            return claims.username(super().user_info_to_username(user_info))
        except IdentityError as error:
            raise self._forbidden(str(error)) from error
        except (web.HTTPError, ValueError) as error:
            if isinstance(error, Refusal):
                raise
            raise self._forbidden("Your login has no claim with a user name. Tell an administrator.") from error

    def check_claims(self, user_info: dict[str, Any]) -> None:
        """Raises IdentityError for claims that would make oauthenticator raise an unrelated exception.

        For subclasses.
        """

    def account(self, model: AuthModel) -> Account:
        received = self._claims(model)
        login = claims.username(self.user_info_to_username(received))
        return Account(
            self.provider,
            claims.subject(received, self.subject_claim),
            self.normalize_username(login),
            claims.unix_id(received, self.uid_claim),
        )

    def verify(self, model: AuthModel, person: Person, people: People) -> None:
        gid = claims.unix_id(self._claims(model), self.gid_claim)
        if gid is not None and gid != person.uid and people.is_reserved_id(gid):
            raise IdentityError(f"Your login has {gid} as {self.gid_claim}, which belongs to somebody else here.")

    def describe(self, model: AuthModel, person: Person, people: People) -> AuthModel:
        received = self._claims(model)
        gid = claims.unix_id(received, self.gid_claim)
        return identity_to_state(
            Identity(
                uid=person.uid,
                gid=gid or person.uid,
                groups=self._groups(received, people),
                name=claims.text(received, self.name_claim) or person.name,
                email=claims.text(received, self.email_claim),
            )
        )

    async def require_not_denied(self, model: AuthModel) -> None:
        rules = [Rule(name) for name in self.deny_groups]
        await refuse_denied(self.login_service, self._login(model), rules, self._membership_check(model))

    async def require_admitted(self, model: AuthModel) -> None:
        if self.admit_all:
            return
        rules = [Rule(name) for name in self.allow_groups]
        await require_allowed(self.login_service, self._login(model), rules, self._membership_check(model))

    def _membership_check(self, model: AuthModel) -> IsMember:
        groups = claims.groups(self._claims(model), self.groups_claim)
        names = None if groups is None else {group.name.casefold() for group in groups}

        async def is_member(rule: Rule) -> bool:
            if names is None:
                raise MembershipUnknown(f"your login has no readable claim {self.groups_claim}")
            return rule.organization.casefold() in names

        return is_member

    def _groups(self, received: claims.Claims, people: People) -> tuple[Group, ...]:
        """The supplementary groups of a lab.

        Groups of the allow list come first, because at most `MOST_GROUPS` are used.
        """
        allowed = {name.casefold() for name in self.allow_groups}
        claimed = sorted(
            claims.groups(received, self.groups_claim) or (),
            key=lambda group: (group.name.casefold() not in allowed, group.name.casefold()),
        )
        groups: dict[int, Group] = {}
        for group in claimed:
            gid = group.gid
            if gid is None:
                gid = people.group_gid(self.provider, group.name.casefold())
            elif people.is_reserved_id(gid) or not is_usable_id(gid):
                continue  # a person's UID, whose files the group could access, or an ID that the hub assigns
            groups.setdefault(gid, Group(group.name, gid))
            if len(groups) == MOST_GROUPS:
                break
        return tuple(groups.values())

    def _claims(self, model: AuthModel) -> dict[str, Any]:
        received: dict[str, Any] = model["auth_state"][self.user_auth_state_key]
        return received

    def _login(self, model: AuthModel) -> str:
        return claims.text(self._claims(model), self.email_claim) or str(model["name"])
