"""Facts about log shipping, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography import x509

from jld.doctor.facts import NoResponse

_LONGEST = 300  # characters of what another side says


class Step(StrEnum):
    """A step of a connection. Each needs those before it."""

    address = "address"
    port = "port"
    tls = "TLS"
    protocol = "protocol"
    login = "login"
    vhost = "vhost"
    exchange = "exchange"
    publishing = "publishing"


@dataclass(frozen=True)
class Connection:
    """How far a connection got, and what was seen on the way."""

    failed: Step | None = None  # None: every step that was tried succeeded
    code: int | str = (
        ""  # OpenSSL's number of what it could not verify, its name of another fault, or AMQP's reply code
    )
    said: str = ""  # why, in the words of this machine or of the other side
    certificate: bytes = b""  # the server's own, as DER; empty where it was not seen

    def __post_init__(self) -> None:
        """What others say is shown in one line, and controls no terminal."""
        text = "".join(character if character.isprintable() else " " for character in self.said)
        object.__setattr__(self, "said", text[:_LONGEST])

    @property
    def server(self) -> x509.Certificate | None:
        """The server's certificate, where it was seen and is one."""
        try:
            return x509.load_der_x509_certificate(self.certificate)
        except ValueError:
            return None


@dataclass(frozen=True)
class LogFacts:
    """What is known of log shipping. The Secrets are maps by the keys of `logging.secret`; a value that is not read is empty."""

    secret: Mapping[str, bytes] | NoResponse = field(default_factory=dict)  # what it connects with
    installed: Mapping[str, bytes] | NoResponse = field(
        default_factory=dict
    )  # the release's own one; empty: there is none
    connections: Mapping[str, Connection | NoResponse] = field(default_factory=dict)  # by `host:port`
