"""What the chart tells the relay: where the broker is, and the files with what is secret."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel


class SettingsError(Exception):
    """The relay cannot start with these settings; a sentence with the remedy."""


class _Model(BaseModel):
    """Keys are camelCase as in the values. Unknown keys are errors."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


class BrokerSettings(_Model):
    """Where events go, as `logging.broker` says it."""

    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)
    vhost: str = Field(min_length=1)
    exchange: str = Field(min_length=1)
    routing_key: str = Field(min_length=1)
    user: str = Field(min_length=1)


class RelaySettings(_Model):
    broker: BrokerSettings


def load(file: Path) -> RelaySettings:
    """Raises SettingsError."""
    try:
        return RelaySettings.model_validate(yaml.safe_load(file.read_text()))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror}); the chart mounts it there") from None
    except yaml.YAMLError:
        raise SettingsError(f"{file}: not YAML; install the chart again") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsError(f"{file}: {wrong}; correct logging.broker in the values") from None


@dataclass(frozen=True)
class Files:
    """What is secret, in a folder that the kubelet renews: named as the keys of `logging.secret`."""

    folder: Path

    @property
    def password(self) -> str:
        return self._path("brokerPassword").read_text().rstrip("\r\n")

    @property
    def broker_authorities(self) -> Path:
        return self._path("brokerCaCertificate")

    @property
    def broker_client(self) -> tuple[Path, Path] | None:
        """The certificate that the broker asks for and its key, where the site has them."""
        certificate, key = self._path("brokerCertificate"), self._path("brokerKey")
        return (certificate, key) if certificate.exists() and key.exists() else None

    @property
    def authorities(self) -> Path:
        """Who signs the certificates of those that may connect."""
        return self._path("caCertificate")

    @property
    def server(self) -> tuple[Path, Path]:
        return self._path("serverCertificate"), self._path("serverKey")

    def server_state(self) -> tuple[bytes, ...]:
        """The contents on which the server's TLS hangs: another answer means that they were renewed."""
        return tuple(path.read_bytes() for path in (self.authorities, *self.server))

    def _path(self, name: str) -> Path:
        return self.folder / name
