"""Every line of pods of a real node reaches a RabbitMQ elsewhere: the kubelet rotates, pods are deleted, and parts are killed."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from jlddev.clusters import native, providers
from jlddev.images import build
from jlddev.support.errors import Unsupported
from jlddev.tools import filebeat, rabbitmq

from tests.logging.broker import EXCHANGE, PASSWORD, ROUTING_KEY, USER, VHOST, Broker, client_context, remote_broker
from tests.logging.certificates import Authority
from tests.logging.sink import Sink

from .release import Ports, Release
from .standin import HARDENED

NAME = "jld-logging-test"
HOST = "rabbitmq"  # a Service of the namespace that leads to this machine
# The chart's configuration, without what filebeat 8.1.3 does not know (tests/logging/chain.py); what it is told is what the chart tells it.
START = r"""#!/bin/sh
exec filebeat "$1" "$2" -c /dev/fd/3 3<<END
$(sed -e '/^ *compression: auto$/d' -e 's/file_identity.fingerprint: {growing: true}/file_identity.native: ~/' \
  -e 's/^\( *\)- \\.tmp\$$/&\n\1- \\.gz$/' "$4")
END
"""
LINES = 12_000  # of each writer: more than a megabyte
# A program that logs much: the kubelet rotates its file several times.
WRITER = """
import sys, time
name, lines, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
began = time.monotonic()
for number in range(lines):
    print(name, number, time.time_ns(), "x" * 60)
    if number % 50 == 49:
        sys.stdout.flush()
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
sys.stdout.flush()
time.sleep(float(sys.argv[4]))
"""


@pytest.fixture(scope="module")
def filebeat_image(provider: providers.Provider, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """filebeat 8.1.3 as an image of this node alone."""
    if provider.name != "native":
        pytest.skip("The broker is at this machine's link to the native node: unset KUBECONFIG, where no Docker runs")
    try:
        program = filebeat.install()
        rabbitmq.install()
    except Unsupported as reason:
        pytest.skip(str(reason))
    folder = tmp_path_factory.mktemp("filebeat")
    (folder / "filebeat").write_bytes(program.read_bytes())
    (folder / "start").write_text(START)
    for name in ("filebeat", "start"):
        (folder / name).chmod(0o755)
    dockerfile = f'FROM {build.BASE}\nCOPY filebeat start /usr/local/bin/\nENTRYPOINT ["start"]\n'
    (folder / "Dockerfile").write_text(dockerfile)
    image = build.Image("filebeat-for-tests", folder)
    provider.load(build.build([image]), [image])
    repository, _, tag = image.reference.rpartition(":")
    return {"repository": repository, "tag": tag}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.issue("broker", HOST, native.HOST_ADDRESS)
    return made


@pytest.fixture(scope="module")
def broker(
    filebeat_image: dict[str, str],
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
    describe_figure: Callable[[str], None],
) -> Iterator[Broker]:
    made = remote_broker(rabbitmq.install(), tmp_path_factory.mktemp("broker"), authority.folder, native.HOST_ADDRESS)
    made.start()
    describe_figure("filebeat 8.1.3 for tests, RabbitMQ 4.0.5")
    yield made
    made.kill()


@pytest.fixture
def sink(broker: Broker, authority: Authority) -> Iterator[Sink]:
    made = Sink(broker.port, client_context(authority.folder), native.HOST_ADDRESS)
    yield made
    made.stop()


def service(port: int) -> str:
    """The broker's name in the namespace: what DNS elsewhere would be."""
    named = {"ports": [{"name": "amqps", "port": port}]}
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": HOST, "labels": {"kubernetes.io/service-name": HOST}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [native.HOST_ADDRESS]}],
        **named,
    }
    return yaml.safe_dump_all(
        [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": HOST}, "spec": named}, slice_]
    )


@pytest.fixture(scope="module")
def platform(
    make_release: Callable[..., Release], broker: Broker, authority: Authority, filebeat_image: dict[str, str]
) -> Release:
    """A platform that ships its logs."""
    logging = {
        "enabled": True,
        "pipeline": "relay",
        "shipperName": "test-cluster",
        "broker": {
            "host": HOST,
            "port": broker.port,
            "vhost": VHOST,
            "exchange": EXCHANGE,
            "routingKey": ROUTING_KEY,
            "user": USER,
            "caCertificate": str(authority.folder / "ca.crt"),
        },
        "podLabels": True,
        "filebeat": {"image": filebeat_image, "stateFolder": f"/var/lib/jld/test/{uuid.uuid4()}"},
        "metrics": {"scrapers": [{"namespace": NAME, "labels": {"app": "scraper"}}]},
    }
    site = {
        "global": {"hostname": "logging.test"},
        "hub": {"auth": {"dummy": {"users": ["alice"]}}},
        "storage": {"mode": "hostPath", "hostPath": {"path": f"/var/lib/jld/test/{uuid.uuid4()}"}},
        "nginx": {"service": {"type": "ClusterIP"}, "tls": {"selfSigned": True}},
        "logging": logging,
    }
    secrets = {"logging": {"secret": {"brokerPassword": PASSWORD}}}
    return make_release(NAME, Ports(http=0, https=0), site, secrets, "privileged", service(broker.port))


def writer(name: str, image: str, lines: int, rate: float, stays: float = 3600) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": image,
        "command": ["python3", "-c", WRITER, name, str(lines), str(rate), str(stays)],
        "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}},
        "securityContext": HARDENED | {"runAsUser": 1000},
    }
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}
    metadata = {"name": name, "labels": {"app": "writer", "example.org/team": "stars"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def delete(release: Release, *pods: str) -> None:
    release.kubectl("delete", "pod", *pods, "--grace-period=0", "--force")


def kill(release: Release, component: str) -> None:
    delete(release, *(pod.name for pod in release.pods(component)))


def test_no_line_is_lost_while_the_kubelet_rotates_and_parts_are_killed(
    platform: Release, broker: Broker, sink: Sink, hub_image: str, describe_figure: Callable[[str], None]
) -> None:
    names = [f"w{number}" for number in range(4)]
    written = dict.fromkeys(names, LINES)
    platform.apply(yaml.safe_dump_all([writer(name, hub_image, LINES, 200) for name in names]))
    until(lambda: sink.found.unique > 0.1 * len(names) * LINES, platform)
    broker.restart(2.0)
    until(lambda: sink.found.unique > 0.3 * len(names) * LINES, platform)
    kill(platform, "relay")
    until(lambda: sink.found.unique > 0.5 * len(names) * LINES, platform)
    # filebeat 8.1.3 reads no file that the kubelet has compressed meanwhile: on a slow machine it has to be up to date first.
    until(lambda: sink.found.behind < 8, platform)
    kill(platform, "filebeat")
    until(lambda: sink.found.unique > 0.7 * len(names) * LINES, platform)
    broker.stop()
    time.sleep(10)
    broker.start()
    found = sink.wait_for(written, 120)
    describe_figure(f"log shipping: {found.sentence(written)}")
    rotated = platform.kubectl("logs", names[0], "--tail=1000000").count("\n")
    assert rotated < LINES, "the kubelet rotated nothing"
    assert found.lost(written) == 0
    event = found.samples["w0"]
    assert event["kubernetes"]["namespace"] == NAME
    assert event["kubernetes"]["pod"]["name"] == "w0"
    assert event["kubernetes"]["container"]["name"] == "main"
    assert "stars" in json.dumps(event["kubernetes"]["labels"])
    assert event["shipper"] == "test-cluster"


def test_last_lines_of_pods_that_are_deleted_at_once(
    platform: Release, broker: Broker, sink: Sink, hub_image: str, describe_figure: Callable[[str], None]
) -> None:
    names = [f"wd{number}" for number in range(10)]
    written = dict.fromkeys(names, 200)
    platform.apply(yaml.safe_dump_all([writer(name, hub_image, 200, 20) for name in names]))
    until(lambda: not sink.found.lost(dict.fromkeys(names, 50)), platform)
    for name in names:
        platform.kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Running", "--timeout=60s")
    broker.stop()
    until(lambda: all("199 " in platform.kubectl("logs", name, "--tail=1") for name in names), platform)
    delete(platform, *names)
    time.sleep(5)
    broker.start()
    found = sink.wait_for(written, 60)
    describe_figure(f"pods deleted after their last lines: {found.sentence(written)}")
    assert found.lost(written) == 0


def until(condition: Callable[[], bool], release: Release, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, release.story()
        time.sleep(0.5)
