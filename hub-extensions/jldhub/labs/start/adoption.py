"""Creating a lab's pod: the request is retried while the API server is busy, and a start never creates two pods."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException, V1Pod

from jldhub.support.metrics import ADOPTED

START = "jld.lsst.org/start"  # the pod's annotation with the ID of its start
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, *(status for status in HTTPStatus if status >= 500))


class PodRejected(Exception):
    """The API server rejects the pod.

    Not an ApiException, because KubeSpawner logs the whole pod with each of those.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message = status, message


class AdoptingApi:
    """A wrapper of KubeSpawner's API client that changes the creation of pods only.

    A create request that timed out may have succeeded. On the retry KubeSpawner gets a 409, deletes the pod and
    recreates it, repeatedly where the API is slow. This client adopts the existing pod if it is of the same start.

    `created` is called when the API server has the pod.
    """

    def __init__(self, api: Any, created: Callable[[], None]) -> None:
        self._api, self._created = api, created
        self.last_error = ""  # of the last request that may be retried

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    async def create_namespaced_pod(self, namespace: str, body: V1Pod, **options: Any) -> V1Pod:
        """Raises PodRejected, TimeoutError for a retry by KubeSpawner, and ApiException 409 for another start's pod."""
        try:
            pod = await self._create_or_adopt(namespace, body, options)
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
        self._created()
        return pod

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
