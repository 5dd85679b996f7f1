"""Between filebeat and the broker elsewhere stand logstash and a RabbitMQ: nothing is lost, but when that RabbitMQ is killed.

logstash is played by tests/standins/logstash.py, with a queue on the disk and without confirmations. filebeat, the RabbitMQ beside logstash
with the files of its pod, and the broker elsewhere are real.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jlddev.support.run import output

from tests.logging.beside_logstash import Pod
from tests.logging.broker import PASSWORD, USER, VHOST, Broker
from tests.logging.certificates import Authority
from tests.logging.chain import Chain
from tests.logging.rendered import logstash_settings
from tests.logging.sink import Sink
from tests.logging.writers import FIVE_TIMES, TEXT, Load, Writer

STANDIN = Path(__file__).parents[1] / "standins" / "logstash.py"
PREFETCH = 1000  # events that the shovel has under way
WINDOWS = 2 * 2048
RATE = 1_500  # lines a second
PATIENCE = 90.0  # seconds without anything new
# A kill of the RabbitMQ beside logstash: what is in sockets, and in what it has read and not yet written.
MOST_LOST = 20_000

pytestmark = pytest.mark.slow
Describe = Callable[..., None]


class WithLogstash(Chain):
    """A chain whose relay is logstash's stand-in."""

    pipeline: Path

    def start_relay(self, environment: Any = None) -> None:
        words = [
            sys.executable,
            STANDIN,
            self.pipeline,
            self.folder / "secret",
            str(self.relay_port),
            self.folder / "queue",
        ]
        self._relay = self._start(words, "relay", environment)


@pytest.fixture
def pod(programs: tuple[Path, Path], tmp_path: Path, authority: Authority, broker: Broker) -> Iterator[Pod]:
    """logstash's pod, whose RabbitMQ runs."""
    settings = logstash_settings(tmp_path)
    known = {"host": "localhost", "port": broker.port, "vhost": VHOST, "user": USER}
    made = Pod(programs[1], tmp_path / "pod", {**settings, "broker": settings["broker"] | known}, authority, PASSWORD)
    with_volume = made.folder / "volume"
    with_volume.mkdir(parents=True)
    output(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", with_volume])
    try:
        made.run_init_container()
        made.start()
        yield made
    finally:
        made.end()
        output(["umount", with_volume])


@pytest.fixture
def chain(
    programs: tuple[Path, Path], tmp_path: Path, authority: Authority, configuration: str, broker: Broker, pod: Pod
) -> Iterator[WithLogstash]:
    made = WithLogstash(tmp_path / "chain", programs[0], configuration, broker.port, authority)
    made.pipeline = pod.folder / "logstash" / "pipeline.conf"
    made.prepare()
    made.start_relay()
    made.start_filebeat()
    yield made
    made.stop()


def load_on(chain: Chain, lines: int, rate: float = RATE, text: str = TEXT, rotate_at: int = 2**20) -> Load:
    return Load([Writer(chain.pods, f"w{index}", rotate_at=rotate_at) for index in range(4)], lines, rate, text)


def test_broker_elsewhere_killed_and_stopped(chain: WithLogstash, broker: Broker, sink: Sink, report: Describe) -> None:
    load = load_on(chain, 30_000)
    with load:
        load.at((0.2, 0.4), lambda: broker.restart(1.0))
        load.wait_until(0.6)
        broker.stop()
        load.wait_until(0.9)
        broker.start()
    found = sink.wait_for(load.written, PATIENCE)
    report(found, load.written)
    assert found.lost(load.written) == 0
    assert found.duplicates <= 3 * 4 * PREFETCH


def test_logstash_killed_five_times(chain: WithLogstash, sink: Sink, report: Describe) -> None:
    load = load_on(chain, 30_000)
    with load:
        load.at(FIVE_TIMES, lambda: (chain.kill_relay(), chain.start_relay()))
    found = sink.wait_for(load.written, PATIENCE)
    report(found, load.written)
    assert found.lost(load.written) == 0
    assert found.duplicates <= 5 * (WINDOWS + RATE * 2)  # and what the queue hands on again


def test_rabbitmq_beside_logstash_killed(chain: WithLogstash, pod: Pod, sink: Sink, report: Describe) -> None:
    """The one fault in which lines are lost: how many is told, and bounded."""
    load = load_on(chain, 30_000)
    with load:
        load.wait_until(0.5)
        pod.end()
        pod.start()
    found = sink.wait_for(load.written, PATIENCE / 3)
    report(found, load.written)
    assert found.lost(load.written) <= MOST_LOST


def test_volume_full(chain: WithLogstash, pod: Pod, broker: Broker, sink: Sink, report: Describe) -> None:
    """RabbitMQ takes no more before the disk is full; then filebeat reads no more."""
    broker.stop()
    ballast = pod.folder / "volume" / "ballast"
    ballast.write_bytes(bytes(380 * 2**20))  # so that the alarm rings after 132 MiB
    # Long lines: many short ones may ring the alarm of memory first, which holds those that would fill the disk.
    # Files as large as the kubelet's: of those that are rotated twice while filebeat looks around once it takes one for another.
    load = load_on(chain, 20_000, rate=1_000, text="x" * 8_000, rotate_at=10 * 2**20)
    with load:
        pass
    # A machine that has much else to do takes minutes.
    events = chain.folder / "queue" / "events"
    pod.wait_for("disk resource limit alarm set", progress=lambda: events.stat().st_size)
    time.sleep(5)
    ballast.unlink()  # or the write-ahead log, of which a file or two stay, keeps the alarm ringing
    broker.start()
    found = sink.wait_for(load.written, PATIENCE)
    report(found, load.written)
    assert found.lost(load.written) == 0
