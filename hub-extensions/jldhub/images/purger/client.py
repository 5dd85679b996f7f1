"""Asks the container runtime of the node, over its socket."""

import asyncio
from typing import Any

from google.protobuf.message import DecodeError
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from jldhub.images.purger.choosing import Image, Used
from jldhub.images.purger.messages import CLASSES

SECONDS = 60.0  # for one answer; a runtime that deletes layers of 8 GB takes some


class RuntimeUnavailable(Exception):
    """The runtime does not answer, or not as it should. The message says what was asked, and what came."""


class Runtime:
    """Requests to one runtime. Each raises RuntimeUnavailable."""

    def __init__(self, socket: str, seconds: float = SECONDS) -> None:
        self._socket, self._seconds = socket, seconds
        self._channel = Channel(path=socket)

    def close(self) -> None:
        self._channel.close()

    async def images(self) -> list[Image]:
        answer = await self._ask("ImageService", "ListImages")
        return [Image(each.id, (*each.repo_tags, *each.repo_digests), each.size, each.pinned) for each in answer.images]

    async def used(self) -> Used:
        """What all containers use, in whatever state they are."""
        answer = await self._ask("RuntimeService", "ListContainers")
        found = answer.containers
        return Used.of(each for one in found for each in (one.image.image, one.image_ref, one.image_id))

    async def remove(self, image: Image) -> None:
        """Remove it with all its names."""
        await self._ask("ImageService", "RemoveImage", image={"image": image.id})

    async def _ask(self, service: str, method: str, **fields: Any) -> Any:
        request, response = CLASSES[f"{method}Request"], CLASSES[f"{method}Response"]
        call = UnaryUnaryMethod[Any, Any](self._channel, f"/runtime.v1.{service}/{method}", request, response)
        place = f"{method} at {self._socket}"
        try:
            async with asyncio.timeout(self._seconds):
                return await call(request(**fields))
        except TimeoutError as failure:
            raise RuntimeUnavailable(f"{place}: no answer in {self._seconds:g} s") from failure
        except GRPCError as failure:
            raise RuntimeUnavailable(f"{place}: {failure.status.name}: {failure.message or 'no message'}") from failure
        except (OSError, ProtocolError, StreamTerminatedError, DecodeError) as failure:
            raise RuntimeUnavailable(f"{place}: {type(failure).__name__}: {failure}") from failure
