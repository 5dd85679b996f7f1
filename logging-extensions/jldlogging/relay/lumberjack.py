"""The protocol between filebeat and logstash: lumberjack, version 2.

A client sends windows: the number of events, then each event with its place in the window (from 1 on), often compressed
together. The server answers with the place up to which it answers for the events; 0 says only that it still works on them.
Source: the protocol's description in github.com/logstash-plugins/logstash-input-beats and github.com/elastic/go-lumber.
"""

import asyncio
import struct
import zlib

PORT = 5044
# Far above what filebeat sends: 2,048 events a window, and 2 MiB a line, which JSON can make six times as long.
MAX_WINDOW = 100_000  # events
MAX_EVENT = 32 * 2**20  # bytes
_CHUNK = 2**16
_VERSION = ord("2")


class ProtocolError(Exception):
    """What came is not lumberjack 2, or more than is taken. The connection is of no use any more."""


class Windows:
    """The windows of one connection. An event is held once it is whole, however large its window is."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._inflated: _Inflated | None = None

    async def next(self) -> int | None:
        """The number of events of the next window; None where the client has closed the connection."""
        try:
            kind = await self._kind()
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return None
        if kind != b"W":
            raise ProtocolError(f"a window should begin, and not {kind!r}")
        count = await self._number()
        if count > MAX_WINDOW:
            raise ProtocolError(f"a window of {count} events; {MAX_WINDOW} are taken")
        return count

    async def event(self) -> tuple[int, bytes]:
        """The next event of the window: its place, and its JSON as filebeat wrote it."""
        kind = await self._kind()
        while kind == b"C":
            if self._inflated:
                raise ProtocolError("compressed inside of what is compressed")
            self._inflated = _Inflated(self._stream, await self._number())
            kind = await self._kind()
        if kind != b"J":
            raise ProtocolError(f"an event should follow, and not {kind!r}")
        place, size = struct.unpack(">II", await self._exactly(8))
        if size > MAX_EVENT:
            raise ProtocolError(f"an event of {size} bytes; {MAX_EVENT} are taken")
        return place, await self._exactly(size)

    async def _kind(self) -> bytes:
        if self._inflated and await self._inflated.is_over():
            self._inflated = None
        version, kind = struct.unpack("Bc", await self._exactly(2))
        if version != _VERSION:
            raise ProtocolError("this is not version 2 of lumberjack, which filebeat and newer Beats speak")
        return bytes(kind)

    async def _number(self) -> int:
        return int.from_bytes(await self._exactly(4))

    async def _exactly(self, size: int) -> bytes:
        source = self._inflated or self._stream
        return await source.readexactly(size)


class _Inflated:
    """A compressed part of the stream, read as it is asked for: a small one may hold very much."""

    def __init__(self, stream: asyncio.StreamReader, size: int) -> None:
        self._stream = stream
        self._left = size  # compressed bytes that were not read yet
        self._zlib = zlib.decompressobj()
        self._plain = bytearray()

    async def readexactly(self, size: int) -> bytes:
        while len(self._plain) < size:
            if not await self._more():
                raise ProtocolError("what is compressed ends in the middle of an event")
        plain = bytes(self._plain[:size])
        del self._plain[:size]
        return plain

    async def is_over(self) -> bool:
        return not self._plain and not await self._more()

    async def _more(self) -> bool:
        """Inflate a part. False when there is nothing more."""
        while True:
            compressed = self._zlib.unconsumed_tail
            if not compressed and self._left:
                compressed = await self._stream.readexactly(min(self._left, _CHUNK))
                self._left -= len(compressed)
            try:
                plain = self._zlib.decompress(compressed, _CHUNK)
            except zlib.error as error:
                raise ProtocolError(f"what is compressed is damaged ({error})") from None
            self._plain += plain
            if plain:
                return True
            if not self._left and not self._zlib.unconsumed_tail:
                return False


def acknowledgement(place: int) -> bytes:
    """What the server sends for the events up to `place` of a window."""
    return b"2A" + place.to_bytes(4)
