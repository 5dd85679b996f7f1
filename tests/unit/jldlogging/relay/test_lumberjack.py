"""Windows of events are read as filebeat wrote them, and anything else ends the connection with a sentence."""

import asyncio
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldlogging.relay import lumberjack
from jldlogging.relay.lumberjack import ProtocolError, Windows, acknowledgement

from .frames import stream, window

EVENTS = st.lists(st.binary(max_size=300), max_size=20)


async def read_all(content: bytes) -> list[list[bytes]]:
    windows, found = Windows(stream(content)), []
    while (count := await windows.next()) is not None:
        events = [await windows.event() for _ in range(count)]
        assert [place for place, _ in events] == list(range(1, count + 1))
        found.append([event for _, event in events])
    return found


@given(st.lists(st.tuples(EVENTS, st.booleans()), max_size=5))
def test_each_event_of_each_window_is_read(windows: list[tuple[list[bytes], bool]]) -> None:
    content = b"".join(window(events, compressed and bool(events)) for events, compressed in windows)
    assert asyncio.run(read_all(content)) == [events for events, _ in windows]


@given(st.binary(max_size=200))
def test_no_garbage_is_taken_for_events(content: bytes) -> None:
    try:
        asyncio.run(read_all(content))
    except (ProtocolError, asyncio.IncompleteReadError):
        return
    assert content == b"" or content.startswith(b"2W")


@given(EVENTS.filter(bool), st.booleans(), st.data())
def test_a_window_that_ends_early_is_no_end(events: list[bytes], compressed: bool, data: st.DataObject) -> None:
    whole = window(events, compressed)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises((ProtocolError, asyncio.IncompleteReadError)):
        asyncio.run(read_all(whole[:cut]))


def frame(kind: bytes, *numbers: int) -> bytes:
    return b"2" + kind + struct.pack(f">{len(numbers)}I", *numbers)


def packed(content: bytes) -> bytes:
    compressed = zlib.compress(content)
    return frame(b"C", len(compressed)) + compressed


BEGIN = frame(b"W", 1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "not version 2 of lumberjack"),
        (b"1W" + bytes(4), "not version 2 of lumberjack"),
        (frame(b"J", 1, 0), "a window should begin"),
        (frame(b"W", lumberjack.MAX_WINDOW + 1), f"{lumberjack.MAX_WINDOW} are taken"),
        (BEGIN + frame(b"W", 1), "an event should follow"),
        (BEGIN + frame(b"J", 1, lumberjack.MAX_EVENT + 1), f"{lumberjack.MAX_EVENT} are taken"),
        (BEGIN + frame(b"C", 4) + b"\0\0\0\0", "what is compressed is damaged"),
        (BEGIN + packed(packed(frame(b"J", 1, 0))), "compressed inside of what is compressed"),
        (BEGIN + packed(frame(b"J", 1, 5) + b"1234"), "ends in the middle of an event"),
    ],
)
def test_what_is_no_window_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        asyncio.run(read_all(content))


def test_what_is_packed_very_small_is_not_unpacked_as_a_whole() -> None:
    """A gigabyte of zeros in a megabyte: only as much as an event may have is ever held."""

    async def read() -> None:
        compressor, part = zlib.compressobj(9), bytes(2**20)
        content = compressor.compress(frame(b"J", 1, 10) + bytes(10))
        content += b"".join(compressor.compress(part) for _ in range(1024)) + compressor.flush()
        windows = Windows(stream(frame(b"W", 2) + frame(b"C", len(content)) + content))
        await windows.next()
        tracemalloc.start()
        await windows.event()
        with pytest.raises(ProtocolError):
            await windows.event()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * 2**20

    asyncio.run(read())


def test_acknowledgements() -> None:
    assert acknowledgement(0) == b"2A\0\0\0\0"
    assert acknowledgement(2048) == b"2A\0\0\x08\0"
