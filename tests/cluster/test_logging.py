"""Every line of pods of a real node reaches a RabbitMQ elsewhere: the kubelet rotates, pods are deleted, and parts fail.

Each test is one with the relay and one with logstash, which its stand-in plays beside the real RabbitMQ.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from jlddev.clusters import native, providers
from jlddev.images import build
from jlddev.support.errors import Unsupported
from jlddev.tools import rabbitmq
from pytest_helm_charts.clusters import Cluster

from tests.logging.broker import PASSWORD, Broker, client_context, remote_broker
from tests.logging.certificates import Authority
from tests.logging.sink import Found, Sink

from . import log_shipping, log_shipping_images
from .conftest import Installed
from .log_shipping import Platform, Volume, Writers, renew_broker
from .release import Ports

NAMES = {"relay": "jld-logging-test", "logstash": "jld-logstash-test"}
RATE = 200  # lines a second of a writer: the kubelet rotates its log after less than a minute
# While filebeat is replaced and nothing arrives: filebeat 8.1.3 reads no file that the kubelet has compressed.
SLOW = 20
FEW_MINUTES = 120.0  # seconds
PATIENCE = 120.0  # seconds without anything new
# What comes twice after the end of filebeat or the receiver: two windows of 2,048 events of filebeat, or what the shovel has under way,
# and with logstash's stand-in what it hands on again.
AGAIN = 2 * 2048 + 4 * 2 * RATE
# When the RabbitMQ beside logstash is killed: what is in sockets, and what it has read and not yet written.
MOST_LOST = 20_000

# What is told, by pipeline: by the relay, or by RabbitMQ's shovel.
REFUSED = {"relay": "refuses the login of pan: correct", "logstash": "ACCESS_REFUSED"}
EXPIRED = {"relay": "certificate has expired; let the broker's operators renew it", "logstash": "certificate_expired"}


@pytest.fixture(scope="module")
def images(
    provider: providers.Provider, image_overlay: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, build.Image]:
    """filebeat, RabbitMQ and logstash's stand-in as images of this node alone."""
    if provider.name != "native":
        pytest.skip("The broker is at this machine's link to the native node: unset KUBECONFIG, where no Docker runs")
    hub = next(image for image in build.chart_images() if image.name == "hub")
    try:
        made = log_shipping_images.images(tmp_path_factory.mktemp("images"), hub)
    except Unsupported as reason:
        pytest.skip(str(reason))
    provider.load(build.build(list(made.values())), list(made.values()))
    return made


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.issue("broker", log_shipping.HOST, native.HOST_ADDRESS)
    return made


@pytest.fixture(scope="module")
def broker(
    images: dict[str, build.Image],
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
    describe_figure: Callable[[str], None],
) -> Iterator[Broker]:
    made = remote_broker(rabbitmq.install(), tmp_path_factory.mktemp("broker"), authority.folder, native.HOST_ADDRESS)
    made.start()
    describe_figure("filebeat 8.1.3 for tests, RabbitMQ 4.0.5, stand-in: logstash")
    yield made
    made.kill()


@pytest.fixture
def sink(broker: Broker, authority: Authority) -> Iterator[Sink]:
    made = Sink(broker.port, client_context(authority.folder), native.HOST_ADDRESS)
    yield made
    made.stop()


