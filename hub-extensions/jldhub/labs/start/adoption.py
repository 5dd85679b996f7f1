"""Creating a lab's pod: the request is retried while the API server is busy, and a start never leaves a pod that nobody has."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException, V1DeleteOptions, V1Pod, V1Preconditions

from jldhub.support.metrics import ADOPTED

START = "jld.lsst.org/start"  # the pod's annotation with the ID of its start
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, *(status for status in HTTPStatus if status >= 500))


class PodRejected(Exception):
    """The API server rejects the pod, or what belongs to it.

    Not an ApiException, because KubeSpawner logs the whole pod with each of those.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message = status, message


class AdoptingApi:
    """A wrapper of KubeSpawner's API client that changes the creation of pods, and of claims as far as a busy API goes.

    A create request that timed out may have succeeded. On the retry KubeSpawner gets a 409, deletes the pod and
    recreates it, repeatedly where the API is slow. This client adopts the existing pod if it is of the same start. And a
    request on which a start gave up may still succeed: `abandon` deletes what comes of it.

    `created` is called with the pod when the API server has it, and again when an attempt is repeated.
    """

    def __init__(self, api: Any, created: Callable[[V1Pod], Awaitable[None]]) -> None:
        self._api, self._created = api, created
        self._requests: dict[asyncio.Future[V1Pod], tuple[str, V1Pod]] = {}  # of this start, with namespace and pod
        self._cleaning: set[asyncio.Task[None]] = set()
        self.last_error = ""  # of the last request that may be retried

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    async def create_namespaced_pod(self, namespace: str, body: V1Pod, **options: Any) -> V1Pod:
        """Raises PodRejected, TimeoutError for a retry by KubeSpawner, and ApiException 409 for another start's pod."""
        request = asyncio.ensure_future(self._create_or_adopt(namespace, body, options))
        self._requests[request] = namespace, body
        try:
            # Whoever stops waiting does not know what comes of it.
            pod = await asyncio.shield(request)
            await self._created(pod)
        except ApiException as refused:
            if refused.status == HTTPStatus.CONFLICT:
                raise
            self.last_error = f"{refused.status} {api_message(refused)}"
            if refused.status in _BUSY:
                raise TimeoutError(self.last_error) from None
            raise PodRejected(refused.status or 0, api_message(refused)) from None
        except ClientError as error:
            self.last_error = str(error)
            raise TimeoutError(self.last_error) from None
        return pod

    async def create_namespaced_persistent_volume_claim(self, namespace: str, body: Any) -> Any:
        """Raises TimeoutError for a retry by KubeSpawner, and ApiException."""
        try:
            return await self._api.create_namespaced_persistent_volume_claim(namespace=namespace, body=body)
        except ApiException as refused:
            self.last_error = f"{refused.status} {api_message(refused)}"
            if refused.status in _BUSY:
                raise TimeoutError(self.last_error) from None
            raise
        except ClientError as error:
            self.last_error = str(error)
            raise TimeoutError(self.last_error) from None

    def keep(self) -> None:
        """The start succeeded: its pod is the lab's."""
        self._requests.clear()

    def abandon(self) -> None:
        """The start is over without a lab: delete each pod that its requests made or will make."""
        for request, (namespace, body) in self._requests.items():
            if not request.done():  # what is there already, the spawner deletes by its name
                task = asyncio.create_task(self._delete_when_made(request, namespace, body))
                self._cleaning.add(task)
                task.add_done_callback(self._cleaning.discard)
        self._requests.clear()

    async def _create_or_adopt(self, namespace: str, body: V1Pod, options: dict[str, Any]) -> V1Pod:
        try:
            created: V1Pod = await self._api.create_namespaced_pod(namespace, body, **options)
            return created
        except ApiException as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
            pod: V1Pod = await self._api.read_namespaced_pod(body.metadata.name, namespace)
            if not same_start(pod, body):
                raise
            ADOPTED.inc()
            return pod

    async def _delete_when_made(self, request: asyncio.Future[V1Pod], namespace: str, body: V1Pod) -> None:
        try:
            try:
                pod = await request
            except (ApiException, ClientError, TimeoutError):  # without an answer it may have been made nevertheless
                pod = await self._api.read_namespaced_pod(body.metadata.name, namespace)
            if same_start(pod, body):
                only_this = V1DeleteOptions(preconditions=V1Preconditions(uid=pod.metadata.uid))
                await self._api.delete_namespaced_pod(pod.metadata.name, namespace, body=only_this)
        except (ApiException, ClientError, TimeoutError):
            return  # there is none, or there is no API: a next start of the lab finds it in its way, and deletes it


def same_start(existing: V1Pod, wanted: V1Pod) -> bool:
    """Whether an existing pod is of the start that creates `wanted`.

    A pod that is being deleted counts as another start's.
    """
    start = (wanted.metadata.annotations or {}).get(START)
    return bool(
        start
        and (existing.metadata.annotations or {}).get(START) == start
        and existing.metadata.deletion_timestamp is None
    )


def api_message(refused: ApiException) -> str:
    """The message of the Status object in the API server's response."""
    try:
        return str(json.loads(refused.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(refused.reason or "")
