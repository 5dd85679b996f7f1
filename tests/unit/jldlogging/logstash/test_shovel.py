"""Any character may be in what the broker elsewhere is told: RabbitMQ reads out of the address what was put in."""

import string
from pathlib import Path
from urllib.parse import unquote

from hypothesis import example, given
from hypothesis import strategies as st
from jldlogging.logstash.secret_files import Login
from jldlogging.logstash.settings import Broker, Folders
from jldlogging.logstash.shovel import destination, source

FOLDERS = Folders.model_construct(broker_tls=Path("/etc/jld/logging/broker"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
# What RabbitMQ's parser of addresses takes as it stands, and `%`; `:`, `/`, `@`, `?` and `&` divide the parts.
PLAIN = set(string.ascii_letters + string.digits + "-._~/:@?&=%")


def broker(**changes: str) -> Broker:
    known = {"host": "rabbitmq.example.org", "vhost": "/", "exchange": "e", "routing_key": "k", "user": "pan"}
    return Broker.model_construct(**known | changes, port=5671)


def parts(address: str) -> tuple[str, str, str, str, dict[str, str]]:
    """User, password, place, vhost and options, divided before they are decoded, as RabbitMQ does it."""
    rest, _, query = address.removeprefix("amqps://").partition("?")
    login, _, place = rest.partition("@")
    user, _, password = login.partition(":")
    server, _, vhost = place.partition("/")
    options = dict(each.split("=") for each in query.split("&"))
    return (
        unquote(user),
        unquote(password),
        server,
        unquote(vhost),
        {key: unquote(each) for key, each in options.items()},
    )


@given(user=TEXTS, password=TEXTS, vhost=TEXTS)
@example(user="pan", password=string.punctuation, vhost="/")
@example(user="%40", password="%2F+ é😀\n", vhost="a/b?c#d")
def test_login_and_vhost_come_out_of_the_address_as_they_went_in(user: str, password: str, vhost: str) -> None:
    address = destination(broker(user=user, vhost=vhost), Login(password), FOLDERS)

    assert set(address) <= PLAIN
    assert parts(address)[:4] == (user, password, "rabbitmq.example.org:5671", vhost)


@given(TEXTS)
def test_a_vhost_of_any_name_is_the_source(vhost: str) -> None:
    address = source(vhost)

    assert address.startswith("amqp:///")
    assert unquote(address.removeprefix("amqp:///")) == vhost
    assert "/" not in address.removeprefix("amqp:///")


def test_the_broker_is_verified_by_chain_and_name() -> None:
    options = parts(destination(broker(), Login("p"), FOLDERS))[4]

    assert options["verify"] == "verify_peer"
    assert options["cacertfile"] == "/etc/jld/logging/broker/brokerCaCertificate"
    assert options["server_name_indication"] == "rabbitmq.example.org"
    assert not {"certfile", "keyfile", "password"} & set(options)


def test_a_certificate_is_shown_where_there_is_one() -> None:
    options = parts(destination(broker(), Login("p", has_certificate=True), FOLDERS))[4]

    assert options["certfile"] == "/etc/jld/logging/broker/brokerCertificate"
    assert options["keyfile"] == "/etc/jld/logging/broker/brokerKey"


def test_a_password_is_not_shown_where_somebody_prints_the_login() -> None:
    assert "secret" not in repr(Login("secret"))
