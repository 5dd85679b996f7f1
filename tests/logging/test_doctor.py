"""`jld doctor` asks a real RabbitMQ, and finds each fault by what that one answers."""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from jld.cli import app
from jld.doctor.facts import Finding, Level, NoResponse, Release
from jld.doctor.log_shipping import asking, findings, reaching
from jld.schema.chart import Chart
from jld.secrets.formats import encode
from jld.site.tree import coalesce
from jlddev.support.errors import Unsupported
from jlddev.tools import rabbitmq
from typer.testing import CliRunner

from tests.logging.broker import PASSWORD, USER, VHOST, Broker, definitions, password_hash, remote_broker
from tests.logging.certificates import Authority
from tests.ports import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULTS = Chart(CHECKOUT / "chart").defaults()
HERE = Release("science", "jld")
NAME = "broker.test"  # leads to this machine, as does OTHER
OTHER = "other.test"
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
READER, STRANGER = "reader", "stranger"


def made_there() -> dict[str, Any]:
    """What the operators of the remote broker have made, with a user who only reads, and one who may enter no virtual host."""
    made = definitions()
    for name in (READER, STRANGER):
        made["users"].append({**made["users"][0], "name": name, "password_hash": password_hash(PASSWORD)})
    made["permissions"].append({"user": READER, "vhost": VHOST, "configure": "", "write": "", "read": ".*"})
    return made


@pytest.fixture(scope="module")
def root() -> Path:
    if os.geteuid():
        pytest.skip("RabbitMQ runs in a root of its own, which takes root")
    try:
        return rabbitmq.install()
    except Unsupported as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.issue("broker", NAME)
    made.issue("expired", NAME, until=LONG_AGO)
    made.issue("client", "filebeat")
    made.issue("expired-client", "filebeat", until=LONG_AGO)
    return made


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority."""
    made = Authority(tmp_path_factory.mktemp("others"))
    made.issue("client", "filebeat")
    return made


@pytest.fixture(scope="module")
def broker(root: Path, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = remote_broker(root, tmp_path_factory.mktemp("remote") / "broker", authority.folder)
    made.definitions = made_there()
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def plain_port() -> int:
    """Of the strict broker, without TLS."""
    return free_port()


@pytest.fixture(scope="module")
def strict_broker(
    root: Path, authority: Authority, plain_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    """One that asks for a certificate."""
    made = remote_broker(root, tmp_path_factory.mktemp("strict") / "broker", authority.folder)
    made.configuration = (
        made.configuration.replace("listeners.tcp = none", f"listeners.tcp.1 = 127.0.0.1:{plain_port}")
        .replace("verify = verify_none", "verify = verify_peer")
        .rstrip()
        + "\nssl_options.fail_if_no_peer_cert = true\n"
    )
    made.start()
    yield made
    made.kill()


@pytest.fixture(autouse=True)
def names_lead_here(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: real("127.0.0.1" if host in (NAME, OTHER) else host, *rest, **more),
    )


def site(secret: Mapping[str, bytes], **logging: Any) -> dict[str, Any]:
    described = {
        "enabled": True,
        "pipeline": "relay",
        "secret": {name: encode(value) for name, value in secret.items()},
    }
    return coalesce(DEFAULTS, {"logging": coalesce(described, logging)})


def found(described: dict[str, Any]) -> Finding:
    """What is said about the one connection of a site."""
    logs = asking.gather(None, described, HERE)
    said = findings.findings(described, logs, HERE, datetime.now(UTC))
    (finding,) = [each for each in said if each.subject in ("logging.broker", "logging.external.hosts")]
    return finding


def of_broker(
    port: int, authorities: bytes, pair: tuple[bytes, bytes] | None = None, password: str = PASSWORD, **broker: Any
) -> dict[str, Any]:
    described = {"host": NAME, "port": port, "vhost": VHOST, "user": USER} | broker
    secret = {"brokerPassword": password.encode(), "brokerCaCertificate": authorities}
    secret |= dict(zip(("brokerCertificate", "brokerKey"), pair or (), strict=False))
    return site(secret, broker=described)


def pem(authority: Authority, name: str) -> bytes:
    return (authority.folder / name).read_bytes()


def pair_of(authority: Authority, name: str) -> tuple[bytes, bytes]:
    return pem(authority, f"{name}.crt"), pem(authority, f"{name}.key")


CASES: dict[str, tuple[dict[str, Any], Level, str]] = {
    "right": ({}, Level.ok, f"reached over TLS; user {USER} may publish to exchange logstash-exchange of virtual host"),
    "wrong password": (
        {"password": "n0t-the-passw0rd"},
        Level.failure,
        f"refuses user {USER} with the password of logging.secret.brokerPassword",
    ),
    "unknown user": ({"user": "nobody"}, Level.failure, "refuses user nobody with the password"),
    "no such virtual host": ({"vhost": "logs"}, Level.failure, "has no virtual host logs"),
    "the virtual host of the default": ({"vhost": "/"}, Level.failure, "has no virtual host /"),
    "a virtual host with signs of addresses": ({"vhost": "/a%2Fb"}, Level.failure, "has no virtual host /a%2Fb"),
    "not let into the virtual host": (
        {"user": STRANGER},
        Level.failure,
        f"does not let user {STRANGER} into virtual host {VHOST}",
    ),
    "no such exchange": ({"exchange": "logs"}, Level.failure, f"virtual host {VHOST} has no exchange logs"),
    "not allowed to publish": (
        {"user": READER},
        Level.failure,
        f"user {READER} may not publish to exchange logstash-exchange (ACCESS_REFUSED - write access to exchange",
    ),
    "another name": ({"host": OTHER}, Level.failure, f"its certificate is for {NAME}, not for {OTHER}"),
    "an address": ({"host": "127.0.0.1"}, Level.failure, f"its certificate is for {NAME}, not for 127.0.0.1"),
    "no such name": ({"host": "nowhere.invalid"}, Level.unknown, "no address is known here ("),
}


@pytest.mark.parametrize(("changes", "level", "observed"), CASES.values(), ids=CASES)
def test_what_a_broker_answers_is_told(
    changes: dict[str, Any], level: Level, observed: str, broker: Broker, authority: Authority
) -> None:
    finding = found(of_broker(broker.port, pem(authority, "ca.crt"), **changes))

    assert (finding.level, finding.observed.partition(": ")[2][: len(observed)]) == (level, observed)
    assert level is Level.ok or finding.remedy
    assert str(changes.get("password", PASSWORD)) not in str(finding)


def test_to_ask_publishes_nothing(broker: Broker, authority: Authority) -> None:
    assert found(of_broker(broker.port, pem(authority, "ca.crt"), routingKey="logstash")).level is Level.ok

    import pika

    context = ssl.create_default_context(cafile=str(authority.folder / "ca.crt"))
    parameters = pika.ConnectionParameters(
        NAME, broker.port, VHOST, pika.PlainCredentials(USER, PASSWORD), ssl_options=pika.SSLOptions(context, NAME)
    )
    with pika.BlockingConnection(parameters) as connection:
        declared = connection.channel().queue_declare("logstash", passive=True)
    assert declared.method.message_count == 0


def test_another_authority_is_told(broker: Broker, others: Authority) -> None:
    finding = found(of_broker(broker.port, pem(others, "ca.crt")))

    assert finding.level is Level.failure
    assert "its certificate was issued by " in finding.observed
    assert finding.observed.endswith("; logging.broker.caCertificate does not hold it")


def test_a_password_goes_to_no_broker_that_is_not_verified(
    broker: Broker, authority: Authority, others: Authority
) -> None:
    """It would stand in that one's log that somebody could not log in."""
    before = broker.log.read_text().count("login refused")
    for authorities, host in ((pem(others, "ca.crt"), NAME), (pem(authority, "ca.crt"), OTHER)):
        assert found(of_broker(broker.port, authorities, password="n0t-the-passw0rd", host=host)).level is Level.failure

    assert broker.log.read_text().count("login refused") == before


