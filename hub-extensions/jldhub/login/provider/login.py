"""The login flow that all providers share: stable user names, and refusals with a message."""

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any

from tornado import web
from tornado.httpclient import HTTPClientError

from jldhub.identity import blocked_sentence
from jldhub.login.admission import AdmissionDenied
from jldhub.login.provider.accounts import LOGIN_ERRORS
from jldhub.login.provider.errors import ProviderUnavailable, error_text
from jldhub.login.provider.requests import AuthModel
from jldhub.login.provider.sessions import RunningSessions
from jldhub.login.usernames import require_unreserved
from jldhub.support import login_metrics
from jldhub.support.refusal import Refusal


class ProviderLogin(RunningSessions):
    """A mix-in for oauthenticator's classes, which implement what `ProviderAccounts` leaves open."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        for (
            result
        ) in login_metrics.RESULTS:  # told before the first one, without which Prometheus would see no increase
            login_metrics.LOGINS.labels(self.login_service, result)

    async def authenticate(self, handler: Any, data: Any = None, **kwargs: Any) -> Any:
        with self._counted():
            try:
                model: AuthModel = await super().authenticate(handler, data, **kwargs)
                account = self.account(model)
                person = self.people(handler.db).find(account)
                if person is None:
                    require_unreserved(account.login)
                    person = self.people(handler.db).preview(account)
                self.verify(model, person, self.people(handler.db))
            except HTTPClientError as error:
                raise self._forbidden(
                    f"{self.login_service} refused this login: {error_text(error)}. Start again."
                ) from error
            except LOGIN_ERRORS as refused:
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
            answer = super().check_blocked_users(username, authentication)
            if not (await answer if isawaitable(answer) else answer):  # Globus' is a coroutine
                raise self._forbidden(blocked_sentence(username))
            return True

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
                self.record_login(auth_model, self.people(handler.db))
            except LOGIN_ERRORS as refused:
                raise self._forbidden(str(refused)) from refused
            model = await super().run_post_auth_hook(handler, auth_model)
            login_metrics.LOGINS.labels(self.login_service, "admitted").inc()
            return model

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
