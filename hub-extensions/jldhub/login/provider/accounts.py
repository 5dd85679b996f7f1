"""Who an account at a provider is here: what each provider's class implements, and what is recorded of an admitted person."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from traitlets import Integer, List, Unicode

from jldhub.identity import AUTH_STATE_KEY, IdentityError, group_key
from jldhub.login.admission import AdmissionDenied
from jldhub.login.people import FIRST_ID, LAST_ID, Account, IdRange, IdsExhausted, People, Person, UidTaken
from jldhub.login.provider.requests import AuthModel, ProviderRequests
from jldhub.login.usernames import ReservedUsername

LOGIN_ERRORS = (IdentityError, ReservedUsername, UidTaken, IdsExhausted, AdmissionDenied)


class ProviderAccounts(ProviderRequests):
    """Subclasses implement how to read their provider's responses."""

    first_id = Integer(FIRST_ID, help="The first UID for people whose provider has none.").tag(config=True)
    last_id = Integer(LAST_ID, help="The last such UID.").tag(config=True)

    role_groups = List(Unicode(), help="Groups of the login that are groups of JupyterHub's, for roles.").tag(
        config=True
    )

    def account(self, model: AuthModel) -> Account:
        """The account at the provider. Raises IdentityError."""
        raise NotImplementedError

    async def require_admitted(self, model: AuthModel) -> None:
        """Raises AdmissionDenied unless a rule allows this person. Not called for people who are allowed by name."""
        raise NotImplementedError

    async def require_not_denied(self, model: AuthModel) -> None:
        """Raises AdmissionDenied for somebody whom a rule denies."""

    def verify(self, model: AuthModel, person: Person, people: People) -> None:
        """Raises IdentityError for an identity that conflicts with a recorded one. Runs before anything is recorded."""

    def describe(self, model: AuthModel, person: Person, people: People) -> AuthModel:
        """Further entries of the auth state below AUTH_STATE_KEY, for `lab_identity`. Runs after admission."""
        return {}

    def memberships(self, model: AuthModel) -> Iterable[str]:
        """The person's groups as settings name them. Asked after admission, when the auth state is complete."""
        raise NotImplementedError

    def get_user_groups(self, auth_state: Mapping[str, Any]) -> set[str]:
        """None of what oauthenticator would find: `record_login` says them."""
        return set()

    def record_login(self, model: AuthModel, people: People) -> None:
        """Record the name and UID of an admitted person, and in the auth state who they are. Raises one of LOGIN_ERRORS."""
        person = people.record(self.account(model))
        if person.name != model["name"]:
            raise AdmissionDenied("Somebody else with your name logged in at the same moment. Log in again.")
        described = self.describe(model, person, people)
        model["auth_state"][AUTH_STATE_KEY] = {**described, "uid": person.uid, "checked": time.time()}
        if self.manage_groups:
            own = set(map(group_key, self.memberships(model)))
            model["groups"] = [group for group in self.role_groups if group_key(group) in own]

    def people(self, db: Any) -> People:
        """Everybody who is recorded in the hub's database."""
        return People(db, IdRange(self.first_id, self.last_id))