def test_without_the_password_the_login_is_not_tried(broker: Broker, authority: Authority) -> None:
    finding = found(of_broker(broker.port, pem(authority, "ca.crt"), password=""))

    assert finding.level is Level.unknown
    assert "reached over TLS; the login was not tried without the password" in finding.observed


CLIENTS = {
    "none": (None, Level.failure, "asks for a certificate, and the site has none to show"),
    "right": ("client", Level.ok, "reached over TLS; user"),
    "expired": ("expired-client", Level.failure, "refuses the certificate that it is shown: it has expired"),
    "of others": ("others", Level.failure, "refuses the certificate that it is shown: it does not know who issued it"),
}


@pytest.mark.parametrize(("client", "level", "observed"), CLIENTS.values(), ids=CLIENTS)
def test_a_broker_that_asks_for_a_certificate_says_what_it_thinks_of_it(
    client: str | None, level: Level, observed: str, strict_broker: Broker, authority: Authority, others: Authority
) -> None:
    pair = pair_of(others, "client") if client == "others" else pair_of(authority, client) if client else None
    finding = found(of_broker(strict_broker.port, pem(authority, "ca.crt"), pair))

    assert (finding.level, finding.observed.partition(": ")[2][: len(observed)]) == (level, observed)


def test_a_port_without_tls_is_told(strict_broker: Broker, authority: Authority, plain_port: int) -> None:
    finding = found(of_broker(plain_port, pem(authority, "ca.crt")))

    assert (finding.level, finding.observed) == (Level.failure, f"{NAME}:{plain_port}: answers without TLS")
    assert "write the port with TLS in logging.broker.port, as a rule 5671" in finding.remedy


def test_nobody_at_the_port_is_unknown_for_only_the_pods_have_to_reach_it(authority: Authority) -> None:
    port = free_port()
    finding = found(of_broker(port, pem(authority, "ca.crt")))

    assert (finding.level, finding.observed) == (
        Level.unknown,
        f"{NAME}:{port}: cannot be reached from here (Connection refused)",
    )
    assert "only the cluster's pods have to reach it" in finding.remedy
    assert "logs --selector app.kubernetes.io/instance=jld,app.kubernetes.io/component=relay" in finding.command


