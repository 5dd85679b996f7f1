"""The files of logstash's pod, read by the real RabbitMQ: what logstash hands to it arrives at the broker elsewhere.

logstash itself is played by a client that logs in as the pipeline says, and asks for confirmations, which logstash does not.
"""

import asyncio
import json
import re
import signal
import string
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiormq
import psutil
import pytest
import yaml
from aiormq.abc import AbstractChannel
from yarl import URL

from tests.logging.beside_logstash import Pod
from tests.logging.broker import (
    PASSWORD,
    QUEUE,
    USER,
    VHOST,
    Broker,
    client_context,
    definitions,
    password_hash,
)
from tests.logging.certificates import Authority
from tests.logging.rendered import with_logstash
from tests.render.rendering import Render

pytestmark = pytest.mark.slow

EVENTS = 300
HARD = {
    "password": string.punctuation + " é€😀%2F%",
    "user": "pän/@:%25",
    "vhost": "a/b é+#?&%",
    "exchange": "log/ex change&=#é",
    "routingKey": "k[]{}\"'`$${HOME}%{message}",
}


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """The chart of a site with logstash."""
    return with_logstash(tmp_path_factory.mktemp("logstash"))


@pytest.fixture
def settings(rendered: Render) -> dict[str, Any]:
    """logstash.yaml as the chart renders it."""
    found: dict[str, Any] = yaml.safe_load(rendered.one("ConfigMap", "jld-logstash")["data"]["logstash.yaml"])
    return found


@pytest.fixture
def pod(
    programs: tuple[Path, Path], tmp_path: Path, authority: Authority, broker: Broker, settings: dict[str, Any]
) -> Iterator[Pod]:
    """logstash's pod, which knows the broker that runs. It is not started."""
    known = {"host": "localhost", "port": broker.port, "vhost": VHOST, "user": USER}
    made = Pod(programs[1], tmp_path / "pod", {**settings, "broker": settings["broker"] | known}, authority, PASSWORD)
    yield made
    made.end()


def start(pod: Pod) -> None:
    pod.run_init_container()
    pod.start()


@asynccontextmanager
async def opened(url: URL, **options: Any) -> Any:
    connection = await aiormq.connect(url, **options)
    try:
        yield await connection.channel()
    finally:
        await connection.close()


def as_logstash(pod: Pod, **other: Any) -> URL:
    """Where the pipeline connects to, and as whom."""
    text = (pod.folder / "logstash" / "pipeline.conf").read_text()
    port, vhost, user, password = (
        re.findall(rf'^    {name} => "?([^"\n]+)"?$', text, re.MULTILINE)[-1]
        for name in ("port", "vhost", "user", "password")
    )
    known = {"user": user, "password": password, "host": "127.0.0.1", "port": int(port), "path": f"/{vhost}"}
    return URL.build(scheme="amqp", **known | other)


def publish(pod: Pod, bodies: Sequence[bytes]) -> None:
    """Hand events to the local exchange; each is confirmed."""

    async def send() -> None:
        async with opened(as_logstash(pod)) as channel:
            names = pod.settings["names"]
            await channel.exchange_declare(names["exchange"], exchange_type="direct", durable=True)
            properties = aiormq.spec.Basic.Properties(delivery_mode=2, content_type="application/json")
            await asyncio.gather(
                *(
                    channel.basic_publish(
                        body, exchange=names["exchange"], routing_key=names["routingKey"], properties=properties
                    )
                    for body in bodies
                )
            )

    asyncio.run(send())


def arrived(broker: Broker, authority: Authority, number: int, **login: str) -> Counter[bytes]:
    """Wait for so many different events, and take all that come until a moment after. How often each came."""
    known = {"user": USER, "password": PASSWORD, "vhost": VHOST} | login
    url = URL.build(
        scheme="amqps",
        user=known["user"],
        password=known["password"],
        host="localhost",
        port=broker.port,
        path=f"/{known['vhost']}",
    )

    async def take() -> Counter[bytes]:
        found: Counter[bytes] = Counter()
        deadline = time.monotonic() + 90
        async with opened(url, context=client_context(authority.folder)) as channel:
            quiet = 0
            while time.monotonic() < deadline and (len(found) < number or quiet < 10):
                message = await channel.basic_get(QUEUE, no_ack=True)
                if message.body or message.delivery_tag:
                    found[bytes(message.body)] += 1
                    quiet = 0
                else:
                    quiet += 1
                    await asyncio.sleep(0.1)
        return found

    return asyncio.run(take())


def events(name: str, number: int = EVENTS) -> list[bytes]:
    return [json.dumps({"message": f"{name} {index}"}).encode() for index in range(number)]


def once(bodies: Sequence[bytes]) -> Counter[bytes]:
    return Counter(bodies)


def test_what_logstash_hands_over_arrives_once_and_as_it_was(pod: Pod, broker: Broker, authority: Authority) -> None:
    start(pod)
    publish(pod, events("a"))

    assert arrived(broker, authority, EVENTS) == once(events("a"))
    assert PASSWORD not in pod.log


def test_any_character_may_be_in_what_the_broker_elsewhere_is_told(
    pod: Pod, broker: Broker, authority: Authority
) -> None:
    broker.kill()
    broker.definitions = renamed(definitions(), **HARD)
    broker.folder.joinpath("data").rename(broker.folder / "data-before")
    broker.start()
    pod.password = HARD["password"]
    hard = {name: value for name, value in HARD.items() if name != "password"}
    pod.settings = {**pod.settings, "broker": pod.settings["broker"] | hard}
    start(pod)
    publish(pod, events("a"))

    login = {name: HARD[name] for name in ("user", "password", "vhost")}
    assert arrived(broker, authority, EVENTS, **login) == once(events("a"))


