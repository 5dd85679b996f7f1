"""Ships lines from logs to a RabbitMQ while parts of the chain are killed: `python tests/bench/log_shipping [LINES] [--rate 6000] [--calm]`.

Real: filebeat 8.1.3 with the chart's configuration, the relay, RabbitMQ 4 behind TLS; all of them processes of this machine. Logs are written
as containerd and the kubelet write them. Every 20 seconds the broker, the relay or filebeat is killed, in turn. Exit code 1 where a line is lost.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[3]))

from jlddev.tools import filebeat, rabbitmq

from tests.logging.broker import Broker, client_context, remote_broker
from tests.logging.certificates import Authority
from tests.logging.chain import Chain
from tests.logging.sink import Sink
from tests.logging.writers import Load, Writer
from tests.render.rendering import CHECKOUT, Question, render, write_values

WRITERS = 20  # containers
KILLED_EVERY = 20.0  # seconds
TOLD_EVERY = 10.0  # seconds
PATIENCE = 120.0  # seconds without anything new


class Every:
    """Calls something every so many seconds, in a thread of its own, until it is stopped."""

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        self._seconds, self._act, self._ends = seconds, act, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(self._seconds):
            self._act()


class Usage:
    """Processor seconds and memory of the chain's parts, over the processes that played them one after the other."""

    def __init__(self, pids: Callable[[], dict[str, int]]) -> None:
        self._pids = pids
        self._seconds: dict[tuple[str, int], float] = {}
        self.memory: dict[str, int] = {}

    def seconds(self, part: str) -> float:
        return sum(seconds for (name, _), seconds in self._seconds.items() if name == part)

    def read(self) -> None:
        for part, pid in self._pids().items():
            try:
                process = psutil.Process(pid)
                everyone = [process, *process.children(recursive=True)]
                times = [each.cpu_times() for each in everyone]
                memory = sum(each.memory_info().rss for each in everyone)
            except psutil.Error:
                continue  # it was killed just now
            self._seconds[part, pid] = sum(each.user + each.system for each in times)
            self.memory[part] = max(self.memory.get(part, 0), memory)


class Kills:
    """Ends one part after the other."""

    def __init__(self, chain: Chain, broker: Broker) -> None:
        self.number = 0
        self._chain, self._broker = chain, broker

    def next(self) -> None:
        kinds = (self._of_broker, self._of_relay, self._of_filebeat)
        kinds[self.number % len(kinds)]()
        self.number += 1

    def _of_broker(self) -> None:
        self._broker.restart(2.0)

    def _of_relay(self) -> None:
        self._chain.kill_relay()
        self._chain.start_relay()

    def _of_filebeat(self) -> None:
        self._chain.kill_filebeat()
        self._chain.start_filebeat()


def run(lines: int, rate: float, calm: bool, folder: Path) -> bool:
    """Whether every line arrived."""
    authority = Authority(folder / "authority")
    for name in ("broker", "relay", "filebeat"):
        authority.issue(name, "localhost")
    values = write_values(CHECKOUT / "values" / "logging.yaml", folder / "values.yaml")
    configuration = render(Question(values)).one("ConfigMap", "jld-filebeat")["data"]["filebeat.yml"]
    broker = remote_broker(rabbitmq.install(), folder / "remote", authority.folder)
    chain = Chain(folder / "chain", filebeat.install(), configuration, broker.port, authority)
    broker.start()
    sink = Sink(broker.port, client_context(authority.folder))
    chain.prepare()
    usage, kills = Usage(lambda: chain.pids | broker.pids), Kills(chain, broker)
    # Lines of 150 bytes with what containerd writes before them. The kubelet's files of 10 MiB, of which it keeps five.
    writers = [Writer(chain.pods, f"w{each}", kept=5, rotate_at=10 * 2**20) for each in range(WRITERS)]
    load = Load(writers, lines, rate)

    def progress() -> None:
        written, found = sum(load.written.values()), sink.found
        print(
            f"{written:,} of {lines:,} lines written, {found.unique:,} arrived, {kills.number} kills", file=sys.stderr
        )

    began, watch, teller = time.monotonic(), Every(0.5, usage.read), Every(TOLD_EVERY, progress)
    try:
        chain.start_relay()
        chain.start_filebeat()
        killer = Every(KILLED_EVERY, (lambda: None) if calm else kills.next)
        with load:
            pass
        killer.stop()
        found = sink.wait_for(load.written, PATIENCE)
        seconds = time.monotonic() - began
        watch.stop()
        table = Table(title=f"{found.sentence(load.written)}; {kills.number} kills in {seconds:.0f} s")
        for column in ("part", "processor, µs a line", "lines a second and core", "most memory, MB"):
            table.add_column(column, justify="left" if column == "part" else "right")
        for part in ("filebeat", "relay", "RabbitMQ"):
            each = usage.seconds(part) / lines
            table.add_row(part, f"{each * 1e6:.0f}", f"{1 / each:,.0f}", f"{usage.memory.get(part, 0) / 1e6:.0f}")
        Console(width=120).print(table)
        return found.lost(load.written) == 0
    finally:
        watch.stop()
        teller.stop()
        sink.stop()
        chain.stop()
        broker.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--rate", type=float, default=6_000, help="lines a second of all containers together")
    parser.add_argument("--calm", action="store_true", help="kill nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if run(options.lines, options.rate, options.calm, Path(folder)) else 1)


if __name__ == "__main__":
    main()
