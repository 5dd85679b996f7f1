"""Many requests and WebSockets with one person's session, from a thread with an event loop of its own: playwright has the other."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from .person import Person

Result = TypeVar("Result")


@dataclass
class Stream:
    """Requests, one after the other in each of several workers, until it is told to stop."""

    done: int = 0
    failures: list[str] = field(default_factory=list)
    stopping: bool = False
    workers: list[asyncio.Task[None]] = field(default_factory=list)


@dataclass
class WebSockets:
    """Open WebSockets, and the tasks that end when they are lost."""

    listeners: list[asyncio.Task[None]]

    @property
    def lost(self) -> int:
        return sum(listener.done() for listener in self.listeners)


class Load:
    """Use as a context manager; what is still open at its end is closed."""

    def __init__(self, person: Person, path: str) -> None:
        """The session's cookies are those that the browser sends to `path`."""
        release = person.release
        self._site, self._node = str(release.site["global"]["hostname"]), release.node_address
        self._trust = ssl.create_default_context(cafile=str(release.ca))
        self._headers = {"Cookie": person.cookie_header(path)}
        self._sessions: list[aiohttp.ClientSession] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def stream(self, path: str, port: int, workers: int, *, new_connections: bool = False) -> Stream:
        """Begin to ask for `path` at a port of the node, over connections that are kept, or over a new one each time."""
        return self._run(self._stream(f"https://{self._site}:{port}{path}", workers, new_connections))

    def end(self, stream: Stream) -> Stream:
        """Let the requests that are under way end."""
        stream.stopping = True
        self._run(_all(stream.workers))
        return stream

    def answers(self, path: str, port: int) -> bool:
        """Whether one request over a new connection succeeds, within a second: an address that is gone never answers."""
        stream = self.stream(path, port, 0)
        self._run(_ask_once(stream, self._sessions[-1], f"https://{self._site}:{port}{path}", 1))
        return not stream.failures

    def web_sockets(self, path: str, port: int, count: int) -> WebSockets:
        """Open WebSockets that ask whether the other side is there, which is not when it is silent for ten seconds."""
        return self._run(self._web_sockets(f"wss://{self._site}:{port}{path}", count))

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(180)

    def _session(self, new_connections: bool = False) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._trust, resolver=_OneAddress(self._node), limit=0, force_close=new_connections
        )
        self._sessions.append(aiohttp.ClientSession(connector=connector, headers=self._headers))
        return self._sessions[-1]

    async def _stream(self, url: str, workers: int, new_connections: bool) -> Stream:
        stream, session = Stream(), self._session(new_connections)
        stream.workers = [asyncio.create_task(_ask(stream, session, url)) for _ in range(workers)]
        return stream

    async def _web_sockets(self, url: str, count: int) -> WebSockets:
        session = self._session()
        opened = [await session.ws_connect(url, heartbeat=20) for _ in range(count)]
        return WebSockets([asyncio.create_task(_listen(each)) for each in opened])

    async def _close(self) -> None:
        for session in self._sessions:
            await session.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _OneAddress(AbstractResolver):
    """Every name is the node."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        result = ResolveResult(hostname=host, host=self._address, port=port, family=socket.AF_INET, proto=0, flags=0)
        return [result]

    async def close(self) -> None:
        """Nothing is open."""


async def _ask_once(stream: Stream, session: aiohttp.ClientSession, url: str, seconds: float = 20) -> None:
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with session.get(url, allow_redirects=False, timeout=timeout) as answer:
            await answer.read()
            if answer.status != 200:
                stream.failures.append(f"{answer.status}")
    except (aiohttp.ClientError, OSError, TimeoutError) as lost:
        stream.failures.append(f"{type(lost).__name__}: {lost}")
    stream.done += 1


async def _ask(stream: Stream, session: aiohttp.ClientSession, url: str) -> None:
    while not stream.stopping:
        await _ask_once(stream, session, url)


async def _listen(stream: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in stream:
        pass


async def _all(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks)
