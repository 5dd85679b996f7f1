"""Settings of logstash's pod for tests, as the chart writes them."""

from pathlib import Path
from typing import Any

import yaml
from jldlogging.logstash.settings import Settings


def document(**changes: Any) -> dict[str, Any]:
    """logstash.yaml, with other sections."""
    folders = {
        "secret": "/etc/jld/logging/secret",
        "volume": "/volume",
        "logstash": "/etc/jld/logging/logstash",
        "rabbitmq": "/etc/jld/logging/rabbitmq",
        "tls": "/etc/jld/logging/tls",
        "brokerTls": "/etc/jld/logging/broker",
        "logstashData": "/usr/share/logstash/data",
        "rabbitmqData": "/var/lib/rabbitmq",
    }
    broker = {
        "host": "rabbitmq.example.org",
        "port": 5671,
        "vhost": "panopticon",
        "exchange": "logstash-exchange",
        "routingKey": "logstash",
        "user": "pan",
    }
    names = {
        "exchange": "panopticon-logstash-exchange",
        "queue": "panopticon-logstash",
        "routingKey": "logstash",
        "shovel": "panopticon-logstash-shovel",
    }
    known = {
        "broker": broker,
        "names": names,
        "ports": {"beats": 5044, "amqp": 5672, "api": 9600},
        "folders": folders,
        "volumeSize": "20Gi",
        "rabbitmqMemory": "1Gi",
    }
    return known | {name: known[name] | each if isinstance(each, dict) else each for name, each in changes.items()}


def settings(**changes: Any) -> Settings:
    return Settings.model_validate(document(**changes))


def written(folder: Path, **changes: Any) -> Path:
    """A settings file."""
    file = folder / "logstash.yaml"
    file.write_text(yaml.safe_dump(document(**changes)))
    return file
