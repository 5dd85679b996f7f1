"""Frames of lumberjack 2, as a client writes them."""

import asyncio
import struct
import zlib
from collections.abc import Sequence


def window(events: Sequence[bytes], compressed: bool = False) -> bytes:
    """A window of events, numbered from 1 on."""
    frames = b"".join(b"2J" + struct.pack(">II", place, len(event)) + event for place, event in enumerate(events, 1))
    if compressed:
        packed = zlib.compress(frames)
        frames = b"2C" + struct.pack(">I", len(packed)) + packed
    return b"2W" + struct.pack(">I", len(events)) + frames


def stream(content: bytes, end: bool = True) -> asyncio.StreamReader:
    """What a server reads."""
    reader = asyncio.StreamReader()
    reader.feed_data(content)
    if end:
        reader.feed_eof()
    return reader
