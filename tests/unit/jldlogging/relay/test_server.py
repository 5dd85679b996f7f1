"""A window is acknowledged when each of its events is safe, and not before; who sends nonsense is sent away."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from jldlogging.relay import server as relay_server
from jldlogging.relay.lumberjack import acknowledgement
from jldlogging.relay.metrics import Metrics
from jldlogging.relay.server import Room, Server
from jldlogging.relay.settings import Files
from jldlogging.relay.tls import TlsFiles

from tests.ports import free_port

from .frames import window


class Safe:
    """Where events go: each is safe once it is let."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.let = asyncio.Event()

    async def deliver(self, event: bytes) -> None:
        self.events.append(event)
        await self.let.wait()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> Files:
    write(tmp_path, authority)
    return Files(tmp_path)


def write(folder: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(str(folder / "caCertificate"))
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(str(folder / "serverCertificate"))
    issued.private_key_pem.write_to_path(str(folder / "serverKey"))


def client_tls(authority: trustme.CA, signer: trustme.CA | None = None, shows: bool = True) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if shows:
        (signer or authority).issue_cert("filebeat").configure_cert(context)
    return context


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[int]:
    port = free_port()
    task = asyncio.create_task(relay_server.listen(server, port))
    await asyncio.sleep(0.05)
    try:
        yield port
    finally:
        task.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def send(port: int, context: ssl.SSLContext) -> None:
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    writer.write(window([b"a"]))
    await reader.readexactly(6)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def test_windows_are_acknowledged_in_order_once_all_their_events_are_safe(
    files: Files, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_server, "KEEP_ALIVE", 0.1)

    async def main() -> None:
        safe = Safe()
        server = Server(safe.deliver, TlsFiles(files), Metrics())
        async with serving(server) as port:
            reader, writer = await asyncio.open_connection("localhost", port, ssl=client_tls(authority))
            writer.write(window([b"a", b"b"]) + window([b"c"], compressed=True))
            await until(lambda: safe.events == [b"a", b"b", b"c"])
            assert await reader.readexactly(6) == acknowledgement(0)  # it still works on them
            safe.let.set()
            answer = acknowledgement(0)
            while answer == acknowledgement(0):
                answer = await reader.readexactly(6)
            assert answer == acknowledgement(2)
            assert await reader.readexactly(6) == acknowledgement(1)
            writer.close()

    run(main())


def test_what_was_taken_is_answered_before_the_end(files: Files, authority: trustme.CA) -> None:
    async def main() -> None:
        safe = Safe()
        server = Server(safe.deliver, TlsFiles(files), Metrics())
        async with serving(server) as port:
            reader, writer = await asyncio.open_connection("localhost", port, ssl=client_tls(authority))
            writer.write(window([b"a"]))
            await until(lambda: safe.events == [b"a"])
            ending = asyncio.create_task(server.end(20))
            await asyncio.sleep(0.1)
            safe.let.set()
            assert await reader.readexactly(6) == acknowledgement(1)
            await ending
            assert await reader.read() == b""  # and then the connection is closed
            writer.close()

    run(main())


def test_no_more_is_held_than_there_is_room_for(files: Files, authority: trustme.CA) -> None:
    async def main() -> None:
        safe = Safe()
        server = Server(safe.deliver, TlsFiles(files), Metrics(), Room(1000))
        async with serving(server) as port:
            reader, writer = await asyncio.open_connection("localhost", port, ssl=client_tls(authority))
            writer.write(window([b"x" * 400] * 10))
            await until(lambda: len(safe.events) == 2)
            await asyncio.sleep(0.1)
            assert len(safe.events) == 2
            safe.let.set()
            assert await reader.readexactly(6) == acknowledgement(10)
            writer.close()

    run(main())


def test_connections_that_break_leave_nothing_behind(files: Files, authority: trustme.CA) -> None:
    """Also not where an event's delivery had not begun."""

    async def main() -> None:
        safe, metrics, room = Safe(), Metrics(), Room(10**6)
        server = Server(safe.deliver, TlsFiles(files), metrics, room)
        async with serving(server) as port:
            for _ in range(10):
                _, writer = await asyncio.open_connection("localhost", port, ssl=client_tls(authority))
                writer.write(window([b"x" * 500] * 300) + b"nonsense")
                await writer.drain()
                writer.transport.abort()
            await until(lambda: metrics.registry.get_sample_value("jld_logging_relay_connections") == 0)
            await until(lambda: metrics.registry.get_sample_value("jld_logging_relay_events_waiting") == 0)
        assert room.held == 0

    run(main())


@pytest.mark.parametrize("content", [b"GET / HTTP/1.1\r\n\r\n", b"2J" + bytes(8), b"2W\xff\xff\xff\xff"])
def test_who_sends_nonsense_is_sent_away_and_told_of_once(
    files: Files, authority: trustme.CA, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        metrics = Metrics()
        server = Server(Safe().deliver, TlsFiles(files), metrics)
        async with serving(server) as port:
            for _ in range(3):
                reader, writer = await asyncio.open_connection("localhost", port, ssl=client_tls(authority))
                writer.write(content)
                assert await reader.read() == b""
                writer.close()
        assert metrics.registry.get_sample_value("jld_logging_relay_connections_refused_total") == 3
        assert metrics.registry.get_sample_value("jld_logging_relay_connections") == 0

    run(main())
    assert len([record for record in caplog.records if "is sent away" in record.message]) == 1


@pytest.mark.parametrize(
    ("shows", "sentence"),
    [(True, "its certificate is not good"), (False, "it shows no certificate")],
    ids=["of a stranger", "none"],
)
def test_nobody_without_a_certificate_gets_in(
    files: Files, authority: trustme.CA, shows: bool, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        safe = Safe()
        async with serving(Server(safe.deliver, TlsFiles(files), Metrics())) as port:
            context = client_tls(authority, trustme.CA(), shows)
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                await send(port, context)
            await until(lambda: any(sentence in record.message for record in caplog.records))
        assert safe.events == []

    run(main())


def test_a_renewed_certificate_is_shown_to_the_next_who_connects(files: Files, authority: trustme.CA) -> None:
    async def main() -> None:
        safe = Safe()
        safe.let.set()
        other = trustme.CA()
        async with serving(Server(safe.deliver, TlsFiles(files), Metrics())) as port:
            for known in (authority, other):
                write(files.folder, known)
                reader, writer = await asyncio.open_connection("localhost", port, ssl=client_tls(known))
                writer.write(window([b"a"]))
                assert await reader.readexactly(6) == acknowledgement(1)
                writer.close()

    run(main())


def test_who_only_looks_at_the_port_is_not_told_of(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with serving(Server(Safe().deliver, TlsFiles(files), Metrics())) as port:
            _, writer = await asyncio.open_connection("localhost", port)
            writer.close()
            await asyncio.sleep(0.2)

    run(main())
    assert [record.message for record in caplog.records if "sent away" in record.message] == []
