"""Plays logstash: lumberjack in, RabbitMQ out without confirmations, as logstash's own output publishes.

It is the relay's server with another end: an event is acknowledged to filebeat when it is in a queue on the disk, as with logstash's persisted
queue. From there it goes on to RabbitMQ, as the pipeline says, and nobody confirms it; what could not be written is tried again. After
a kill the queue is read from where it was a second ago.

    python tests/standins/logstash.py PIPELINE SECRETS PORT QUEUE
"""

import asyncio
import ctypes
import logging
import os
import re
import signal
import sys
import time
from collections import deque
from pathlib import Path

import aiormq
from aiormq.abc import AbstractChannel
from jldlogging.relay.metrics import Metrics
from jldlogging.relay.server import Server, listen
from jldlogging.relay.settings import Files
from jldlogging.relay.tls import TlsFiles
from pamqp.commands import Basic
from yarl import URL

_AGAIN = 1.0  # seconds
_CERTAIN = 1.0  # seconds after which what was written is taken for out of this process
_MARKED_EVERY = 0.1  # seconds
_MOST_BYTES = 16 * 2**20  # in the queue
_PAGE = 4 * 2**20  # bytes
_LIBC = ctypes.CDLL(None, use_errno=True)
_PUNCH_HOLE = 0x01 | 0x02  # FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE of linux/falloc.h


class DiskQueue:
    """Events in a file, and in another one how far they were handed on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._mark = folder / "handed-on"
        self._file = (folder / "events").open("a+b", buffering=0)
        self._next = (
            int(self._mark.read_text() or 0) if self._mark.exists() else 0
        )  # the place of the first event to hand on
        self._end = self._file.seek(0, os.SEEK_END)
        self._given_back = 0  # up to here
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()
        self._marks: deque[tuple[float, int]] = deque()
        self._marked = 0.0

    async def add(self, event: bytes) -> None:
        """Waits while there is no room."""
        async with self._turn:  # one of thousands: all of them would look again for each event that goes
            while self._end - self._next > _MOST_BYTES:
                self._changed.clear()
                await self._changed.wait()
            self._end += self._file.write(len(event).to_bytes(4) + event)
        self._changed.set()

    async def first(self) -> bytes:
        while self._next == self._end:
            self._changed.clear()
            await self._changed.wait()
        size = int.from_bytes(os.pread(self._file.fileno(), 4, self._next))
        return os.pread(self._file.fileno(), size, self._next + 4)

    def handed_on(self, event: bytes) -> None:
        """What was written a moment ago may still be in this process alone."""
        self._next += 4 + len(event)
        self._changed.set()
        now = time.monotonic()
        self._marks.append((now, self._next))
        if now - self._marked < _MARKED_EVERY:
            return
        place = None
        while self._marks and now - self._marks[0][0] > _CERTAIN:
            place = self._marks.popleft()[1]
        if place is not None:
            self._marked = now
            part = self._mark.with_suffix(".part")
            part.write_text(str(place))
            part.rename(self._mark)
            self._give_back(place)

    def _give_back(self, place: int) -> None:
        """The disk that events took which nobody needs any more, as logstash deletes its pages."""
        if place - self._given_back > _PAGE:
            size = ctypes.c_long(place - self._given_back)
            _LIBC.fallocate(self._file.fileno(), _PUNCH_HOLE, ctypes.c_long(self._given_back), size)
            self._given_back = place


class Output:
    """logstash's output to RabbitMQ: publish, and try again after a while where that failed."""

    def __init__(self, pipeline: str, queue: DiskQueue) -> None:
        options = dict(
            re.findall(r'^    (\w+) => "?([^"\n]+)"?$', pipeline, re.MULTILINE)
        )  # those of the output come last
        self._exchange, self._key, self._queue = options["exchange"], options["key"], queue
        self._url = URL.build(
            scheme="amqp",
            user=options["user"],
            password=options["password"],
            host=options["host"],
            port=int(options["port"]),
            path=f"/{options['vhost']}",
        )
        self._channel: AbstractChannel | None = None

    async def run(self) -> None:
        while True:
            event = await self._queue.first()
            try:
                channel = await self._connected()
                await channel.basic_publish(
                    event,
                    exchange=self._exchange,
                    routing_key=self._key,
                    properties=Basic.Properties(delivery_mode=2, content_type="application/json"),
                )
            except (aiormq.exceptions.AMQPError, OSError, RuntimeError):
                self._channel = None
                await asyncio.sleep(_AGAIN)
            else:
                self._queue.handed_on(event)

    async def _connected(self) -> AbstractChannel:
        if self._channel is None or self._channel.is_closed:
            connection = await aiormq.connect(self._url)
            self._channel = await connection.channel(publisher_confirms=False)
            await self._channel.exchange_declare(self._exchange, exchange_type="direct", durable=True)
        return self._channel


async def run(pipeline: Path, secrets: Path, port: int, folder: Path) -> None:
    queue = DiskQueue(folder)
    server = Server(queue.add, TlsFiles(Files(secrets)), Metrics())
    async with asyncio.TaskGroup() as group:
        group.create_task(Output(pipeline.read_text(), queue).run())
        group.create_task(listen(server, port))


if __name__ == "__main__":
    # A container's first process has no default. What this one has is on the disk.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
