"""Starts wait in line: Kubernetes is asked for a few labs at a time, in the order in which people came."""

import asyncio

from jldhub.support.metrics import WAITING


class SpawnQueue:
    """A number of places. Whoever finds none free waits, and nobody overtakes."""

    def __init__(self, places: int) -> None:
        self._free = asyncio.Semaphore(places)
        self._waiting: list[QueuePlace] = []

    def ahead(self, place: "QueuePlace") -> int | None:
        """How many wait in front of this one; nothing for one that does not wait."""
        return self._waiting.index(place) if place in self._waiting else None

    async def wait(self, place: "QueuePlace") -> None:
        """Until a place is free. Whoever is cancelled meanwhile takes none from the others."""
        self._waiting.append(place)
        WAITING.inc()
        try:
            await self._free.acquire()
        finally:
            self._waiting.remove(place)
            WAITING.dec()

    def free(self) -> None:
        self._free.release()


class QueuePlace:
    """One start's place in the line."""

    def __init__(self, line: SpawnQueue) -> None:
        self._queue = line
        self._held = False

    @property
    def ahead(self) -> int | None:
        return self._queue.ahead(self)

    async def take(self) -> None:
        await self._queue.wait(self)
        self._held = True

    def leave(self) -> None:
        """As often as one likes; also by one who never had a place."""
        if self._held:
            self._held = False
            self._queue.free()