@pytest.fixture(scope="module", params=list(NAMES))
def platform(
    request: pytest.FixtureRequest,
    install: Callable[..., Installed],
    kube_cluster: Cluster,
    broker: Broker,
    authority: Authority,
    images: dict[str, build.Image],
    image_overlay: Path,
) -> Iterator[Platform]:
    """A platform that ships its logs."""
    pipeline: str = request.param
    name = NAMES[pipeline]
    site = log_shipping.site(pipeline, broker.port, authority.folder / "ca.crt", images, scraped_from=name)
    before = log_shipping.broker_service(broker.port)
    volume = None
    if pipeline == "logstash":
        volume = Volume(f"/var/lib/jld/test/{uuid.uuid4()}", f"{name}/{name}-logstash")
        volume.delete(kube_cluster.kube_client)  # a test run that was killed may have left one
        volume.mount()
        before.append(volume.manifest)
    secrets = {"logging": {"secret": {"brokerPassword": PASSWORD}}}
    try:
        with install(name, Ports(http=0, https=0), site, secrets, "privileged", yaml.safe_dump_all(before)) as release:
            folder = release.values.parent
            yield Platform(release, pipeline, [folder / "site.yaml", image_overlay], folder / "secrets.yaml", volume)
    finally:
        if volume:
            volume.delete(kube_cluster.kube_client)
            volume.unmount()


@pytest.fixture
def start(platform: Platform, hub_image: str) -> Iterator[Callable[..., Writers]]:
    """A function that starts writers; they are deleted at the end."""
    started: list[Writers] = []

    def starts(rate: float, number: int = 4, **options: int) -> Writers:
        names = [f"w{uuid.uuid4().hex[:8]}" for _ in range(number)]
        started.append(Writers(platform.release, hub_image, names, rate, **options))
        return started[-1]

    yield starts
    for writers in started:
        writers.delete()


@pytest.fixture
def shipped(
    platform: Platform, sink: Sink, describe_figure: Callable[[str], None], request: pytest.FixtureRequest
) -> Callable[..., Found]:
    """A function that waits for what was written, tells what the fault has cost, and holds it to what may be lost and come twice."""
    fault = request.node.originalname.removeprefix("test_").replace("_", " ")

    def holds(written: dict[str, int], duplicates: int, lost: int = 0) -> Found:
        found = sink.wait_for(written, PATIENCE / 3 if lost else PATIENCE)
        cut = found.cut(written)  # before anything of JLD sees them
        halves = f", {cut} cut in two by containerd" if cut else ""
        describe_figure(f"{platform.pipeline}, {fault}: {found.sentence(written)}{halves}")
        assert found.lost(written) - cut <= lost, found.gaps(written)
        assert found.duplicates <= duplicates
        return found

    return holds


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.chaos)])
def test_filebeat_and_receiver_killed_and_broker_once(
    kills: int,
    platform: Platform,
    broker: Broker,
    sink: Sink,
    start: Callable[..., Writers],
    shipped: Callable[..., Found],
) -> None:
    writers = start(RATE)
    platform.until_lines_come(sink)
    for kill in range(kills):
        platform.until_caught_up(sink)
        platform.kill_filebeat()
        platform.until_lines_come(sink)
        platform.kill_receiver()
        if kill == kills // 2:
            broker.restart(2.0)
        platform.until_lines_come(sink)
    written = writers.end()
    found = shipped(written, duplicates=(2 * kills + 1) * AGAIN)
    first = writers.names[0]
    if kills > 1:  # so much is written that the kubelet rotates
        kept = platform.release.kubectl("logs", first, "--tail=1000000").count("\n")
        assert kept < written[first], "the kubelet rotated nothing"
    event = found.samples[first]
    assert event["kubernetes"]["namespace"] == platform.release.name
    assert event["kubernetes"]["pod"]["name"] == first
    assert event["kubernetes"]["container"]["name"] == "main"
    assert "stars" in json.dumps(event["kubernetes"]["labels"])
    assert event["shipper"] == "test-cluster"


@pytest.mark.chaos
def test_broker_stopped_for_minutes(
    platform: Platform, broker: Broker, sink: Sink, start: Callable[..., Writers], shipped: Callable[..., Found]
) -> None:
    writers = start(RATE)
    platform.until_lines_come(sink)
    broker.stop()
    time.sleep(FEW_MINUTES)
    broker.start()
    platform.until_lines_come(sink)
    shipped(writers.end(), duplicates=AGAIN)


