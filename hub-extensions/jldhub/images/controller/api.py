"""Requests to the Kubernetes API, by the pod's ServiceAccount.

Not by kubernetes_asyncio, whose models of all that Kubernetes has take 57 MB, more than the rest of the controller with a thousand nodes.
"""

import json
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # `token` and `ca.crt`, as the kubelet mounts them
_SECONDS = 30.0  # for one request
_LONGEST_LINE = 2**22  # bytes of an event: etcd holds objects of at most 1.5 MiB
_MERGE = {"Content-Type": "application/merge-patch+json"}
_RETRIED = "Another attempt follows"


class ApiUnavailable(Exception):
    """The Kubernetes API does not do what it is asked to now. The message says why. `status` is None where it does not answer."""

    def __init__(self, place: str, cause: str, remedy: str = _RETRIED, status: int | None = None) -> None:
        super().__init__(f"{place}: the Kubernetes API {cause}. {remedy}.")
        self.status = status


class Api:
    """Paths are those of the API. `place` is what a failure is about, and what its message begins with."""

    def __init__(self, session: aiohttp.ClientSession, account: Path) -> None:
        self._session, self._account = session, account

    async def get(self, path: str, place: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await self._answer("GET", path, place, params=query or {})

    async def patch(self, path: str, place: str, change: Mapping[str, Any]) -> None:
        await self._answer("PATCH", path, place, data=json.dumps(change), headers=_MERGE)

    async def post(self, path: str, place: str, made: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the answer: a request of the caller's that is refused (4xx) is theirs to understand, but for 401 and 404."""
        return await self._request("POST", path, place, (400, 403, 409, 422), json=made)

    async def delete(self, path: str, place: str) -> None:
        """What is not there is deleted."""
        await self._request("DELETE", path, place, (404,))

    async def watch(
        self, path: str, place: str, query: Mapping[str, str], seconds: float
    ) -> AsyncGenerator[dict[str, Any]]:
        """Events, until the API ends the watch after so many seconds."""
        asked = {**query, "watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": f"{seconds:.0f}"}
        timeout = aiohttp.ClientTimeout(total=seconds + _SECONDS)
        with _told(place):
            async with self._session.get(path, params=asked, headers=self._login(), timeout=timeout) as response:
                if response.status != 200:
                    raise _refused(place, response.status, response.reason)
                async for line in response.content:
                    yield _event(line, place)

    async def _answer(self, method: str, path: str, place: str, **options: Any) -> dict[str, Any]:
        return (await self._request(method, path, place, (), **options))[1]

    async def _request(
        self, method: str, path: str, place: str, expected: tuple[int, ...], **options: Any
    ) -> tuple[int, dict[str, Any]]:
        headers = {**self._login(), **options.pop("headers", {})}
        with _told(place):
            async with self._session.request(method, path, headers=headers, **options) as response:
                if response.status >= 300 and response.status not in expected:
                    raise _refused(place, response.status, response.reason)
                document = json.loads(await response.read())
        if not isinstance(document, dict):
            raise ApiUnavailable(place, "answers with what is no object")
        return response.status, document

    def _login(self) -> dict[str, str]:
        """The kubelet brings a new token every hour."""
        try:
            return {"Authorization": f"Bearer {(self._account / 'token').read_text().strip()}"}
        except OSError:  # outside of a pod
            return {}


@asynccontextmanager
async def connect(account: Path = ACCOUNT) -> AsyncIterator[Api]:
    """The API of the pod's cluster. JLD_KUBERNETES_API names another address, such as that of `kubectl proxy`.

    It is asked directly: the environment's proxy is the way to registries.
    """
    host, port = (
        os.environ.get("KUBERNETES_SERVICE_HOST", "localhost"),
        os.environ.get("KUBERNETES_SERVICE_PORT", "443"),
    )
    url = os.environ.get("JLD_KUBERNETES_API", f"https://{f'[{host}]' if ':' in host else host}:{port}")
    authority = account / "ca.crt"
    context = ssl.create_default_context(cafile=str(authority) if authority.exists() else None)
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout, read_bufsize=_LONGEST_LINE) as session:
        yield Api(session, account)


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Whatever means that the API does not answer, or not as one does, becomes ApiUnavailable."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as failure:
        raise ApiUnavailable(place, f"does not answer ({type(failure).__name__})") from failure
    except (ValueError, RecursionError) as failure:
        raise ApiUnavailable(place, "answers with what is no JSON") from failure


def _refused(place: str, status: int, reason: str | None) -> ApiUnavailable:
    remedy = "`helm upgrade` brings it and the right to it back" if status in (403, 404) else _RETRIED
    return ApiUnavailable(place, f"answers {status} ({reason})", remedy, status)


def _event(line: bytes, place: str) -> dict[str, Any]:
    event = json.loads(line)
    found = event.get("object") if isinstance(event, dict) else None
    if not isinstance(found, dict) or not isinstance(event.get("type"), str):
        raise ApiUnavailable(place, "tells what is no event")
    if event["type"] == "ERROR":
        raise _refused(place, found.get("code") or 500, found.get("reason"))
    if not isinstance(found.get("metadata"), dict):
        raise ApiUnavailable(place, "tells what is no event")
    return event  # type: ignore[no-any-return]
