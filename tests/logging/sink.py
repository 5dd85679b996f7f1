"""Takes the events out of the remote broker, and counts each line of each writer."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
import threading
import time
from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import aiormq
from yarl import URL

from tests.logging.broker import PASSWORD, QUEUE, USER, VHOST

# What writers print: their name, the number of the line, and when it was written, in nanoseconds.
LINE = re.compile(r"^(w[0-9a-z]+) ([0-9]+) ([0-9]+) ")


_TOGETHER = 200  # events
logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # the broker is away often in these tests


class Arrivals:
    """How often each line of a writer came: a byte a line, for a run may have millions."""

    def __init__(self) -> None:
        self._times = bytearray()

    def add(self, number: int) -> bool:
        """Whether it came for the first time."""
        if number >= len(self._times):
            self._times.extend(bytes(number + 1 - len(self._times)))
        self._times[number] = min(self._times[number] + 1, 255)
        return self._times[number] == 1

    def missing(self, written: int) -> int:
        """How many of the lines 0 to `written` - 1 never came."""
        return written - len(self._times[:written]) + self._times[:written].count(0)

    def gaps(self, written: int) -> Iterator[int]:
        """Which of them these are."""
        return (number for number in range(written) if number >= len(self._times) or not self._times[number])

    @property
    def unique(self) -> int:
        return len(self._times) - self._times.count(0)

    @property
    def duplicates(self) -> int:
        return sum(self._times) - self.unique


@dataclass
class Found:
    """What arrived until now."""

    lines: dict[str, Arrivals] = field(default_factory=lambda: defaultdict(Arrivals))  # by writer
    newest: float = 0.0  # when the newest line was written, in seconds since 1970
    delays: array[float] = field(
        default_factory=lambda: array("f")
    )  # seconds from the writing to the broker, of first arrivals
    others: list[dict[str, Any]] = field(default_factory=list)  # events that are no writer's
    samples: dict[str, dict[str, Any]] = field(default_factory=dict)  # an event of each writer

    def lost(self, written: dict[str, int]) -> int:
        """How many of the lines 0 to `written` - 1 of each writer never came."""
        return sum(self.lines[name].missing(number) for name, number in written.items())

    def cut(self, written: dict[str, int]) -> int:
        """How many lines containerd has cut in two, the first half at the end of one file and the second at the start of the next.

        It does so when the kubelet rotates while more waits in the container's pipe than it reads at a time. The second halves come; the first
        ones wait in filebeat for a rest that never comes.
        """
        halves = set()
        for event in self.others:
            name = event["kubernetes"]["pod"]["name"]
            told = f"{name}: {written.get(name)} lines"  # what a writer says in the end
            # An empty line comes without a message.
            if name in written and event["log"]["offset"] == 0 and event.get("message") != told:
                halves.add((name, event["@timestamp"]))  # one that comes again has the same time
        return len(halves)

    def gaps(self, written: dict[str, int]) -> dict[str, list[int]]:
        """The first ten lines that never came, of each writer that lacks some."""
        found = {name: list(islice(self.lines[name].gaps(number), 10)) for name, number in written.items()}
        return {name: numbers for name, numbers in found.items() if numbers}

    @property
    def duplicates(self) -> int:
        return sum(each.duplicates for each in list(self.lines.values()))

    @property
    def unique(self) -> int:
        return sum(each.unique for each in list(self.lines.values()))

    @property
    def behind(self) -> float:
        """For how many seconds lines have been written that did not come yet, while somebody writes all the time."""
        return time.time() - self.newest

    def delay(self, share: float) -> float:
        """The delay in seconds that this share of the lines did not exceed."""
        ordered = sorted(self.delays) or [0.0]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def sentence(self, written: dict[str, int]) -> str:
        return (
            f"{sum(written.values())} sent, {self.lost(written)} lost, {self.duplicates} duplicates, "
            f"delay p50 {self.delay(0.5):.1f} s, p99 {self.delay(0.99):.1f} s"
        )


class Sink:
    """A consumer in a thread of its own, which connects again whenever the broker is there."""

    def __init__(self, port: int, context: ssl.SSLContext, host: str = "localhost", password: str = PASSWORD) -> None:
        self.found = Found()
        self._url = URL.build(scheme="amqps", user=USER, password=password, host=host, port=port, path=f"/{VHOST}")
        self._context = context
        self._ends = threading.Event()
        self._taken = self._acknowledged = 0  # delivery tags of the channel
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join(30)

    def wait_for(self, written: dict[str, int], seconds: float) -> Found:
        """Until all lines are there, or nothing new came for `seconds`."""
        last, changed = -1, time.monotonic()
        while self.found.lost(written) and time.monotonic() - changed < seconds:
            if self.found.unique != last:
                last, changed = self.found.unique, time.monotonic()
            time.sleep(0.2)
        return self.found

    async def _run(self) -> None:
        while not self._ends.is_set():
            try:
                connection = await aiormq.connect(self._url, context=self._context)
                channel = await connection.channel()
                self._taken = self._acknowledged = 0
                await channel.basic_qos(prefetch_count=2000)
                await channel.basic_consume(QUEUE, self._take)
                while not self._ends.is_set() and not connection.is_closed and not channel.is_closed:
                    await asyncio.sleep(0.2)
                    await self._acknowledge(channel)
                await connection.close()
            except Exception:  # the broker is away: that is what these tests are about
                await asyncio.sleep(0.5)

    async def _take(self, message: Any) -> None:
        event = json.loads(message.body)
        match = LINE.match(event.get("message", ""))
        if match:
            name, number = match[1], int(match[2])
            self.found.newest = max(self.found.newest, int(match[3]) / 1e9)
            if self.found.lines[name].add(number):
                self.found.delays.append(time.time() - int(match[3]) / 1e9)
            self.found.samples.setdefault(name, event)
        else:
            self.found.others.append(event)
        self._taken = message.delivery_tag
        if self._taken - self._acknowledged >= _TOGETHER:
            await self._acknowledge(message.channel)

    async def _acknowledge(self, channel: Any) -> None:
        """One acknowledgement for many: it is the sink's processor that would be measured."""
        if self._taken > self._acknowledged:
            self._acknowledged = self._taken
            await channel.basic_ack(self._taken, multiple=True)
