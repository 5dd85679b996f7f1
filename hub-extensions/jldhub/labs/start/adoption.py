"""The request that makes a lab's pod: tried again while the API server is busy, and never made twice for one start."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException, V1Pod

from jldhub.support.metrics import ADOPTED

START = "jld.lsst.org/start"  # the annotation that says which start a pod belongs to
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, *(status for status in HTTPStatus if status >= 500))


class PodRejected(Exception):
    """The API server does not take the pod. Not an ApiException: KubeSpawner logs the whole pod with each of those."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message = status, message


class AdoptingApi:
    """KubeSpawner's client of the API, but for the creation of pods.

    A create request that timed out may have succeeded. KubeSpawner's next try gets a 409, kills the pod and makes it anew,
    again and again where the API is slow. Here the next try finds the pod of this very start, and keeps it.
    """

    def __init__(self, api: Any, created: Callable[[], None]) -> None:
        self._api, self._created = api, created
        self.last_error = ""  # the last one that a further try may overcome

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    async def create_namespaced_pod(self, namespace: str, body: V1Pod, **options: Any) -> V1Pod:
        """Raises PodRejected for good, TimeoutError for another try, and ApiException 409 for another start's pod."""
        try:
            pod = await self._create_or_adopt(namespace, body, options)
        except ApiException as refused:
            if refused.status == HTTPStatus.CONFLICT:
                raise
            self.last_error = f"{refused.status} {api_message(refused)}"
            if refused.status in _BUSY:
                raise TimeoutError(self.last_error) from None
            raise PodRejected(refused.status or 0, api_message(refused)) from None
        except ClientError as trouble:
            self.last_error = str(trouble)
            raise TimeoutError(self.last_error) from None
        self._created()
        return pod

    async def _create_or_adopt(self, namespace: str, body: V1Pod, options: dict[str, Any]) -> V1Pod:
        try:
            made: V1Pod = await self._api.create_namespaced_pod(namespace, body, **options)
            return made
        except ApiException as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
            pod: V1Pod = await self._api.read_namespaced_pod(body.metadata.name, namespace)
            if not same_start(pod, body):
                raise
            ADOPTED.inc()
            return pod


def same_start(found: V1Pod, wanted: V1Pod) -> bool:
    """Whether a pod was made by the start that wants one. A pod that is being deleted counts as another's."""
    start = (wanted.metadata.annotations or {}).get(START)
    return bool(
        start and (found.metadata.annotations or {}).get(START) == start and found.metadata.deletion_timestamp is None
    )


def api_message(refused: ApiException) -> str:
    """The API server's sentence, out of the Status object that it sends."""
    try:
        return str(json.loads(refused.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(refused.reason or "")
