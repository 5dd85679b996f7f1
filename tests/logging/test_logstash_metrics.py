"""What the RabbitMQ beside logstash tells Prometheus: whether the shovel reaches the broker elsewhere, and how many events wait."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.logging.beside_logstash import Pod
from tests.logging.broker import PASSWORD, USER, VHOST, Broker
from tests.logging.certificates import Authority
from tests.logging.rendered import logstash_settings
from tests.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def pod(programs: tuple[Path, Path], tmp_path: Path, authority: Authority, broker: Broker) -> Iterator[Pod]:
    settings = logstash_settings(tmp_path)
    known = {"host": "localhost", "port": broker.port, "vhost": VHOST, "user": USER}
    made = Pod(programs[1], tmp_path / "pod", {**settings, "broker": settings["broker"] | known}, authority, PASSWORD)
    made.metrics_port = free_port()
    made.run_init_container()
    made.start()
    yield made
    made.end()


def metrics(pod: Pod) -> dict[str, float]:
    """Name, with the label status where there is one, to value."""
    text = httpx.get(f"http://127.0.0.1:{pod.metrics_port}/metrics", timeout=30).text
    found = re.findall(r"^(rabbitmq_\w+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE)
    return {name + "".join(re.findall(r'status="(\w+)"', labels)): float(value) for name, labels, value in found}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_broker_that_is_away_is_told(pod: Pod, broker: Broker) -> None:
    until(lambda: metrics(pod).get("rabbitmq_shovel_dynamicrunning") == 1)
    assert "rabbitmq_queue_messages" in metrics(pod)
    assert metrics(pod)["rabbitmq_identity_info"] == 1
    broker.stop()
    until(lambda: not metrics(pod).get("rabbitmq_shovel_dynamicrunning"))
    broker.start()
    until(lambda: metrics(pod).get("rabbitmq_shovel_dynamicrunning") == 1)
