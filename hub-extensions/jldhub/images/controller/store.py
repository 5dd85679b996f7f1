"""The catalogue in its ConfigMap, which the chart renders without data and the hub mounts."""

import base64
import binascii
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from kubernetes_asyncio import config
from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api
from kubernetes_asyncio.client.configuration import Configuration

from jldhub.images.catalogue import FILE, Catalogue, CatalogueError

_SECONDS = 30.0  # for one request
_MERGE = "application/merge-patch+json"


class StoreUnavailable(Exception):
    """The ConfigMap can be neither read nor written now. The message says why."""


@asynccontextmanager
async def connect() -> AsyncIterator["Store"]:
    """The store by the pod's ServiceAccount, or outside of a pod by KUBECONFIG."""
    configuration = Configuration()
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config(client_configuration=configuration)
    async with ApiClient(configuration) as client:
        yield Store(client)


class Store:
    """Requests for the one ConfigMap. Each raises StoreUnavailable."""

    def __init__(self, client: ApiClient) -> None:
        self._core: Any = CoreV1Api(client)  # Any: the library's type hints lack `_content_type`

    async def read(self, namespace: str, name: str) -> Catalogue:
        """What was written last. Empty where nothing was. Raises CatalogueError for what no controller wrote."""
        call = self._core.read_namespaced_config_map(name, namespace, _request_timeout=_SECONDS)
        data = (await _answered(call, name)).binary_data or {}
        if not data.get(FILE):
            return Catalogue()
        try:
            return Catalogue.unpack(base64.b64decode(data[FILE], validate=True))
        except binascii.Error as mistake:
            raise CatalogueError("it is no base64") from mistake

    async def write(self, namespace: str, name: str, catalogue: Catalogue) -> None:
        patch = {"binaryData": {FILE: base64.b64encode(catalogue.pack()).decode()}}
        call = self._core.patch_namespaced_config_map(
            name, namespace, patch, _content_type=_MERGE, _request_timeout=_SECONDS
        )
        await _answered(call, name)


async def _answered(call: Any, name: str) -> Any:
    place = f"the ConfigMap {name}"
    try:
        return await call
    except ApiException as refusal:
        remedy = (
            "`helm upgrade` brings it and the right to it back"
            if refusal.status in (403, 404)
            else "Another attempt follows"
        )
        raise StoreUnavailable(
            f"{place}: the Kubernetes API answers {refusal.status} ({refusal.reason}). {remedy}."
        ) from refusal
    except (aiohttp.ClientError, TimeoutError, OSError) as failure:
        raise StoreUnavailable(
            f"{place}: the Kubernetes API does not answer ({type(failure).__name__}). Another attempt follows."
        ) from failure
