"""What exists in the RabbitMQ beside logstash: enough for what logstash does, and nothing that loses an event."""

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldlogging.logstash.definitions import definitions, password_hash, vhost_of
from jldlogging.logstash.secret_files import Login

from tests.unit.jldlogging.logstash.building import settings

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)


def made(**changes: object) -> dict[str, list[dict[str, object]]]:
    return definitions(settings(**changes), Login("elsewhere"), "here", b"salt")


@given(password=st.text(), salt=st.binary(min_size=4, max_size=4))
def test_a_password_is_kept_as_rabbitmq_keeps_it(password: str, salt: bytes) -> None:
    kept = base64.b64decode(password_hash(password, salt))

    assert kept[:4] == salt
    assert kept[4:] == hashlib.sha256(salt + password.encode()).digest()


def test_the_names_of_the_original_are_made() -> None:
    found = made()

    assert [each["name"] for each in found["exchanges"]] == ["panopticon-logstash-exchange"]
    assert [each["name"] for each in found["queues"]] == ["panopticon-logstash"]
    assert [(each["source"], each["destination"], each["routing_key"]) for each in found["bindings"]] == [
        ("panopticon-logstash-exchange", "panopticon-logstash", "logstash")
    ]
    (shovel,) = found["parameters"]
    assert (shovel["component"], shovel["name"]) == ("shovel", "panopticon-logstash-shovel")


def test_nothing_of_the_queue_throws_an_event_away() -> None:
    (queue,) = made()["queues"]

    # No length, no age, no limit of deliveries.
    assert queue["arguments"] == {"x-queue-type": "quorum", "x-delivery-limit": -1}
    assert queue["durable"] is True
    assert queue["auto_delete"] is False


def test_an_event_is_forgotten_when_the_broker_elsewhere_has_confirmed_it() -> None:
    value = made()["parameters"][0]["value"]

    assert isinstance(value, dict)
    assert (value["ack-mode"], value["src-delete-after"], value["src-predeclared"]) == ("on-confirm", "never", True)
    assert (value["src-queue"], value["dest-exchange"], value["dest-exchange-key"]) == (
        "panopticon-logstash",
        "logstash-exchange",
        "logstash",
    )


@given(exchange=NAMES, other=NAMES)
def test_logstash_may_write_to_its_exchange_and_to_no_other(exchange: str, other: str) -> None:
    (permission,) = made(names={"exchange": exchange})["permissions"]

    for right in ("configure", "write"):
        assert re.search(str(permission[right]), exchange)
        assert bool(re.search(str(permission[right]), other)) is (other == exchange)
    assert not re.search(str(permission["read"]), other)


@pytest.mark.parametrize("key", ["exchange", "queue", "routingKey", "shovel"])
def test_other_names_are_made_in_another_vhost(key: str) -> None:
    assert vhost_of(settings().names) == vhost_of(settings().names)
    assert vhost_of(settings(names={key: "other"}).names) != vhost_of(settings().names)


def test_all_of_it_is_in_the_one_vhost() -> None:
    found = made()
    vhosts = {
        each["vhost"]
        for kind in ("permissions", "exchanges", "queues", "bindings", "parameters")
        for each in found[kind]
    }

    assert vhosts == {found["vhosts"][0]["name"]}
    assert len(found["users"]) == 1
    assert found["users"][0]["tags"] == []