def renamed(
    known: dict[str, Any], password: str, user: str, vhost: str, exchange: str, routingKey: str
) -> dict[str, Any]:
    """The definitions of the broker elsewhere with other names."""
    for kind in ("permissions", "exchanges", "queues", "bindings"):
        for each in known[kind]:
            each["vhost"] = vhost
    known["vhosts"][0]["name"] = vhost
    known["users"][0] |= {"name": user, "password_hash": password_hash(password)}
    known["permissions"][0]["user"] = user
    known["exchanges"][0]["name"] = exchange
    known["bindings"][0] |= {"source": exchange, "routing_key": routingKey}
    return known


def test_events_wait_on_the_volume_while_the_broker_is_away_and_rabbitmq_is_killed(
    pod: Pod, broker: Broker, authority: Authority
) -> None:
    start(pod)
    broker.kill()
    publish(pod, events("before"))
    before = as_logstash(pod)
    pod.end(signal.SIGKILL)
    start(pod)
    publish(pod, events("after"))
    broker.start()

    assert arrived(broker, authority, 2 * EVENTS) == once(events("before") + events("after"))
    # Each start of the pod has a password of its own, and nobody else has one.
    assert before.password != as_logstash(pod).password
    assert refused(before)
    assert refused(as_logstash(pod, user="guest", password="guest", path="/"))


def refused(url: URL) -> bool:
    async def connect() -> None:
        async with opened(url):
            pass

    try:
        asyncio.run(connect())
    except aiormq.exceptions.AMQPConnectionError:
        return True
    return False


def test_events_that_came_back_often_are_kept(pod: Pod, broker: Broker, authority: Authority) -> None:
    """RabbitMQ throws away by itself what came back twenty times, as it does whenever the broker is cut off."""
    broker.kill()
    pod.run_init_container()
    let_somebody_read(pod)
    pod.start()
    publish(pod, events("a", 3))
    url = as_logstash(pod, user="reader", password="reader")

    async def take_and_let_go(channel: AbstractChannel) -> None:
        for _ in range(3):
            await channel.basic_get(pod.settings["names"]["queue"], no_ack=False)

    for _ in range(30):
        asyncio.run(with_channel(url, take_and_let_go))
    broker.start()

    assert arrived(broker, authority, 3) == once(events("a", 3))


def let_somebody_read(pod: Pod) -> None:
    """A user of the test beside those that the pod has."""
    file = pod.folder / "rabbitmq" / "definitions.json"
    known = json.loads(file.read_text())
    vhost = known["vhosts"][0]["name"]
    hashed = {"password_hash": password_hash("reader"), "hashing_algorithm": "rabbit_password_hashing_sha256"}
    known["users"].append({"name": "reader", "tags": [], **hashed})
    known["permissions"].append({"user": "reader", "vhost": vhost, "configure": "", "write": "", "read": ".*"})
    file.chmod(0o600)
    file.write_text(json.dumps(known))


async def with_channel(url: URL, act: Callable[[AbstractChannel], Awaitable[None]]) -> None:
    async with opened(url) as channel:
        await act(channel)


def test_a_wrong_password_loses_nothing_and_is_told_to_nobody(pod: Pod, broker: Broker, authority: Authority) -> None:
    pod.password = "not-the-password/%"
    start(pod)
    publish(pod, events("a"))
    pod.wait_for("ACCESS_REFUSED")
    said = pod.log
    pod.end(signal.SIGTERM)
    pod.password = PASSWORD
    start(pod)

    assert arrived(broker, authority, EVENTS) == once(events("a"))
    assert "not-the-password" not in said


def test_after_a_change_of_names_each_event_still_arrives_once(pod: Pod, broker: Broker, authority: Authority) -> None:
    """What RabbitMQ has on its volume outlives the change: a binding of before would copy every event."""
    start(pod)
    broker.kill()
    publish(pod, events("before"))
    pod.end(signal.SIGTERM)
    pod.settings = {**pod.settings, "names": pod.settings["names"] | {"queue": "other-queue"}}
    start(pod)
    publish(pod, events("after"))
    broker.start()

    assert arrived(broker, authority, 2 * EVENTS) == once(events("before") + events("after"))


@pytest.mark.parametrize(
    ("in_certificate", "accepted"), [("*.example.org", True), ("other.example.org", False), ("*.org", False)]
)
def test_the_broker_is_verified_by_its_name_where_a_star_stands_for_one_part(
    pod: Pod, broker: Broker, authority: Authority, in_certificate: str, accepted: bool
) -> None:
    broker.kill()
    authority.issue("broker", in_certificate)
    for ending in ("crt", "key"):
        (broker.folder / "tls" / f"broker.{ending}").write_bytes((authority.folder / f"broker.{ending}").read_bytes())
    broker.start()
    pod.settings = {**pod.settings, "broker": pod.settings["broker"] | {"host": "logs.example.org"}}
    pod.hosts = "127.0.0.1 localhost logs.example.org\n"
    start(pod)

    pod.wait_for("authenticated" if accepted else "hostname_check_failed", log=broker.log if accepted else None)
    assert ("hostname_check_failed" in pod.log) is not accepted


def test_rabbitmq_is_reached_on_loopback_alone(pod: Pod) -> None:
    start(pod)
    addresses = {
        connection.laddr.ip
        for process in pod.processes()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }

    assert addresses
    assert addresses <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_the_probes_of_rabbitmq_find_it_alive(pod: Pod, rendered: Render) -> None:
    containers = rendered.one("StatefulSet", "jld-logs")["spec"]["template"]["spec"]["initContainers"]
    (container,) = [each for each in containers if each["name"] == "rabbitmq"]
    start(pod)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        command = container[probe]["exec"]["command"]
        pod.run([word.replace("/5672", f"/{pod.port}") for word in command])
