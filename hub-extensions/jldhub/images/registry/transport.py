"""Requests to registries and to their token servers: verified TLS, proxies, limits of time and size, and further attempts."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from jldhub.images.registry.errors import RegistryAnswerUnusable, RegistryConfigurationError, RegistryUnavailable
from jldhub.support.outbound import obstacle, proxy_for, tls_context


@dataclass(frozen=True)
class Limits:
    """How long and how much JLD takes from a registry. Times in seconds, `answer` in bytes."""

    answer: int = 16 * 2**20  # tags/list without pages: a hundred thousand tags
    connect: float = 10
    request: float = 30
    listing: float = 300  # all pages of a repository's tags
    attempts: int = 3
    pause: float = 1  # before the second attempt; then twice as long before each
    longest_pause: float = 30  # a registry that wants to be left alone for longer is asked in a later round
    pages: int = 2000
    tags: int = 200_000
    connections: int = 8  # to one registry at a time


@dataclass(frozen=True)
class Answer:
    """`next_page` is the Link to it, where there is one."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    next_page: URL | None


class Transport:
    """Used as `async with`. `authority` is a file with certificate authorities beside those that the system trusts.

    Proxies are those of the environment: HTTPS_PROXY, and NO_PROXY.
    """

    def __init__(self, authority: Path | None, limits: Limits) -> None:
        try:
            self._tls = tls_context(authority)
        except OSError as failure:  # ssl.SSLError too
            raise RegistryConfigurationError(
                authority, "it is no file with certificates", "Write certificates in PEM form into it"
            ) from failure
        self._limits = limits

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit_per_host=self._limits.connections),
            timeout=aiohttp.ClientTimeout(total=self._limits.request, sock_connect=self._limits.connect),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # what is small on its way may be of any size
            headers={"Accept-Encoding": "identity", "User-Agent": "jld"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def request(self, method: str, url: URL, place: object, headers: Mapping[str, str]) -> Answer:
        """The answer, whatever its status is, unless that is one for which asking again later helps.

        Raises RegistryUnavailable and RegistryAnswerUnusable, with `place` in the message.
        """
        pause = self._limits.pause
        for remaining in reversed(range(self._limits.attempts)):
            try:
                answer = await self._once(method, url, place, headers)
                if answer.status != 429 and answer.status < 500:
                    return answer
                failure = _busy(answer, url, place)
            except (aiohttp.ClientError, TimeoutError, OSError) as mistake:
                failure = RegistryUnavailable(place, *_cause(mistake, url))
                if not remaining or isinstance(mistake, aiohttp.ClientSSLError):
                    raise failure from mistake
            wait = max(failure.retry_after or 0, pause)
            if not remaining or wait > self._limits.longest_pause:
                raise failure
            await asyncio.sleep(wait)
            pause *= 2
        raise AssertionError("there is at least one attempt")

    async def _once(self, method: str, url: URL, place: object, headers: Mapping[str, str]) -> Answer:
        proxy = proxy_for(str(url))
        async with self._session.request(method, url, headers=headers, allow_redirects=False, proxy=proxy) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(2**16):
                body += chunk
                if len(body) > self._limits.answer:
                    raise RegistryAnswerUnusable(
                        place,
                        f"{url.host} answers with more than {self._limits.answer >> 20} MiB",
                        "See whether a registry listens there",
                    )
            if 300 <= response.status < 400 and response.status != 304:
                raise RegistryAnswerUnusable(
                    place,
                    f"{url.host} redirects to {_host(response.headers.get('Location', ''))}",
                    "If that is the registry, write its name in the image's reference",
                )
            return Answer(response.status, response.headers, bytes(body), _next_page(response))


def _busy(answer: Answer, url: URL, place: object) -> RegistryUnavailable:
    seconds = _seconds(answer.headers.get("Retry-After", ""))
    if answer.status == 429:
        cause, remedy = "limits how often it is asked", "It may allow more to a login: give it with a pull Secret"
    else:
        cause, remedy = f"answers {answer.status}", "See the registry's log, and that of a proxy before it"
    wait = f" and wants to be left alone for {seconds:.0f} s" if seconds else ""
    return RegistryUnavailable(place, f"{url.host} {cause}{wait}", remedy, seconds)


def _seconds(retry_after: str) -> float | None:
    """What Retry-After says, in seconds or as a date."""
    if retry_after.isascii() and retry_after.isdecimal():
        return min(float(retry_after), 86_400.0)
    try:
        then = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError, TypeError):
        return None
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _cause(failure: Exception, url: URL) -> tuple[str, str]:
    """Cause and remedy. The text of an exception may hold the password of a proxy."""
    if told := obstacle(failure, str(url)):
        return told
    reachable = "See whether it runs, and whether a NetworkPolicy or a firewall lets the hub's namespace reach it"
    match failure:
        case aiohttp.ClientSSLError():
            return f"{url.host} speaks no TLS that is trusted today", "Serve the registry over TLS 1.2 or newer"
        case aiohttp.ClientConnectorDNSError():
            return f"the name {url.host} is not known", "Correct the image's reference, or see the cluster's DNS"
        case TimeoutError():
            return f"{url.host} does not answer in time", reachable
        case aiohttp.ClientConnectorError():
            return f"{url.host}:{url.port} takes no connection", reachable
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError() | OSError():
            return f"{url.host} ends the connection within its answer", "See the registry's log, and that of a proxy"
        case _:
            return f"{url.host} does not speak HTTP as a registry does", "See whether a registry listens there"


def _host(location: str) -> str:
    try:
        return (URL(location).host or "another place of its own")[:80]
    except ValueError:
        return "no valid address"


def _next_page(response: aiohttp.ClientResponse) -> URL | None:
    try:
        link = response.links.get("next")
        return URL(str(link["url"])) if link else None
    except ValueError:
        return None
