"""What is wrong between filebeat, relay and broker is told in a sentence with the remedy, and lines wait until it is mended."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.logging.broker import EXCHANGE, PASSWORD, Broker, definitions
from tests.logging.certificates import Authority
from tests.logging.chain import Chain
from tests.logging.sink import Sink
from tests.logging.writers import Writer

PATIENCE = 60.0  # seconds without anything new

pytestmark = pytest.mark.slow
Change = Callable[[Chain, Broker, Authority], None]


def wrong_password(chain: Chain, broker: Broker, authority: Authority) -> None:
    chain.password = "another"
    chain.write_broker()


def wrong_vhost(chain: Chain, broker: Broker, authority: Authority) -> None:
    chain.write_broker(vhost="nowhere")


def wrong_exchange(chain: Chain, broker: Broker, authority: Authority) -> None:
    chain.write_broker(exchange="nowhere")


def wrong_key(chain: Chain, broker: Broker, authority: Authority) -> None:
    chain.write_broker(routingKey="nowhere")


def wrong_port(chain: Chain, broker: Broker, authority: Authority) -> None:
    chain.write_broker(port=chain.stats_port)


def wrong_host(chain: Chain, broker: Broker, authority: Authority) -> None:
    chain.write_broker(host="no-such-host.invalid")


def may_not_write(chain: Chain, broker: Broker, authority: Authority) -> None:
    broker.stop()
    broker.definitions = definitions()
    broker.definitions["permissions"][0]["write"] = "^$"
    broker.start()


def expired(chain: Chain, broker: Broker, authority: Authority) -> None:
    authority.issue("broker", "localhost", until=datetime.now(UTC) - timedelta(days=1))
    broker.show(authority.folder)


def other_name(chain: Chain, broker: Broker, authority: Authority) -> None:
    authority.issue("broker", "rabbitmq.example.org")
    broker.show(authority.folder)


def other_authority(chain: Chain, broker: Broker, authority: Authority) -> None:
    stranger = Authority(authority.folder.parent / "stranger")
    stranger.issue("broker", "localhost")
    broker.show(stranger.folder)


OF_SETTINGS = (wrong_vhost, wrong_exchange, wrong_key, wrong_port, wrong_host)


def mend(change: Change, chain: Chain, broker: Broker, authority: Authority) -> None:
    """As it was before the change."""
    chain.password = PASSWORD
    chain.write_broker()
    if change in OF_SETTINGS:  # the chart starts the relay again; a password it reads by itself
        chain.end_relay()
        chain.start_relay()
    elif change is not wrong_password:
        broker.definitions = definitions()
        authority.issue("broker", "localhost")
        broker.show(authority.folder)


FAULTS: list[tuple[Change, str]] = [
    (wrong_password, "refuses the login of pan: correct logging.broker.user or logging.secret.brokerPassword"),
    (wrong_vhost, "may not use the vhost nowhere, or there is none of this name: correct logging.broker.vhost"),
    (wrong_exchange, "there is no exchange nowhere: correct logging.broker.exchange"),
    (wrong_key, f"nothing is bound to the exchange {EXCHANGE} with the key nowhere: correct logging.broker.routingKey"),
    (wrong_port, "correct logging.broker.port"),
    (wrong_host, "there is no such name in DNS, as the pods see it: correct logging.broker.host"),
    (may_not_write, f"pan may not write to the exchange {EXCHANGE}: let the broker's operators grant it"),
    (expired, "its certificate is refused: certificate has expired; let the broker's operators renew it"),
    (other_name, "correct logging.broker.host (localhost), or let the broker's operators name it in the certificate"),
    (
        other_authority,
        "its certificate is refused: unable to get local issuer certificate; correct logging.broker.caCertificate",
    ),
]


@pytest.mark.parametrize(("change", "sentence"), FAULTS, ids=[change.__name__ for change, _ in FAULTS])
def test_lines_wait_and_the_log_says_what_is_wrong_with_the_broker(
    chain: Chain, broker: Broker, authority: Authority, sink: Sink, change: Change, sentence: str
) -> None:
    change(chain, broker, authority)
    writer = Writer(chain.pods, "w0")
    writer.write(5000)
    chain.start_relay()
    chain.start_filebeat()
    chain.wait_for(sentence, "relay")
    assert PASSWORD not in chain.relay_log
    assert sink.found.unique == 0
    mend(change, chain, broker, authority)
    found = sink.wait_for({"w0": 5000}, PATIENCE)
    assert (found.lost({"w0": 5000}), found.others) == (0, [])
    assert chain.relay_log.count("Events wait") <= 6, "it says the same again and again"
    assert '"level": "error"' not in chain.relay_log


def expired_client(chain: Chain, authority: Authority) -> None:
    authority.issue("filebeat", "filebeat", until=datetime.now(UTC) - timedelta(days=1))


def unknown_client(chain: Chain, authority: Authority) -> None:
    stranger = Authority(authority.folder.parent / "stranger")
    stranger.issue("filebeat", "filebeat")
    for name in ("filebeat.crt", "filebeat.key"):
        (authority.folder / name).write_bytes((stranger.folder / name).read_bytes())


def other_server(chain: Chain, authority: Authority) -> None:
    authority.issue("relay", "another-name")


def expired_server(chain: Chain, authority: Authority) -> None:
    authority.issue("relay", "localhost", until=datetime.now(UTC) - timedelta(days=1))


@pytest.mark.parametrize(
    ("change", "log", "said"),
    [
        (expired_client, "relay", "is sent away: its certificate is not good (certificate has expired)"),
        (unknown_client, "relay", "is sent away: its certificate is not good (unable to get local issuer certificate)"),
        (other_server, "filebeat", "x509: certificate is valid for another-name, not localhost"),
        (expired_server, "filebeat", "x509: certificate has expired"),
    ],
)
def test_lines_wait_for_a_good_certificate_between_filebeat_and_relay(
    chain: Chain, authority: Authority, sink: Sink, change: Callable[[Chain, Authority], None], log: str, said: str
) -> None:
    change(chain, authority)
    chain.write_certificates()
    writer = Writer(chain.pods, "w0")
    writer.write(5000)
    chain.start_relay()
    chain.start_filebeat()
    chain.wait_for(said, log)
    assert sink.found.unique == 0
    authority.issue("relay", "localhost")
    authority.issue("filebeat", "filebeat")
    chain.write_certificates()
    chain.kill_filebeat()  # 8.1.3 reads its certificate once; the chart starts its pods again
    chain.start_filebeat()
    found = sink.wait_for({"w0": 5000}, PATIENCE)  # the relay reads its own by itself
    assert (found.lost({"w0": 5000}), found.others) == (0, [])
