"""Requests with the login that a registry wants: none, Basic, or the Bearer token of its token server."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Mapping

from yarl import URL

from jldhub.images.registry.answers import NO_REGISTRY
from jldhub.images.registry.challenge import Challenge, belongs, challenges
from jldhub.images.registry.credentials import Keyring, Login
from jldhub.images.registry.errors import RegistryAnswerUnusable, RegistryLoginRefused
from jldhub.images.registry.reference import Repository
from jldhub.images.registry.transport import Answer, Transport

_TOKEN = re.compile(r"[\x21-\x7e]{1,32768}")  # what fits into a header
_CORRECT = "Correct the login in the pull Secret, which must be allowed to read the repository"

_GIVE = "Give one for this host with a pull Secret, or correct the name: some answer so for what they do not have"


class Authorization:
    """It keeps what a repository was last asked with, and logs in again when the registry does not take that any more."""

    def __init__(self, keyring: Keyring, transport: Transport) -> None:
        self._keyring, self._transport = keyring, transport
        self._values: dict[Repository, str] = {}  # of the header Authorization
        self._locks: defaultdict[Repository, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def request(self, method: str, url: URL, repository: Repository, headers: Mapping[str, str]) -> Answer:
        """The answer of the registry, which is never 401 or 403. Raises RegistryError."""
        used = self._values.get(repository)
        answer = await self._send(method, url, repository, headers, used)
        if answer.status == 401:
            async with self._locks[repository]:  # of many requests at a time one logs in
                answer = await self._log_in(answer, method, url, repository, headers, used)
        if answer.status == 403:
            raise RegistryLoginRefused(repository, f"{url.host} forbids to read it", _CORRECT)
        return answer

    async def _log_in(
        self,
        refused: Answer,
        method: str,
        url: URL,
        repository: Repository,
        headers: Mapping[str, str],
        used: str | None,
    ) -> Answer:
        """With what another request has got meanwhile, then with each login."""
        known = self._values.get(repository)
        if known and known != used:
            answer = await self._send(method, url, repository, headers, known)
            if answer.status != 401:
                return answer
        logins = self._keyring.logins(repository)
        for login in logins or (None,):
            value = await self._value(refused, url, repository, login)
            if not value:
                continue
            answer = await self._send(method, url, repository, headers, value)
            if answer.status != 401:
                self._values[repository] = value
                return answer
        if logins:
            raise RegistryLoginRefused(repository, f"{url.host} refuses the login", _CORRECT)
        raise RegistryLoginRefused(repository, f"{url.host} wants a login", _GIVE)

    async def _send(
        self, method: str, url: URL, repository: Repository, headers: Mapping[str, str], value: str | None
    ) -> Answer:
        return await self._transport.request(
            method, url, repository, {**headers, "Authorization": value} if value else headers
        )

    async def _value(self, refused: Answer, url: URL, repository: Repository, login: Login | None) -> str | None:
        """What the registry wants in the header Authorization. None where the login is refused, or there is none."""
        wanted = {each.scheme: each for each in reversed(challenges(refused.headers.getall("WWW-Authenticate", [])))}
        if "bearer" in wanted:
            return await self._token(wanted["bearer"], url, repository, login)
        if "basic" in wanted:
            return login.basic if login else None
        raise RegistryAnswerUnusable(
            repository,
            f"{url.host} wants a login that is neither Basic nor Bearer",
            NO_REGISTRY,
        )

    async def _token(self, challenge: Challenge, url: URL, repository: Repository, login: Login | None) -> str | None:
        realm = _realm(challenge, url, repository)
        query = {"scope": challenge.parameters.get("scope") or f"repository:{repository.path}:pull"}
        if service := challenge.parameters.get("service"):
            query["service"] = service
        headers = {"Authorization": login.basic} if login else {}
        answer = await self._transport.request("GET", realm.update_query(query), repository, headers)
        if answer.status in (400, 401, 403):
            return None
        token = _token_of(answer)
        if token is None:
            raise RegistryAnswerUnusable(
                repository,
                f"the token server {realm.host} gives no token ({answer.status})",
                "See the registry's configuration",
            )
        return f"Bearer {token}"


def _realm(challenge: Challenge, registry: URL, repository: Repository) -> URL:
    """The token server, which nobody asks for anything unless it belongs to the registry."""
    try:
        realm = URL(challenge.parameters.get("realm", ""))
        host = realm.host or ""
    except ValueError:
        host = ""
    if not host or realm.user or realm.scheme != "https":
        raise RegistryAnswerUnusable(
            repository,
            f"{registry.host} names no token server with an https address",
            "See the registry's configuration",
        )
    if not belongs(realm, registry):
        raise RegistryLoginRefused(
            repository,
            f"{registry.host} wants a token from {host[:80]}, which does not belong to it, so no login is sent there",
            "Let the token server have a name below the registry's domain",
        )
    return realm.with_fragment(None)


def _token_of(answer: Answer) -> str | None:
    if answer.status != 200:
        return None
    try:
        document = json.loads(answer.body)
        token = document.get("token") or document.get("access_token")
    except (ValueError, RecursionError, AttributeError):
        return None
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None
