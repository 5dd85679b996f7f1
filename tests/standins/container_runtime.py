"""Stands in for a node's container runtime: the Container Runtime Interface over gRPC on a unix socket, as far as the purger speaks it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Server, Stream
from jldhub.images.purger.messages import CLASSES


class ContainerRuntime:
    """`images` and `containers` are the fields of what it lists. Like a real one it removes what is in use, too.

    `faults` are by method: a status with which it refuses, or seconds that it takes. `asked` is called before each answer.
    """

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.images: list[dict[str, Any]] = []
        self.containers: list[dict[str, Any]] = []
        self.removed: list[str] = []
        self.requests: list[str] = []
        self.faults: dict[str, Status | float] = {}
        self.asked: Callable[[str], None] = lambda method: None

    async def __aenter__(self) -> Self:
        self._server = Server([self])  # type: ignore[list-item]
        await self._server.start(path=str(self.socket))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def __mapping__(self) -> dict[str, Handler]:
        answers: dict[str, Callable[[Any], dict[str, Any]]] = {
            "ImageService/ListImages": lambda _: {"images": self.images},
            "RuntimeService/ListContainers": lambda _: {"containers": self.containers},
            "ImageService/RemoveImage": self._remove,
        }
        return {
            f"/runtime.v1.{path}": self._handler(path.rpartition("/")[2], answer) for path, answer in answers.items()
        }

    def _handler(self, method: str, answer: Callable[[Any], dict[str, Any]]) -> Handler:
        request_class, response_class = CLASSES[f"{method}Request"], CLASSES[f"{method}Response"]

        async def handle(stream: Stream[Any, Any]) -> None:
            request = await stream.recv_message()
            self.requests.append(method)
            self.asked(method)
            fault = self.faults.get(method)
            if isinstance(fault, Status):
                raise GRPCError(fault, "as it was told")
            if fault:
                await asyncio.sleep(fault)
            await stream.send_message(response_class(**answer(request)))

        return Handler(handle, Cardinality.UNARY_UNARY, request_class, response_class)

    def _remove(self, request: Any) -> dict[str, Any]:
        self.removed.append(request.image.image)
        self.images = [image for image in self.images if image["id"] != request.image.image]
        return {}
