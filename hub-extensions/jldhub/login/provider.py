"""The login flow that all providers share: stable user names, refusals with a message, and outages of the provider.

During an outage nobody can log in. Running sessions are extended for `staleness`.
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

from jldhub.identity import AUTH_STATE_KEY, IdentityError
from jldhub.login.admission import AdmissionDenied
from jldhub.login.people import FIRST_ID, LAST_ID, Account, IdRange, IdsExhausted, People, Person, UidTaken
from jldhub.login.provider_errors import NOT_MODIFIED, ProviderUnavailable, cannot_refresh, error_text, is_outage
from jldhub.login.usernames import ReservedUsername, require_unreserved
from jldhub.support import login_metrics
from jldhub.support.refusal import Refusal

# Running sessions send no request for this time after a failed one, so that pages do not wait for the provider.
_PAUSE_SECONDS = 60

AuthModel = dict[str, Any]
_LOGIN_ERRORS = (IdentityError, ReservedUsername, UidTaken, IdsExhausted, AdmissionDenied)
# oauthenticator turns some errors of a refresh into "log in again". This records which of them were outages.
_outages: ContextVar[list[ProviderUnavailable]] = ContextVar("outages")


class ProviderLogin(OAuthenticator):
    """A mix-in for oauthenticator's classes. Subclasses implement how to read their provider's responses."""

    staleness = Float(86_400, help="Seconds for which the last check of a session is valid during an outage.").tag(
        config=True
    )
    first_id = Integer(FIRST_ID, help="The first UID for people whose provider has none.").tag(config=True)
    last_id = Integer(LAST_ID, help="The last such UID.").tag(config=True)
    provider_address = Unicode(help="The provider's name in messages for people.").tag(config=True)

    _next_request: float = 0  # monotonic seconds

    # For subclasses -------------------------------------------------------------------------------------------------

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

    # Login ----------------------------------------------------------------------------------------------------------

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> Any:
        with self._counted():
            try:
                model: AuthModel = await super().authenticate(handler, data, **kwargs)
                account = self.account(model)
                person = self._people(handler.db).find(account)
                if person is None:
                    require_unreserved(account.login)
                    person = self._people(handler.db).preview(account)
                self.verify(model, person, self._people(handler.db))
            except HTTPClientError as error:
                raise self._forbidden(
                    f"{self.login_service} refused this login: {error_text(error)}. Start again."
                ) from error
            except _LOGIN_ERRORS as refused:
                raise self._forbidden(str(refused)) from refused
            if not self.validate_username(person.name):
                raise self._forbidden(
                    f"Your name here would be {person.name[:80]!r}, and names have at most 63 of the characters a-z, 0-9, "
                    "'.', '_' and '-' and begin with a letter or a digit. Tell an administrator."
                )
            model["name"] = person.name
            return model

    async def check_blocked_users(self, username: str, authentication: AuthModel | None = None) -> bool:
        """Runs before `check_allowed`, for everybody: a deny list wins over people who are allowed by name."""
        with self._counted():
            try:
                if authentication is not None:
                    await self.require_not_denied(authentication)
            except AdmissionDenied as refused:
                raise self._forbidden(str(refused)) from refused
            return bool(super().check_blocked_users(username, authentication))

    async def check_allowed(self, username: str, auth_model: AuthModel | None) -> bool:
        with self._counted():
            try:
                if not await super().check_allowed(username, auth_model) and auth_model is not None:
                    await self.require_admitted(auth_model)
            except AdmissionDenied as refused:
                raise self._forbidden(str(refused)) from refused
            return True

    async def run_post_auth_hook(self, handler: Any, auth_model: AuthModel) -> Any:
        """Record an admitted person. A refused login records nothing, so that it takes no name."""
        with self._counted():
            try:
                self._record_login(auth_model, self._people(handler.db))
            except _LOGIN_ERRORS as refused:
                raise self._forbidden(str(refused)) from refused
            model = await super().run_post_auth_hook(handler, auth_model)
            login_metrics.LOGINS.labels(self.login_service, "admitted").inc()
            return model

    # Running sessions -----------------------------------------------------------------------------------------------

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> Any:
        """Check a running session against the provider, every `auth_refresh_age` seconds. False logs the person out.

        An outage of the provider logs nobody out for `staleness` seconds after the last successful check.
        """
        state = await user.get_auth_state() or {}
        if time.monotonic() < self._next_request:
            return self._extend_session(user.name, state, "it did not answer a moment ago")
        if cannot_refresh(state):
            return self._extend_session(user.name, state, "it gives no way to ask again after the login")
        outages: list[ProviderUnavailable] = []
        context = _outages.set(outages)
        try:
            model = await super().refresh_user(user, handler, **kwargs)
            if isinstance(model, dict):
                await self._recheck(user, model)
            elif not model and outages:
                raise outages[-1]
        except ProviderUnavailable as outage:
            return self._extend_session(user.name, state, outage.why)
        except (*_LOGIN_ERRORS, web.HTTPError) as refused:
            self.log.warning("Ending the session of %s: %s", user.name, refused)
            return False
        finally:
            _outages.reset(context)
        return model

    async def _recheck(self, user: Any, model: AuthModel) -> None:
        people, account = self._people(user.db), self.account(model)
        person = people.find(account)
        if person is None:  # logged in with a version of JLD that recorded no names
            current = Account(account.provider, account.subject, user.name, account.uid)
            if people.preview(current).name == user.name:
                person = people.record(current)
        if person is None or person.name != user.name:
            raise AdmissionDenied(f"the account at {self.login_service} is not the one that {user.name} belongs to")
        model["name"] = user.name
        await self.require_not_denied(model)
        if not await super().check_allowed(user.name, model):
            await self.require_admitted(model)
        self.verify(model, person, people)
        self._record_login(model, people)

    def _extend_session(self, name: str, state: Mapping[str, Any], reason: str) -> bool:
        """Whether a session is valid without a check: its last one is at most `staleness` seconds old."""
        recorded = state.get(AUTH_STATE_KEY)
        checked = recorded.get("checked", 0.0) if isinstance(recorded, dict) else 0.0
        age = max(0.0, time.time() - checked)
        if age <= self.staleness:
            self.log.warning(
                "Keeping the session of %s on what %s said %.0f s ago: %s", name, self.login_service, age, reason
            )
            login_metrics.SESSIONS_RETAINED.labels(self.login_service).inc()
            return True
        self.log.warning(
            "Ending the session of %s: %s could not be asked for more than %.0f s: %s",
            *(name, self.login_service, self.staleness, reason),
        )
        login_metrics.SESSIONS_EXPIRED.labels(self.login_service).inc()
        return False

    # Requests to the provider ---------------------------------------------------------------------------------------

    async def httpfetch(
        self, url: str, label: str = "fetching", parse_json: bool = True, raise_error: bool = True, **kwargs: Any
    ) -> Any:
        """A request to the provider. Raises ProviderUnavailable in an outage, and HTTPClientError for a refusal."""

        async def fetch(**more: Any) -> Any:
            return await super(ProviderLogin, self).httpfetch(
                url, label, parse_json=parse_json, raise_error=raise_error, **{**kwargs, **more}
            )

        try:
            try:
                response = await fetch()
                not_modified = isinstance(response, HTTPResponse) and response.code == NOT_MODIFIED
            except HTTPClientError as error:
                if error.code != NOT_MODIFIED:
                    raise
                not_modified = True
            if not_modified:
                response = await fetch(headers={**kwargs.get("headers", {}), "Cache-Control": "no-cache"})
        except HTTPClientError as error:
            if is_outage(error.code, error.response):
                raise self._outage(error.code, error.message) from error
            raise
        except OSError as error:
            raise self.unavailable(f"no connection ({error.strerror or error})") from error
        except ValueError as error:
            raise self.unavailable("its answer could not be understood") from error
        if isinstance(response, HTTPResponse) and is_outage(response.code, response):
            raise self._outage(response.code, response.reason)
        login_metrics.PROVIDER_UP.labels(self.login_service).set(1)
        return response

    async def get_token_info(self, handler: Any, params: Mapping[str, Any]) -> AuthModel:
        try:
            info: AuthModel = await super().get_token_info(handler, params)
        except web.HTTPError as error:
            if error.status_code < 500 or isinstance(error, Refusal):
                raise
            # Its message contains the provider's response, which may contain a token.
            raise self.unavailable("its answer could not be understood") from None
        if not isinstance(info.get("access_token"), str):
            raise self.unavailable("its answer could not be understood")
        return {**info, "token_type": info.get("token_type") or "Bearer", "received": time.time()}

    async def token_to_user(self, token_info: AuthModel) -> AuthModel:
        info = await super().token_to_user(token_info)
        if not isinstance(info, dict):
            raise self.unavailable("its answer could not be understood")
        return info

    def unavailable(self, reason: str, *, for_all: bool = True) -> ProviderUnavailable:
        """The exception to raise. Counts and logs the outage. With `for_all`, all running sessions pause requests."""
        provider = self.provider_address or self.login_service
        self.log.error("%s cannot be asked: %s", provider, reason)
        login_metrics.OUTAGES.labels(self.login_service).inc()
        login_metrics.PROVIDER_UP.labels(self.login_service).set(0)
        if for_all:
            self._next_request = time.monotonic() + min(self.auth_refresh_age, _PAUSE_SECONDS)
        outage = ProviderUnavailable(provider, reason)
        _outages.get([]).append(outage)
        return outage

    def _outage(self, code: int, text: str | None) -> ProviderUnavailable:
        if code in (403, 429):
            # A rate limit may apply to one person's token alone; the sessions of others need not wait.
            return self.unavailable("it limits how often it may be asked", for_all=False)
        return self.unavailable(f"{text or 'no answer'}" if code == 599 else f"it answers {code} {text or ''}".strip())

    # ----------------------------------------------------------------------------------------------------------------

    def _record_login(self, model: AuthModel, people: People) -> None:
        person = people.record(self.account(model))
        if person.name != model["name"]:
            raise AdmissionDenied("Somebody else with your name logged in at the same moment. Log in again.")
        described = self.describe(model, person, people)
        model["auth_state"][AUTH_STATE_KEY] = {**described, "uid": person.uid, "checked": time.time()}

    def _people(self, db: Any) -> People:
        return People(db, IdRange(self.first_id, self.last_id))

    def _forbidden(self, sentence: str) -> Refusal:
        self.log.warning("Login refused: %s", sentence)
        return Refusal(403, sentence)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count a login that ends with an exception, by its result."""
        try:
            yield
        except ProviderUnavailable:
            login_metrics.LOGINS.labels(self.login_service, "unavailable").inc()
            raise
        except web.HTTPError:
            login_metrics.LOGINS.labels(self.login_service, "refused").inc()
            raise