@pytest.mark.chaos
def test_wrong_password(
    platform: Platform, sink: Sink, start: Callable[..., Writers], shipped: Callable[..., Found]
) -> None:
    writers = start(SLOW)
    platform.until_lines_come(sink)
    platform.set_password("another")
    if platform.pipeline == "relay":  # who is logged in stays so; logstash's pod is replaced by the upgrade
        platform.kill_receiver()
    platform.wait_for_log(platform.pipeline, REFUSED[platform.pipeline])
    platform.set_password(PASSWORD)
    platform.until_lines_come(sink)
    shipped(writers.end(), duplicates=3 * AGAIN)
    assert PASSWORD not in platform.log(platform.pipeline)


@pytest.mark.chaos
def test_brokers_certificate_expired_and_renewed(
    platform: Platform,
    broker: Broker,
    authority: Authority,
    sink: Sink,
    start: Callable[..., Writers],
    shipped: Callable[..., Found],
) -> None:
    writers = start(RATE)
    platform.until_lines_come(sink)
    renew_broker(broker, authority, until=datetime.now(UTC) - timedelta(days=1))
    platform.wait_for_log(platform.pipeline, EXPIRED[platform.pipeline])
    renew_broker(broker, authority)
    platform.until_lines_come(sink)
    shipped(writers.end(), duplicates=2 * AGAIN)


@pytest.mark.chaos
def test_filebeats_and_receivers_certificates_expired_and_renewed(
    platform: Platform, sink: Sink, start: Callable[..., Writers], shipped: Callable[..., Found]
) -> None:
    """Renewed by the same two commands as ever: `jld values`, and an upgrade."""
    writers = start(SLOW)
    platform.until_lines_come(sink)
    platform.upgrade_with_expired_certificates()
    platform.wait_for_log("filebeat", "certificate has expired")
    platform.write_values()
    platform.upgrade()
    platform.until_lines_come(sink)
    shipped(writers.end(), duplicates=4 * AGAIN)


def test_last_lines_of_pods_that_are_deleted_at_once(
    platform: Platform, broker: Broker, sink: Sink, start: Callable[..., Writers], shipped: Callable[..., Found]
) -> None:
    writers = start(20, number=10, lines=200)
    written = dict.fromkeys(writers.names, 200)
    platform.until(lambda: not sink.found.lost(dict.fromkeys(writers.names, 50)))
    broker.stop()
    release = platform.release
    platform.until(lambda: all(" 199 " in release.kubectl("logs", name, "--tail=1") for name in writers.names))
    writers.delete()
    time.sleep(5)
    broker.start()
    shipped(written, duplicates=AGAIN)


@pytest.mark.parametrize("platform", ["logstash"], indirect=True)
def test_rabbitmq_beside_logstash_killed(
    platform: Platform, sink: Sink, start: Callable[..., Writers], shipped: Callable[..., Found]
) -> None:
    """The one fault in which lines are lost: how many is told, and bounded."""
    writers = start(RATE)
    platform.until_lines_come(sink)
    time.sleep(10)
    platform.kill("logstash", "beam.smp")
    time.sleep(10)
    platform.until_lines_come(sink)
    shipped(writers.end(), duplicates=2 * AGAIN, lost=MOST_LOST)


@pytest.mark.chaos
@pytest.mark.parametrize("platform", ["logstash"], indirect=True)
def test_volume_full(
    platform: Platform, broker: Broker, sink: Sink, start: Callable[..., Writers], shipped: Callable[..., Found]
) -> None:
    """RabbitMQ takes no more before the disk is full; then filebeat reads no more."""
    assert platform.volume
    broker.stop()
    platform.volume.fill(2048 + 250)  # RabbitMQ leaves half of it, and its files of an empty queue take up to 130 MiB
    writers = start(60, number=24, width=1500)
    platform.wait_for_log("logstash", "disk resource limit alarm set")
    time.sleep(5)
    broker.start()
    platform.until_lines_come(sink)
    shipped(writers.end(), duplicates=2 * AGAIN)
