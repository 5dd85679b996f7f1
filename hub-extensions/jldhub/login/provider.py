"""What every login through a provider has in common: who somebody is stays the same, refusals say why, and an outage of the
provider sends nobody away who is in, for as long as the settings say, and lets nobody in.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from oauthenticator.oauth2 import OAuthenticator
from tornado import web
from tornado.httpclient import HTTPClientError, HTTPResponse
from traitlets import Float, Integer, Unicode

from jldhub.identity import IdentityError
from jldhub.login.membership import Refused
from jldhub.login.people import FIRST_NUMBER, LAST_NUMBER, Account, Numbers, NumbersUsedUp, NumberTaken, People, Person
from jldhub.login.provider_errors import UNCHANGED, cannot_be_asked_again, is_outage, said
from jldhub.login.usernames import NameRefused, refuse_reserved
from jldhub.support import login_metrics
from jldhub.support.refusal import Refusal

# The key of what is ours in what the hub remembers of a login.
STATE = "jld"
# While a provider does not answer, running sessions ask it again after this time, so that pages do not wait for it.
_PAUSE_SECONDS = 60

Model = dict[str, Any]


class ProviderUnavailable(Refusal):
    """The provider cannot be asked now. Nobody gets in meanwhile, and nobody who is in is sent away."""

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(
            503, f"{provider} cannot be asked who you are: {reason}. Nobody can log in until it answers; try later."
        )
        self.why = reason


_WHY_REFUSED = (IdentityError, NameRefused, NumberTaken, NumbersUsedUp, Refused)
# oauthenticator turns some failures of a refresh into "log in again"; here stands whether one of them was an outage.
_outages: ContextVar[list[ProviderUnavailable]] = ContextVar("outages")


class ProviderLogin(OAuthenticator):
    """To be mixed into one of oauthenticator's classes. A subclass says how to read its provider's answers."""

    staleness = Float(86_400, help="Seconds for which what the provider said last holds while it cannot be asked.").tag(
        config=True
    )
    first_number = Integer(FIRST_NUMBER, help="The first user number for people whose provider gives none.").tag(
        config=True
    )
    last_number = Integer(LAST_NUMBER, help="The last such number.").tag(config=True)
    provider_address = Unicode(help="What people read as the name of the provider.").tag(config=True)

    _ask_again: float = 0  # monotonic seconds

    # What a subclass says -------------------------------------------------------------------------------------------

    def account(self, model: Model) -> Account:
        """Who logged in, as the provider tells it. Raises IdentityError."""
        raise NotImplementedError

    async def admit(self, model: Model) -> None:
        """Raises Refused for somebody who is not let in by name and by no rule."""
        raise NotImplementedError

    async def refuse(self, model: Model) -> None:
        """Raises Refused for somebody whom a rule keeps out."""

    def verify(self, model: Model, person: Person, people: People) -> None:
        """Raises IdentityError for what cannot be, before anything is written down."""

    def describe(self, model: Model, person: Person, people: People) -> Model:
        """What a lab needs to know of somebody who was let in and the provider's answer alone does not say."""
        return {}

    # A login --------------------------------------------------------------------------------------------------------

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> Any:
        with self._counted():
            try:
                model: Model = await super().authenticate(handler, data, **kwargs)
                account = self.account(model)
                person = self._people(handler.db).find(account)
                if person is None:
                    refuse_reserved(account.login)
                    person = self._people(handler.db).expect(account)
                self.verify(model, person, self._people(handler.db))
            except HTTPClientError as error:
                raise self._refusal(f"{self.login_service} refused this login: {said(error)}. Start again.") from error
            except _WHY_REFUSED as refused:
                raise self._refusal(str(refused)) from refused
            if not self.validate_username(person.name):
                raise self._refusal(
                    f"Your name here would be {person.name[:80]!r}, and names have at most 63 of the characters a-z, 0-9, "
                    "'.', '_' and '-' and begin with a letter or a digit. Tell an administrator."
                )
            model["name"] = person.name
            return model

    async def check_blocked_users(self, username: str, authentication: Model | None = None) -> bool:
        """Runs before `check_allowed`, for everybody: whoever is kept out stays out, let in by name or not."""
        with self._counted():
            try:
                if authentication is not None:
                    await self.refuse(authentication)
            except Refused as refused:
                raise self._refusal(str(refused)) from refused
            return bool(super().check_blocked_users(username, authentication))

    async def check_allowed(self, username: str, auth_model: Model | None) -> bool:
        with self._counted():
            try:
                if not await super().check_allowed(username, auth_model) and auth_model is not None:
                    await self.admit(auth_model)
            except Refused as refused:
                raise self._refusal(str(refused)) from refused
            return True

    async def run_post_auth_hook(self, handler: Any, auth_model: Model) -> Any:
        """Only who was let in is written down, so that strangers take no names."""
        with self._counted():
            try:
                self._remember(auth_model, self._people(handler.db))
            except _WHY_REFUSED as refused:
                raise self._refusal(str(refused)) from refused
            model = await super().run_post_auth_hook(handler, auth_model)
            login_metrics.LOGINS.labels(self.login_service, "admitted").inc()
            return model

    # A session that goes on -------------------------------------------------------------------------------------------

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> Any:
        """Ask again now and then. Whoever is no longer let in is sent to the door; an outage sends nobody for `staleness`."""
        state = await user.get_auth_state() or {}
        if time.monotonic() < self._ask_again:
            return self._keep(user.name, state, "it did not answer a moment ago")
        if cannot_be_asked_again(state):
            return self._keep(user.name, state, "it gives no way to ask again after the login")
        outages: list[ProviderUnavailable] = []
        context = _outages.set(outages)
        try:
            model = await super().refresh_user(user, handler, **kwargs)
            if isinstance(model, dict):
                await self._renew(user, model)
            elif not model and outages:
                raise outages[-1]
        except ProviderUnavailable as outage:
            return self._keep(user.name, state, outage.why)
        except (*_WHY_REFUSED, web.HTTPError) as refused:
            self.log.warning("Ending the session of %s: %s", user.name, refused)
            return False
        finally:
            _outages.reset(context)
        return model

    async def _renew(self, user: Any, model: Model) -> None:
        people, account = self._people(user.db), self.account(model)
        person = people.find(account)
        if person is None:  # from before names were written down
            own = Account(account.provider, account.subject, user.name, account.uid)
            if people.expect(own).name == user.name:
                person = people.keep(own)
        if person is None or person.name != user.name:
            raise Refused(f"the account at {self.login_service} is not the one that {user.name} belongs to")
        model["name"] = user.name
        await self.refuse(model)
        if not await super().check_allowed(user.name, model):
            await self.admit(model)
        self.verify(model, person, people)
        self._remember(model, people)

    def _keep(self, name: str, state: Mapping[str, Any], reason: str) -> bool:
        """Whether a session goes on without the provider."""
        known = state.get(STATE)
        checked = known.get("checked", 0.0) if isinstance(known, dict) else 0.0
        age = max(0.0, time.time() - checked)
        if age <= self.staleness:
            self.log.warning(
                "Keeping the session of %s on what %s said %.0f s ago: %s", name, self.login_service, age, reason
            )
            login_metrics.KEPT.labels(self.login_service).inc()
            return True
        self.log.warning(
            "Ending the session of %s: %s could not be asked for more than %.0f s: %s",
            *(name, self.login_service, self.staleness, reason),
        )
        login_metrics.EXPIRED.labels(self.login_service).inc()
        return False

    # The provider's answers -------------------------------------------------------------------------------------------

    async def httpfetch(
        self, url: str, label: str = "fetching", parse_json: bool = True, raise_error: bool = True, **kwargs: Any
    ) -> Any:
        """Every question to the provider passes here: tell one that is down from one that says no."""

        async def fetch(**more: Any) -> Any:
            return await super(ProviderLogin, self).httpfetch(
                url, label, parse_json=parse_json, raise_error=raise_error, **{**kwargs, **more}
            )

        try:
            try:
                answer = await fetch()
                anew = isinstance(answer, HTTPResponse) and answer.code == UNCHANGED
            except HTTPClientError as error:
                if error.code != UNCHANGED:
                    raise
                anew = True
            if anew:
                answer = await fetch(headers={**kwargs.get("headers", {}), "Cache-Control": "no-cache"})
        except HTTPClientError as error:
            if is_outage(error.code, error.response):
                raise self._outage(error.code, error.message) from error
            raise
        except OSError as error:
            raise self.unavailable(f"no connection ({error.strerror or error})") from error
        except ValueError as error:
            raise self.unavailable("its answer could not be understood") from error
        if isinstance(answer, HTTPResponse) and is_outage(answer.code, answer):
            raise self._outage(answer.code, answer.reason)
        login_metrics.PROVIDER_UP.labels(self.login_service).set(1)
        return answer

    async def get_token_info(self, handler: Any, params: Mapping[str, Any]) -> Model:
        try:
            info: Model = await super().get_token_info(handler, params)
        except web.HTTPError as error:
            if error.status_code < 500 or isinstance(error, Refusal):
                raise
            # Its text holds what the provider said, which may be a token.
            raise self.unavailable("its answer could not be understood") from None
        if not isinstance(info.get("access_token"), str):
            raise self.unavailable("its answer could not be understood")
        return {**info, "token_type": info.get("token_type") or "Bearer", "received": time.time()}

    async def token_to_user(self, token_info: Model) -> Model:
        info = await super().token_to_user(token_info)
        if not isinstance(info, dict):
            raise self.unavailable("its answer could not be understood")
        return info

    def unavailable(self, reason: str, *, for_all: bool = True) -> ProviderUnavailable:
        """To be raised. Counts and logs. Where it is so for everybody, running sessions wait before they ask again."""
        provider = self.provider_address or self.login_service
        self.log.error("%s cannot be asked: %s", provider, reason)
        login_metrics.OUTAGES.labels(self.login_service).inc()
        login_metrics.PROVIDER_UP.labels(self.login_service).set(0)
        if for_all:
            self._ask_again = time.monotonic() + min(self.auth_refresh_age, _PAUSE_SECONDS)
        outage = ProviderUnavailable(provider, reason)
        _outages.get([]).append(outage)
        return outage

    def _outage(self, code: int, text: str | None) -> ProviderUnavailable:
        if code in (403, 429):
            # One person's token may have asked too often; the others need not wait for that.
            return self.unavailable("it limits how often it may be asked", for_all=False)
        return self.unavailable(f"{text or 'no answer'}" if code == 599 else f"it answers {code} {text or ''}".strip())

    # ------------------------------------------------------------------------------------------------------------------

    def _remember(self, model: Model, people: People) -> None:
        person = people.keep(self.account(model))
        if person.name != model["name"]:
            raise Refused("Somebody else with your name logged in at the same moment. Log in again.")
        described = self.describe(model, person, people)
        model["auth_state"][STATE] = {**described, "uid": person.uid, "checked": time.time()}

    def _people(self, db: Any) -> People:
        return People(db, Numbers(self.first_number, self.last_number))

    def _refusal(self, sentence: str) -> Refusal:
        self.log.warning("Login refused: %s", sentence)
        return Refusal(403, sentence)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except ProviderUnavailable:
            login_metrics.LOGINS.labels(self.login_service, "unavailable").inc()
            raise
        except web.HTTPError:
            login_metrics.LOGINS.labels(self.login_service, "refused").inc()
            raise