def test_one_that_does_not_answer_is_unknown(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        finding = found(of_broker(listener.getsockname()[1], pem(authority, "ca.crt")))

    assert finding.level is Level.unknown
    assert "takes connections, and does not answer in time" in finding.observed


def test_a_key_that_is_none_is_not_asked_for_on_the_terminal(authority: Authority) -> None:
    described = of_broker(free_port(), pem(authority, "ca.crt"), (pem(authority, "client.crt"), b"no key"))
    logs = asking.gather(None, described, HERE)

    (answer,) = logs.connections.values()
    assert isinstance(answer, NoResponse)
    assert "the certificates or the key for it cannot be read" in answer.reason


# Servers of other kinds, which are stand-ins: they speak TLS, and say what they are told.


@contextmanager
def serving(authority: Authority, name: str, answer: bytes = b"", clients: Authority | None = None) -> Iterator[int]:
    """A server with a certificate, which asks for one of the authority `clients`. Its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / f"{name}.crt", authority.folder / f"{name}.key")
    if clients:
        context.load_verify_locations(clients.folder / "ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as encrypted:
                if answer:
                    encrypted.sendall(answer)
                while encrypted.recv(1024):
                    pass

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def test_an_expired_certificate_is_told_with_its_day(authority: Authority) -> None:
    with serving(authority, "expired") as port:
        finding = found(of_broker(port, pem(authority, "ca.crt")))

    assert (finding.level, finding.observed) == (
        Level.failure,
        f"{NAME}:{port}: its certificate expired on 2001-01-01",
    )


def test_another_kind_of_server_is_told(authority: Authority) -> None:
    with serving(authority, "broker", b"HTTP/1.1 400 Bad Request\r\n") as port:
        finding = found(of_broker(port, pem(authority, "ca.crt")))

    assert finding.level is Level.failure
    assert "answers over TLS, but not as RabbitMQ does: its first bytes are b'HTTP/1.1'" in finding.observed


LOGSTASHES = {
    "none": (None, Level.failure, "asks for a certificate, and the site has none to show"),
    "right": ("client", Level.ok, "reached over TLS; it accepts filebeat's certificate"),
    "expired": ("expired-client", Level.failure, "refuses the certificate that it is shown: it has expired"),
    "of others": ("others", Level.failure, "refuses the certificate that it is shown: it does not know who issued it"),
}


@pytest.mark.parametrize(("client", "level", "observed"), LOGSTASHES.values(), ids=LOGSTASHES)
def test_a_logstash_that_exists_is_shown_filebeats_certificate(
    client: str | None, level: Level, observed: str, authority: Authority, others: Authority
) -> None:
    pair = pair_of(others, "client") if client == "others" else pair_of(authority, client) if client else ()
    secret = {"caCertificate": pem(authority, "ca.crt")} | dict(zip(("certificate", "key"), pair, strict=False))
    with serving(authority, "broker", clients=authority) as port:
        finding = found(site(secret, pipeline="external", external={"hosts": [f"{NAME}:{port}"]}))

    assert (finding.level, finding.observed) == (level, f"{NAME}:{port}: {observed}")


def test_the_command_tells_it_too(
    broker: Broker, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no kubectl: this is about the broker
    monkeypatch.setenv("JLD_CACHE", str(tmp_path))
    authority.issue("relay", "jld-logs")
    (tmp_path / "ca.pem").write_bytes(pem(authority, "ca.crt"))
    names = {
        "certificate": "client.crt",
        "key": "client.key",
        "serverCertificate": "relay.crt",
        "serverKey": "relay.key",
    }
    secret = {name: pem(authority, file) for name, file in names.items()}
    secret |= {"brokerPassword": PASSWORD.encode(), "caCertificate": pem(authority, "ca.crt")}
    secret["brokerCaCertificate"] = secret["caCertificate"]
    described = {
        "global": {"hostname": "jld.localhost", "imageRegistry": "localhost/jld"},
        "hub": {"auth": {"dummy": {"users": ["alice"]}}},
        "nginx": {"tls": {"selfSigned": True}},
        "logging": {
            "enabled": True,
            "broker": {"host": NAME, "port": broker.port, "vhost": "nowhere", "caCertificate": "ca.pem"},
            "secret": {name: encode(value) for name, value in secret.items()},
        },
    }
    (tmp_path / "values.yaml").write_text(json.dumps(described))
    result = CliRunner().invoke(app, ["doctor", "values.yaml", "--format", "json", "--chart", str(CHECKOUT / "chart")])

    said = {each["subject"]: each for each in json.loads(result.stdout)["findings"]}
    assert (result.exit_code, said["logging.broker"]["level"]) == (2, "failure"), result.output
    assert said["logging.broker"]["found"] == f"{NAME}:{broker.port}: has no virtual host nowhere"
    assert said["logging.secret"]["level"] == "ok"
    assert PASSWORD not in result.output
