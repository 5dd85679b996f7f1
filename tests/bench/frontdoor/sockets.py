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
    connected: float  # seconds until all were open


async def echo(request: web.Request) -> web.WebSocketResponse:
    stream = web.WebSocketResponse(compress=False)
    await stream.prepare(request)
    async for message in stream:
        await stream.send_str(message.data)
    return stream


async def measure(peer, path: str, count: int, seconds: int) -> Sample:  # type: ignore[no-untyped-def]
    """Open `count` at `path`, then send a thousand messages a second at most, each over the next of them, and read the echoes."""
    async with session() as client:
        started = time.monotonic()
        streams = await open_all(client, f"{peer.url}{path}", count)
        connected = time.monotonic() - started
        before = peer.cpu_seconds()
        messages = await talk(streams, seconds)
        cpu = (peer.cpu_seconds() - before) / messages * 1e6
    return Sample(cpu, connected)


async def memory(peer, url: str, count: int) -> float:  # type: ignore[no-untyped-def]
    """kB of the proxy's memory for one open WebSocket. One that had others before has their memory still, and would seem to take none."""
    async with session() as client:
        empty = peer.memory()
        await open_all(client, url, count)
        return float(peer.memory() - empty) * 1024 / count


def session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True, ssl=False))


async def open_all(session: aiohttp.ClientSession, url: str, count: int) -> list[aiohttp.ClientWebSocketResponse]:
    """With the cookies of a browser."""
    headers = {"Cookie": f"session={'x' * 1500}"}
    streams: list[aiohttp.ClientWebSocketResponse] = []
    for start in range(0, count, 50):
        together = (session.ws_connect(url, compress=0, headers=headers) for _ in range(min(50, count - start)))
        streams += await asyncio.gather(*together)
    return streams


def median(samples: list[Sample]) -> Sample:
    """Of each number by itself."""
    each = zip(*((sample.cpu, sample.connected) for sample in samples), strict=True)
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
