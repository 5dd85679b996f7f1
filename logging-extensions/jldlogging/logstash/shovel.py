"""The shovel: it takes events from the local queue, hands them to the broker elsewhere, and forgets what that has confirmed."""

from typing import Any
from urllib.parse import quote, urlencode

from jldlogging.logstash.secret_files import Login
from jldlogging.logstash.settings import Broker, Folders, Settings

HEARTBEAT = 30  # seconds: a broker that is silent for two of them is gone
CONNECT_WITHIN = 30_000  # milliseconds
RECONNECT_AFTER = 5  # seconds
PREFETCH = 1000  # events under way; that many come twice, at most, when a connection breaks


def destination(broker: Broker, login: Login, folders: Folders) -> str:
    """The address of the broker elsewhere, with its password: verified by chain and name. Any character may be in it."""
    credentials = f"{_encoded(broker.user)}:{_encoded(login.password)}"
    tls = {
        "cacertfile": folders.broker_tls / "brokerCaCertificate",
        "verify": "verify_peer",
        "server_name_indication": broker.host,  # also the name that the certificate must have
    }
    if login.has_certificate:
        tls |= {"certfile": folders.broker_tls / "brokerCertificate", "keyfile": folders.broker_tls / "brokerKey"}
    query = urlencode(tls | {"heartbeat": HEARTBEAT, "connection_timeout": CONNECT_WITHIN}, safe="/", quote_via=quote)
    return f"amqps://{credentials}@{broker.host}:{broker.port}/{_encoded(broker.vhost)}?{query}"


def source(vhost: str) -> str:
    """The local broker, from inside of it: no network, no login."""
    return f"amqp:///{_encoded(vhost)}"


def parameter(settings: Settings, login: Login, vhost: str) -> dict[str, Any]:
    """The shovel as an entry of `parameters` of RabbitMQ's definitions."""
    return {
        "component": "shovel",
        "vhost": vhost,
        "name": settings.names.shovel,
        "value": {
            "src-protocol": "amqp091",
            "src-uri": source(vhost),
            "src-queue": settings.names.queue,
            # RabbitMQ starts shovels before it makes queues. One that comes first waits, and makes no queue of another kind.
            "src-predeclared": True,
            "src-prefetch-count": PREFETCH,
            "src-delete-after": "never",
            "dest-protocol": "amqp091",
            "dest-uri": destination(settings.broker, login, settings.folders),
            "dest-exchange": settings.broker.exchange,
            "dest-exchange-key": settings.broker.routing_key,
            "ack-mode": "on-confirm",
            "reconnect-delay": RECONNECT_AFTER,
        },
    }


def _encoded(text: str) -> str:
    return quote(text, safe="")
