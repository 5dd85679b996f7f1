"""The spawn queue: it limits concurrent spawns, first in, first out."""

import asyncio

from jldhub.support.metrics import WAITING


class SpawnQueue:
    """A number of slots for concurrent spawns. Starts without a free slot wait in order of arrival."""

    def __init__(self, slots: int) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._waiting: list[QueuePlace] = []

    def ahead(self, place: "QueuePlace") -> int | None:
        """The position in the queue: the number of starts before this one. None for one that does not wait."""
        return self._waiting.index(place) if place in self._waiting else None

    async def wait(self, place: "QueuePlace") -> None:
        """Wait for a slot. A start that is cancelled meanwhile takes none."""
        self._waiting.append(place)
        WAITING.inc()
        try:
            await self._slots.acquire()
        finally:
            self._waiting.remove(place)
            WAITING.dec()

    def release(self) -> None:
        """Give a slot back."""
        self._slots.release()


class QueuePlace:
    """The place of one start: a position in the queue, and then a slot."""

    def __init__(self, queue: SpawnQueue) -> None:
        self._queue = queue
        self._held = False

    @property
    def ahead(self) -> int | None:
        """The number of starts before this one. None while it does not wait."""
        return self._queue.ahead(self)

    async def take(self) -> None:
        """Wait for a slot and hold it."""
        await self._queue.wait(self)
        self._held = True

    def leave(self) -> None:
        """Give the slot back. Does nothing without one, so that it may be called repeatedly."""
        if self._held:
            self._held = False
            self._queue.release()
