"""The ConfigMap that the chart renders without data and the hub mounts: the catalogue, and the state of nodes beside it."""

import base64
import binascii

from jldhub.images import catalogue, nodes
from jldhub.images.catalogue import Catalogue, CatalogueError
from jldhub.images.controller.api import Api
from jldhub.images.nodes import NodesError, NodesState


class Store:
    """Requests for the one ConfigMap. Each raises ApiUnavailable."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, namespace: str, name: str) -> Catalogue:
        """What was written last. Empty where nothing was. Raises CatalogueError for what no controller wrote."""
        packed = await self._packed(namespace, name, catalogue.FILE, CatalogueError)
        return Catalogue.unpack(packed) if packed else Catalogue()

    async def write(self, namespace: str, name: str, written: Catalogue) -> None:
        await self._put(namespace, name, catalogue.FILE, written.pack())

    async def read_nodes(self, namespace: str, name: str) -> NodesState:
        """As `read`. Raises NodesError."""
        packed = await self._packed(namespace, name, nodes.FILE, NodesError)
        return NodesState.unpack(packed) if packed else NodesState()

    async def write_nodes(self, namespace: str, name: str, state: NodesState) -> None:
        await self._put(namespace, name, nodes.FILE, state.pack())

    async def _packed(self, namespace: str, name: str, key: str, error: type[ValueError]) -> bytes:
        data = (await self._api.get(_path(namespace, name), _place(name))).get("binaryData") or {}
        try:
            return base64.b64decode(data[key], validate=True) if data.get(key) else b""
        except binascii.Error as mistake:
            raise error("it is no base64") from mistake

    async def _put(self, namespace: str, name: str, key: str, packed: bytes) -> None:
        change = {"binaryData": {key: base64.b64encode(packed).decode()}}
        await self._api.patch(_path(namespace, name), _place(name), change)


def _path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps/{name}"


def _place(name: str) -> str:
    return f"the ConfigMap {name}"
