"""WebSockets: many that are open, some messages through each, and what both cost the proxy.

As a program (`python sockets.py PORT`) it is the echo behind the proxies.
"""

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass

import aiohttp
from aiohttp import web

MESSAGE = "x" * 300  # about what a kernel sends for a line of output
TICK = 0.001  # one message each, so that no proxy finds several at once


@dataclass(frozen=True)
class Sample:
    cpu: float  # microseconds of the proxy's processor time for one message, in either direction
    idle: float  # kB of the proxy's memory for one open WebSocket
    connected: float  # seconds until all were open


async def echo(request: web.Request) -> web.WebSocketResponse:
    stream = web.WebSocketResponse(compress=False)
    await stream.prepare(request)
    async for message in stream:
        await stream.send_str(message.data)
    return stream


async def measure(peer, path: str, count: int, seconds: int) -> Sample:  # type: ignore[no-untyped-def]
    """Open `count` at `path`, then send a thousand messages a second at most, each over the next of them, and read the echoes."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        empty, started = peer.memory(), time.monotonic()
        streams = []
        for start in range(0, count, 50):
            together = (session.ws_connect(f"{peer.url}{path}", compress=0) for _ in range(min(50, count - start)))
            streams += await asyncio.gather(*together)
        connected = time.monotonic() - started
        idle = (peer.memory() - empty) * 1024 / count
        before = peer.cpu_seconds()
        messages = await talk(streams, seconds)
        cpu = (peer.cpu_seconds() - before) / messages * 1e6
    return Sample(cpu, idle, connected)


def median(samples: list[Sample]) -> Sample:
    """Of each number by itself."""
    each = zip(*((sample.cpu, sample.idle, sample.connected) for sample in samples), strict=True)
    return Sample(*map(statistics.median, each))


async def talk(streams: list[aiohttp.ClientWebSocketResponse], seconds: int) -> int:
    """How many messages there were, there and back."""
    readers = [asyncio.create_task(read(stream)) for stream in streams]
    deadline, sent, next_tick = time.monotonic() + seconds, 0, time.monotonic()
    while time.monotonic() < deadline:
        await streams[sent % len(streams)].send_str(MESSAGE)
        sent += 1
        next_tick += TICK
        await asyncio.sleep(max(0.0, next_tick - time.monotonic()))
    for stream in streams:
        await stream.close()  # its echoes come before its end
    received = sum(await asyncio.gather(*readers))
    return sent + received


async def read(stream: aiohttp.ClientWebSocketResponse) -> int:
    """How many messages came."""
    return len([message async for message in stream])


if __name__ == "__main__":
    application = web.Application()
    application.router.add_get("/{path:.*}", echo)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
