"""No line is lost between a container's log and the remote broker, whatever fails, and duplicates are few."""

import time
from collections.abc import Callable

import pytest

from tests.logging.broker import Broker
from tests.logging.chain import Chain
from tests.logging.sink import Sink
from tests.logging.writers import FIVE_TIMES, Load, Writer

# What filebeat sends again after the end of the relay or of itself: two windows of 2,048 events.
WINDOWS = 2 * 2048
PATIENCE = 60.0  # seconds without anything new

pytestmark = pytest.mark.slow
Describe = Callable[..., None]


def writers(chain: Chain, number: int = 4, **options: int) -> list[Writer]:
    return [Writer(chain.pods, f"w{index}", **options) for index in range(number)]  # type: ignore[arg-type]


def start(chain: Chain) -> None:
    chain.start_relay()
    chain.start_filebeat()


def test_lines_arrive_once_with_pod_namespace_and_container(chain: Chain, sink: Sink, report: Describe) -> None:
    load = Load(writers(chain, 8), 20_000, rate=2_000)
    start(chain)
    with load:
        pass
    found = sink.wait_for(load.written, PATIENCE)
    report(found, load.written)
    assert (found.lost(load.written), found.duplicates) == (0, 0)
    for writer in load.writers:
        event = found.samples[writer.name]
        uid = writer.folder.parent.name.rpartition("_")[2]
        assert event["kubernetes"] == {
            "namespace": "science",
            "pod": {"name": writer.name, "uid": uid},
            "container": {"name": "main"},
        }
        assert (event["shipper"], event["stream"]) == ("science-cluster", "stdout")


def test_any_line_arrives_as_it_was_written(chain: Chain, sink: Sink) -> None:
    """Texts of every kind, long lines that containerd cuts in parts, and what is dropped."""
    (writer,) = writers(chain, 1)
    texts = ['käse 🧀 \\ "quoted"', '{"json": [1, "two"]}', "\ttab and \x1b[31mcolour\x1b[0m", "", "${HOME} %{[field]}"]
    for text in texts:
        writer.write_raw(f"stderr F odd {text}")
    writer.write_raw("stdout P odd first part, ")
    writer.write_raw("stdout P second part, ")
    writer.write_raw("stdout F last part")
    writer.write_raw("stdout F GET / HTTP/1.1 of a health check")
    writer.write_raw("stdout F nanny_lib.go: nothing new")
    writer.write(1)
    start(chain)
    sink.wait_for({"w0": 1}, PATIENCE)
    deadline = time.monotonic() + 10
    while len(sink.found.others) < len(texts) + 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    found = [event["message"] for event in sink.found.others]
    assert found == [f"odd {text}" for text in texts] + ["odd first part, second part, last part"]


def test_broker_killed_three_times(chain: Chain, broker: Broker, sink: Sink, report: Describe) -> None:
    load = Load(writers(chain), 30_000, rate=1_500)
    start(chain)
    with load:
        load.at((0.2, 0.5, 0.8), lambda: broker.restart(1.0))
    found = sink.wait_for(load.written, PATIENCE)
    report(found, load.written)
    assert found.lost(load.written) == 0
    # What was published and not confirmed, and what the sink had not acknowledged.
    assert found.duplicates <= 3 * 2 * WINDOWS


def test_broker_stopped_while_files_are_rotated_and_deleted(
    chain: Chain, broker: Broker, sink: Sink, report: Describe
) -> None:
    """Back-pressure reaches the files: filebeat keeps those open that it has not read to their ends."""
    load = Load(writers(chain, kept=2, rotate_at=150_000), 40_000, rate=2_500)
    start(chain)
    with load:
        load.wait_until(0.1)
        broker.stop()
        load.wait_until(0.9)
        broker.start()
    found = sink.wait_for(load.written, PATIENCE)
    report(found, load.written)
    assert found.lost(load.written) == 0
    assert found.duplicates <= 2 * WINDOWS


@pytest.mark.parametrize("end", [Chain.kill_relay, Chain.end_relay], ids=["killed", "ended"])
def test_relay_replaced_five_times(chain: Chain, sink: Sink, report: Describe, end: Callable[[Chain], None]) -> None:
    load = Load(writers(chain), 30_000, rate=1_500)
    start(chain)
    with load:
        load.at(FIVE_TIMES, lambda: (end(chain), chain.start_relay()))
    found = sink.wait_for(load.written, PATIENCE)
    report(found, load.written)
    assert found.lost(load.written) == 0
    assert found.duplicates <= (5 * WINDOWS if end is Chain.kill_relay else 0)


def test_filebeat_killed_five_times(chain: Chain, sink: Sink, report: Describe) -> None:
    load = Load(writers(chain), 30_000, rate=1_500)
    start(chain)
    with load:
        load.at(FIVE_TIMES, lambda: (chain.kill_filebeat(), chain.start_filebeat()))
    found = sink.wait_for(load.written, PATIENCE)
    report(found, load.written)
    assert found.lost(load.written) == 0
    assert found.duplicates <= 5 * WINDOWS


def test_pods_deleted_right_after_their_last_lines(chain: Chain, broker: Broker, sink: Sink, report: Describe) -> None:
    """Also while the broker is away: a deleted file stays open until its lines are safe."""
    start(chain)
    all_of_them = writers(chain, 40)
    for writer in all_of_them:
        writer.write(100)
    time.sleep(3)  # longer than filebeat looks for new files
    broker.stop()
    for writer in all_of_them:
        writer.write(50)
        writer.delete()
    time.sleep(5)
    broker.start()
    written = {writer.name: writer.written for writer in all_of_them}
    found = sink.wait_for(written, PATIENCE)
    report(found, written)
    assert found.lost(written) == 0
