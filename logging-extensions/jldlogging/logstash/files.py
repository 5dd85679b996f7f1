"""All files of the two programs, by their name, from the settings and what is secret."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from jldlogging.logstash import logstash, rabbitmq
from jldlogging.logstash.definitions import definitions
from jldlogging.logstash.pipeline import pipeline
from jldlogging.logstash.secret_files import Login
from jldlogging.logstash.settings import Settings, SettingsError
from jldlogging.logstash.volume import Shares


@dataclass(frozen=True)
class Made:
    """What is random, or known only in the pod: made anew at each start."""

    password: str = field(repr=False)
    """logstash's, in the local RabbitMQ: of letters, digits, - and _."""
    salt: bytes
    """Four bytes."""
    listen: str
    """The address at which the pod listens."""


def logstash_files(settings: Settings, shared: Shares, made: Made) -> dict[str, str]:
    return {
        "logstash.yml": logstash.configuration(settings, shared),
        "log4j2.properties": logstash.LOGGING,
        "pipeline.conf": pipeline(settings, made.password, made.listen),
    }


def rabbitmq_files(settings: Settings, login: Login, shared: Shares, made: Made) -> dict[str, str]:
    return {
        "rabbitmq-env.conf": rabbitmq.environment(settings),
        "rabbitmq.conf": rabbitmq.configuration(settings, shared, made.listen),
        "enabled_plugins": rabbitmq.plugins(settings),
        "definitions.json": json.dumps(definitions(settings, login, made.password, made.salt), indent=1),
    }


def write(folder: Path, files: dict[str, str]) -> None:
    """Write them for this user alone, in the place of those of an earlier start. Raises SettingsError."""
    try:
        for name, text in files.items():
            (folder / name).unlink(missing_ok=True)
            with (folder / name).open("x", encoding="utf-8") as file:
                (folder / name).chmod(0o400)
                file.write(text)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be written ({error.strerror}); the chart mounts it there") from None


def make_data_folders(volume: Path) -> None:
    """The folders of the two programs on their volume. Raises SettingsError."""
    try:
        for name in ("logstash", "rabbitmq"):
            (volume / name).mkdir(mode=0o770, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the volume of logging.logstash.storage cannot be written ({error.strerror}); "
            "its storage class has to give volumes that belong to the pod's group"
        ) from None
