"""What the tests of log shipping share: the programs, the chart's configuration, and a chain with its broker for each test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jlddev.support.errors import Unsupported
from jlddev.tools import filebeat, rabbitmq

from tests.logging.broker import Broker, client_context, remote_broker
from tests.logging.certificates import Authority
from tests.logging.chain import Chain
from tests.logging.sink import Found, Sink
from tests.render.rendering import CHECKOUT, Question, render, write_values

Describe = Callable[..., None]


@pytest.fixture(scope="session")
def programs(describe_level: Describe) -> tuple[Path, Path]:
    """filebeat, and the root of RabbitMQ. Where one cannot be had, the level says so."""
    if os.geteuid():
        pytest.skip("RabbitMQ runs in a root of its own, which takes root")
    try:
        found = filebeat.install(), rabbitmq.install()
    except Unsupported as reason:
        pytest.skip(str(reason))
    describe_level(
        "logging", "filebeat 8.1.3 (without keys of newer ones: compressed files, fingerprints)", "RabbitMQ 4.0.5"
    )
    return found


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> str:
    """filebeat.yml as the chart renders it for values/logging.yaml."""
    values = write_values(CHECKOUT / "values" / "logging.yaml", tmp_path_factory.mktemp("logging") / "values.yaml")
    text: str = render(Question(values)).one("ConfigMap", "jld-filebeat")["data"]["filebeat.yml"]
    return text


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signs all certificates of a test."""
    made = Authority(tmp_path / "authority")
    made.issue("broker", "localhost")
    made.issue("relay", "localhost")
    made.issue("filebeat", "filebeat")
    return made


@pytest.fixture
def broker(programs: tuple[Path, Path], tmp_path: Path, authority: Authority) -> Iterator[Broker]:
    """The remote RabbitMQ, which runs."""
    made = remote_broker(programs[1], tmp_path / "remote", authority.folder)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def sink(broker: Broker, authority: Authority) -> Iterator[Sink]:
    made = Sink(broker.port, client_context(authority.folder))
    yield made
    made.stop()


@pytest.fixture
def chain(
    programs: tuple[Path, Path], tmp_path: Path, authority: Authority, configuration: str, broker: Broker
) -> Iterator[Chain]:
    """filebeat and relay, prepared and not started."""
    made = Chain(tmp_path / "chain", programs[0], configuration, broker.port, authority)
    made.prepare()
    yield made
    made.stop()


@pytest.fixture
def report(request: pytest.FixtureRequest, describe_level: Describe) -> Callable[[Found, dict[str, int]], None]:
    """Tells the closing table what became of a test's lines."""
    module = request.node.path.stem.removeprefix("test_").replace("_", " ")
    if "logstash" in module:
        describe_level("logging", "stand-in: logstash")

    def tell(found: Found, written: dict[str, int]) -> None:
        describe_level("logging", f"{module}, {request.node.name.removeprefix('test_')}: {found.sentence(written)}")

    return tell
