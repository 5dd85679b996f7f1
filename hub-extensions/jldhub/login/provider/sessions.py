"""Running sessions: checked against the provider from time to time, once at a time, and extended in its outages."""

import asyncio
import time
from collections.abc import Mapping
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tornado import web
from traitlets import Dict, Float, default

from jldhub.identity import AUTH_STATE_KEY, REFUSED
from jldhub.login import blocked
from jldhub.login.admission import AdmissionDenied
from jldhub.login.people import Account
from jldhub.login.provider.accounts import LOGIN_ERRORS, ProviderAccounts
from jldhub.login.provider.errors import ProviderUnavailable, cannot_refresh
from jldhub.login.provider.requests import AuthModel
from jldhub.support import login_metrics
from jldhub.support.refusal import Refusal

# A login, or a check, is good for this long: a start comes right after a login, and would ask everything again.
_FRESH_SECONDS = 60


@dataclass
class Check:
    """One check of a running session, with what oauthenticator does not pass on."""

    user: Any
    state: dict[str, Any]
    outages: list[ProviderUnavailable] = field(default_factory=list)

    @property
    def recorded(self) -> Mapping[str, Any]:
        """What JLD recorded at the last check."""
        recorded = self.state.get(AUTH_STATE_KEY)
        return recorded if isinstance(recorded, dict) else {}

    @property
    def age(self) -> float:
        """Seconds since the provider answered that all is well."""
        return max(0.0, time.time() - float(self.recorded.get("checked", 0.0)))

    async def save(self, changed: Mapping[str, Any]) -> None:
        """Save what the check found, unless the person logged in anew meanwhile: then it is about what is no more."""
        stored = await self.user.get_auth_state() or {}
        if stored.get("access_token") == self.state.get("access_token"):
            self.state = {**self.state, **changed}
            await self.user.save_auth_state(self.state)


_check: ContextVar[Check | None] = ContextVar("check", default=None)


class RunningSessions(ProviderAccounts):
    """The checks of running sessions."""

    staleness = Float(86_400, help="Seconds for which the last check of a session is valid during an outage.").tag(
        config=True
    )

    _began = Float()
    _checks: dict[str, asyncio.Task[Any]] = Dict()  # type: ignore[assignment]

    @default("_began")
    def _now(self) -> float:
        return time.time()

    async def refresh_user(self, user: Any, handler: Any = None, **kwargs: Any) -> Any:
        """Check a running session against the provider, every `auth_refresh_age` seconds. False logs the person out.

        Several requests of one person share a check: a refresh token may be used once. An outage of the provider logs nobody
        out for `staleness` seconds after the last successful check.
        """
        if user.name in self.blocked_users:
            blocked.end_tokens(user)
            return False
        running = self._checks.get(user.name)
        if running is None:
            running = asyncio.create_task(self._checked(user, handler, **kwargs))
            self._checks[user.name] = running
            running.add_done_callback(lambda _: self._checks.pop(user.name, None))
        # Whoever gives up waiting does not end the check for the others; each may change what it gets.
        return deepcopy(await asyncio.shield(running))

    async def get_token_info(self, handler: Any, params: Mapping[str, Any]) -> AuthModel:
        """The tokens. A refresh token that was received is kept at once: the one that was sent may be used up."""
        info = await super().get_token_info(handler, params)
        check = _check.get()
        if check is not None and params.get("grant_type") == "refresh_token":
            refresh_token = info.get("refresh_token") or check.state.get("refresh_token")
            info["refresh_token"] = refresh_token
            tokens = {"access_token": info["access_token"], "refresh_token": refresh_token, "token_response": info}
            await check.save(tokens)
        return info

    def unavailable(self, reason: str, remedy: str = "", *, for_all: bool = False) -> ProviderUnavailable:
        """oauthenticator turns some errors of a check into "log in again". This records which of them were outages."""
        outage = super().unavailable(reason, remedy, for_all=for_all)
        if check := _check.get():
            check.outages.append(outage)
        return outage

    async def _checked(self, user: Any, handler: Any, **kwargs: Any) -> Any:
        check = Check(user, await user.get_auth_state() or {})
        if self._is_fresh(check):
            return True
        if time.monotonic() < self._next_request:
            return await self._extended(check, "it did not answer a moment ago")
        if cannot_refresh(check.state):
            return await self._extended(check, "it gives no way to ask again after the login")
        _check.set(check)  # for this task alone
        try:
            model = await super().refresh_user(user, handler, **kwargs)
            if isinstance(model, dict):
                await self._recheck(user, model)
            elif not model and check.outages:
                raise check.outages[-1]
        except ProviderUnavailable as outage:
            return await self._extended(check, outage.why)
        except LOGIN_ERRORS as refused:
            return await self._refused(check, str(refused))
        except web.HTTPError as error:
            return await self._refused(check, error.sentence if isinstance(error, Refusal) else self._not_taken)
        return model or await self._refused(check, self._not_taken)

    def _is_fresh(self, check: Check) -> bool:
        """Whether there is no need to ask: a moment ago all was well, by the rules that this process has."""
        since_then = check.recorded.get("checked", 0.0) >= self._began
        return since_then and REFUSED not in check.recorded and check.age < min(_FRESH_SECONDS, self.auth_refresh_age)

    async def _recheck(self, user: Any, model: AuthModel) -> None:
        people, account = self.people(user.db), self.account(model)
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
        self.record_login(model, people)

    async def _extended(self, check: Check, reason: str) -> bool:
        """Whether a session is valid without a check: its last one is at most `staleness` seconds old, and was no refusal."""
        name = check.user.name
        if refused := check.recorded.get(REFUSED):
            return await self._refused(check, refused)
        if check.age <= self.staleness:
            self.log.warning(
                *(
                    "Keeping the session of %s on what %s said %.0f s ago: %s",
                    name,
                    self.login_service,
                    check.age,
                    reason,
                )
            )
            login_metrics.SESSIONS_RETAINED.labels(self.login_service).inc()
            return True
        login_metrics.SESSIONS_EXPIRED.labels(self.login_service).inc()
        return await self._refused(
            check, f"{self.login_service} could not be asked for more than {self.staleness:.0f} s: {reason}"
        )

    async def _refused(self, check: Check, sentence: str) -> bool:
        """End a session, and record why: an API token of the person lives longer, and would start labs."""
        self.log.warning("Ending the session of %s: %s", check.user.name, sentence)
        if check.state and check.recorded.get(REFUSED) != sentence:
            await check.save({AUTH_STATE_KEY: {**check.recorded, REFUSED: sentence}})
        return False

    @property
    def _not_taken(self) -> str:
        return f"{self.login_service} no longer takes your login."
