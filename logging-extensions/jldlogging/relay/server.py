"""What filebeat connects to: it is told of a window when each of its events is safe."""

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from jldlogging.relay.lumberjack import ProtocolError, Windows, acknowledgement
from jldlogging.relay.metrics import Metrics
from jldlogging.relay.tls import TlsFiles

KEEP_ALIVE = 5.0  # seconds; filebeat takes 30 without an answer for a dead server
_WINDOWS_AHEAD = 4  # windows of a connection that are read before the first of them is answered; filebeat sends two
_BYTES_HELD = 64 * 2**20  # of events of all connections that the broker has not confirmed

_HANDSHAKE_WITHIN = 20.0  # seconds
_SAID_AGAIN = 300.0  # seconds
_MOST_SAID = 1000  # reasons that are remembered

log = logging.getLogger("jldlogging.relay")
Deliver = Callable[[bytes], Coroutine[Any, Any, None]]


class Room:
    """How many bytes may be held. One event is always taken, however large it is."""

    def __init__(self, limit: int = _BYTES_HELD) -> None:
        self._limit, self.held = limit, 0
        self._changed = asyncio.Event()

    async def take(self, size: int) -> None:
        while self.held and self.held + size > self._limit:
            self._changed.clear()
            await self._changed.wait()
        self.held += size

    def give_back(self, size: int) -> None:
        self.held -= size
        self._changed.set()


@dataclass
class _Window:
    last: int  # the place of its last event
    delivering: list[asyncio.Task[None]]


class Server:
    """The connections of all filebeats."""

    def __init__(self, deliver: Deliver, tls: TlsFiles, metrics: Metrics, room: Room | None = None) -> None:
        self._deliver, self._tls, self._metrics, self._room = deliver, tls, metrics, room or Room()
        self._connections: set[asyncio.Task[None]] = set()
        self._said: dict[tuple[str, str], float] = {}  # why whom was sent away, and when it was said
        self._ending = asyncio.Event()

    async def connected(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends; asyncio.start_server calls it."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio has made one
        peer = (writer.get_extra_info("peername") or ("?",))[0]
        try:
            # Not by asyncio.start_server, which says nothing of who is refused, and why: under TLS 1.3 filebeat does not know it.
            await writer.start_tls(self._tls.context(), ssl_handshake_timeout=_HANDSHAKE_WITHIN)
        except ConnectionError:
            writer.close()  # somebody who only looked whether the port is open
            return
        except OSError as error:
            self._refused(peer, _why_refused(error))
            writer.close()
            return
        self._connections.add(task)
        self._metrics.connections.inc()
        windows: asyncio.Queue[_Window | None] = asyncio.Queue(_WINDOWS_AHEAD)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(Windows(stream), windows))
                group.create_task(self._answer(windows, writer))
        except* ProtocolError as errors:
            self._refused(peer, str(errors.exceptions[0]))
        except* (OSError, asyncio.IncompleteReadError):
            pass  # it is gone, and sends again what it was not told of
        finally:
            self._connections.discard(task)
            self._metrics.connections.dec()
            while not windows.empty():
                _cancel(windows.get_nowait())
            writer.close()

    async def end(self, seconds: float) -> None:
        """Take nothing more, and answer what was taken, as far as the time is enough."""
        self._ending.set()
        if self._connections:
            await asyncio.wait(self._connections, timeout=seconds)
        for task in self._connections:
            task.cancel()

    def _refused(self, peer: str, why: str) -> None:
        """Once for each client and reason, and again after a while: filebeat tries every few seconds."""
        self._metrics.refused.inc()
        now = time.monotonic()
        if now - self._said.get((peer, why), -_SAID_AGAIN) >= _SAID_AGAIN:
            log.warning("%s is sent away: %s", peer, why)
            self._said[peer, why] = now
            while len(self._said) > _MOST_SAID:
                del self._said[next(iter(self._said))]

    async def _read(self, windows: Windows, read: asyncio.Queue[_Window | None]) -> None:
        while not self._ending.is_set():
            count = await _or_none(windows.next(), self._ending)
            if count is None:
                break
            window = _Window(0, [])
            try:
                for _ in range(count):
                    window.last, event = await windows.event()
                    await self._room.take(len(event))
                    window.delivering.append(self._hand_over(event))
                await read.put(window)
            except BaseException:
                _cancel(window)
                raise
        await read.put(None)

    def _hand_over(self, event: bytes) -> asyncio.Task[None]:
        self._metrics.received.inc()
        self._metrics.waiting.inc()
        task = asyncio.create_task(self._deliver(event))
        # Not in the task itself: one that is cancelled early never begins.
        task.add_done_callback(partial(self._is_over, len(event)))
        return task

    def _is_over(self, size: int, task: asyncio.Task[None]) -> None:
        self._room.give_back(size)
        self._metrics.waiting.dec()
        if not task.cancelled() and task.exception() is None:
            self._metrics.confirmed.inc()

    async def _answer(self, read: asyncio.Queue[_Window | None], writer: asyncio.StreamWriter) -> None:
        while window := await read.get():
            try:
                await self._wait(window, writer)
            except BaseException:
                _cancel(window)
                raise
            writer.write(acknowledgement(window.last))
            await writer.drain()

    async def _wait(self, window: _Window, writer: asyncio.StreamWriter) -> None:
        """Until each event is safe. Now and then filebeat hears that it is worked on."""
        waiting: set[asyncio.Task[None]] = set(window.delivering)
        while waiting:
            done, waiting = await asyncio.wait(waiting, timeout=KEEP_ALIVE)
            for task in done:
                task.result()
            if waiting:
                writer.write(acknowledgement(0))
                await writer.drain()


async def _or_none(waiting: Awaitable[int | None], ending: asyncio.Event) -> int | None:
    """What is waited for, or None where the program ends first."""
    next_one, end = asyncio.ensure_future(waiting), asyncio.create_task(ending.wait())
    try:
        await asyncio.wait([next_one, end], return_when=asyncio.FIRST_COMPLETED)
        return next_one.result() if next_one.done() else None
    finally:
        next_one.cancel()
        end.cancel()


def _why_refused(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not good ({error.verify_message}); write the values again with `jld values`, or renew the files "
            "of logging.tls, and upgrade the release"
        )
    if isinstance(error, ssl.SSLError) and "PEER_DID_NOT_RETURN" in str(error):
        return "it shows no certificate"
    return f"no TLS with it ({getattr(error, 'reason', None) or type(error).__name__})"


def _cancel(window: _Window | None) -> None:
    for task in window.delivering if window else ():
        task.cancel()


async def listen(server: Server, port: int) -> None:
    """Serve until it is cancelled."""
    async with await asyncio.start_server(server.connected, port=port) as listening:
        log.info("Listening at port %d", port)
        await listening.serve_forever()
