"""logstash's pipeline: from filebeat over mutual TLS to the RabbitMQ on loopback, with nothing in between."""

from collections.abc import Mapping, Sequence

from jldlogging.logstash.definitions import USER, vhost_of
from jldlogging.logstash.settings import Settings

Option = str | int | bool | Sequence[str] | Mapping[str, str]


def listen_address(pod_address: str) -> str:
    """The address to listen at, for all of the pod: of the family that the pod's own address has."""
    return "::" if ":" in pod_address else "0.0.0.0"  # noqa: S104 - the pod's NetworkPolicy says who comes in


def pipeline(settings: Settings, password: str, listen: str) -> str:
    """The configuration of the pipeline. `password` is that of the local RabbitMQ. Raises ValueError, see `literal`."""
    tls, ports, names = settings.folders.tls, settings.ports, settings.names
    beats: dict[str, Option] = {
        "id": "beats",
        "host": listen,
        "port": ports.beats,
        "ssl_enabled": True,
        "ssl_certificate": str(tls / "serverCertificate"),
        "ssl_key": str(tls / "serverKey"),
        "ssl_certificate_authorities": [str(tls / "caCertificate")],
        "ssl_client_authentication": "required",
        "ssl_supported_protocols": ["TLSv1.2", "TLSv1.3"],
        "client_inactivity_timeout": 120,
        "enrich": ["none"],  # events go on as filebeat made them
    }
    rabbitmq: dict[str, Option] = {
        "id": "rabbitmq",
        "host": "127.0.0.1",
        "port": ports.amqp,
        "vhost": vhost_of(names),
        "user": USER,
        "password": password,
        "exchange": names.exchange,
        "exchange_type": "direct",
        "key": names.routing_key,
        "durable": True,
        "persistent": True,
        "automatic_recovery": True,
        "heartbeat": 30,
        "connection_timeout": 10_000,
        "connect_retry_interval": 2,
        "message_properties": {"content_type": "application/json"},
    }
    return _section("input", "beats", beats) + _section("output", "rabbitmq", rabbitmq)


def literal(value: Option) -> str:
    """A value as logstash writes it. Raises ValueError for a text that logstash would read as another one."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            if any(mark in value for mark in ('"', "\\", "${", "%{")) or not value.isprintable():
                raise ValueError(f"logstash has no way to write a text of {len(value)} characters that is to be set")
            return f'"{value}"'
        case Mapping():
            return "{ " + " ".join(f"{literal(key)} => {literal(each)}" for key, each in value.items()) + " }"
        case _:
            return "[" + ", ".join(literal(each) for each in value) + "]"


def _section(kind: str, plugin: str, options: Mapping[str, Option]) -> str:
    lines = "".join(f"    {name} => {literal(value)}\n" for name, value in options.items())
    return f"{kind} {{\n  {plugin} {{\n{lines}  }}\n}}\n"
