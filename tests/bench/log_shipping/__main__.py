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
EVERY = 20.0  # seconds between two kills
PATIENCE = 120.0  # seconds without anything new


class Usage:
    """Processor seconds and memory of the chain's parts, over the processes that played them one after the other."""

    def __init__(self, pids: Callable[[], dict[str, int]]) -> None:
        self._pids, self._ends = pids, threading.Event()
        self._seconds: dict[tuple[str, int], float] = {}
        self.memory: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def seconds(self, part: str) -> float:
        return sum(seconds for (name, _), seconds in self._seconds.items() if name == part)

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(0.5):
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
        self._chain, self._broker, self._ends = chain, broker, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        kinds = (self._of_broker, self._of_relay, self._of_filebeat)
        while not self._ends.wait(EVERY):
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
    usage = Usage(lambda: chain.pids | broker.pids)
    began = time.monotonic()
    try:
        chain.start_relay()
        chain.start_filebeat()
        # Lines of 150 bytes with what containerd writes before them. The kubelet's files of 10 MiB, of which it keeps five.
        load = Load(
            [Writer(chain.pods, f"w{each}", kept=5, rotate_at=10 * 2**20) for each in range(WRITERS)], lines, rate
        )
        kills = None if calm else Kills(chain, broker)
        with load:
            pass
        if kills:
            kills.stop()
        found = sink.wait_for(load.written, PATIENCE)
        seconds = time.monotonic() - began
        usage.stop()
        table = Table(title=f"{found.sentence(load.written)}; {kills.number if kills else 0} kills in {seconds:.0f} s")
        for column in ("part", "processor, µs a line", "lines a second and core", "most memory, MB"):
            table.add_column(column, justify="left" if column == "part" else "right")
        for part in ("filebeat", "relay", "RabbitMQ"):
            each = usage.seconds(part) / lines
            table.add_row(part, f"{each * 1e6:.0f}", f"{1 / each:,.0f}", f"{usage.memory.get(part, 0) / 1e6:.0f}")
        Console(width=120).print(table)
        return found.lost(load.written) == 0
    finally:
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
