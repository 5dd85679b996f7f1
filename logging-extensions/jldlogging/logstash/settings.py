"""What the chart tells the init container: where the broker is, the names beside logstash, ports, sizes and folders."""

import re
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

_UNITS = {unit: factor**power for power, unit in enumerate("MGTP", 2) for unit, factor in ((unit, 1000),)}
_UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("MGTP", 2)}


class SettingsError(Exception):
    """logstash cannot start with what it was given. One sentence a line, with the remedy."""


class _Model(BaseModel):
    """Keys are camelCase as in the values. Unknown keys are errors."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


def number_of_bytes(size: object) -> int:
    """A size as the values have it, like 20Gi or 1.5T, in bytes. Raises ValueError."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([MGTP]i?)", size, re.ASCII) if isinstance(size, str) else None
    if match is None:
        raise ValueError("not a size; write one like 20Gi")
    return int(float(match[1]) * _UNITS[match[2]])


Bytes = Annotated[int, BeforeValidator(number_of_bytes)]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Folder = Annotated[Path, Field(strict=False)]
# logstash replaces `${...}` and `%{...}` inside of a text and knows no way to write them otherwise, nor a text with both
# kinds of quotes: a name that it has to write holds none of these characters. `amq.` belongs to RabbitMQ.
LocalName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,126}$")]


class Broker(_Model):
    """The RabbitMQ elsewhere, as `logging.broker` says it."""

    host: Name
    port: Port
    vhost: Name
    exchange: Name
    routing_key: Name
    user: Name


class Names(_Model):
    """What is made in the RabbitMQ beside logstash, as `logging.logstash` says it."""

    exchange: LocalName
    queue: LocalName
    routing_key: LocalName
    shovel: LocalName


class Ports(_Model):
    """Where the pod listens: `beats` and `metrics` on its address, the others on loopback."""

    beats: Port
    amqp: Port
    api: Port
    metrics: Port | None = None
    """Of RabbitMQ, where somebody may read them."""


class Folders(_Model):
    """Where things are mounted: the first two in the init container, the others in those that read what it writes."""

    secret: Folder
    """Every key of `logging.secret`."""
    volume: Folder
    """The volume, of which logstash and RabbitMQ each have a folder."""
    logstash: Folder
    """What is written for logstash, at the same place in its container."""
    rabbitmq: Folder
    """What is written for RabbitMQ, at the same place in its container."""
    tls: Folder
    """For logstash: caCertificate, serverCertificate and serverKey of `logging.secret`."""
    broker_tls: Folder
    """For RabbitMQ: brokerCaCertificate, brokerCertificate and brokerKey of `logging.secret`."""
    logstash_data: Folder
    rabbitmq_data: Folder


class Settings(_Model):
    broker: Broker
    names: Names
    ports: Ports
    folders: Folders
    volume_size: Bytes
    """What `logging.logstash.storage.size` says; the volume may be smaller."""
    rabbitmq_memory: Bytes
    """The memory limit of RabbitMQ's container."""

    @classmethod
    def load(cls, file: Path) -> Self:
        """Raises SettingsError."""
        try:
            return cls.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise SettingsError(f"{file}: cannot be read ({error.strerror}); the chart mounts it there") from None
        except (yaml.YAMLError, UnicodeDecodeError):
            raise SettingsError(f"{file}: not YAML; install the chart again") from None
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise SettingsError(f"{file}: {wrong}; correct logging.broker or logging.logstash in the values") from None
