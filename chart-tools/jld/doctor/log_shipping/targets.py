"""Whom log shipping connects to, with what it trusts and what it shows. Pure."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from jld.secrets.certificates import Pair
from jld.secrets.formats import LOGGING_SECRET, NOT_GIVEN, decode
from jld.support.key_paths import JsonMap, list_at, map_at, value_at

# How strictly each verifies a certificate: Python from 3.13 on, and Go. The others are neither.
_CHECKS = {
    "relay": ssl.VerifyFlags.VERIFY_X509_STRICT | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN,
    "external": ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN,
}


@dataclass(frozen=True)
class Login:
    """Who logs in to a broker, and what for."""

    user: str
    password: str = field(repr=False)
    vhost: str
    exchange: str
    routing_key: str


@dataclass(frozen=True)
class Words:
    """What a site calls one side of a connection, and what the connection needs."""

    server: str  # "broker"
    subject: str  # the part of the site that describes it
    host: str
    port: str
    authorities: str
    certificate: str
    usual_port: int
    secret: str  # of the operator's own, whose password and private keys are not read; else empty


@dataclass(frozen=True)
class Target:
    """One connection."""

    host: str
    port: int
    words: Words
    authorities: bytes  # PEM: whom the other side's certificate has to be from
    pair: Pair | None = field(default=None, repr=False)  # what is shown to the other side
    login: Login | None = None  # None: to a logstash, or the password is not known here
    checks: ssl.VerifyFlags = ssl.VerifyFlags.VERIFY_DEFAULT

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_broker(self) -> bool:
        return self.words.server == "broker"


def secret_of(site: JsonMap) -> Mapping[str, bytes]:
    """What the site itself holds below `logging.secret`. Without a password that is only a placeholder for a missing one."""
    held = {str(name): decode(str(text)) or b"" for name, text in map_at(site, *LOGGING_SECRET).items()}
    return {name: value for name, value in held.items() if value != NOT_GIVEN.encode()}


def targets(site: JsonMap, secret: Mapping[str, bytes]) -> list[Target]:
    """Every connection that leaves the cluster. `secret` is `logging.secret`, or what is read of the Secret instead of it."""
    pipeline = str(value_at(site, "logging", "pipeline"))
    checks = _CHECKS.get(pipeline, ssl.VerifyFlags.VERIFY_DEFAULT)
    existing = str(value_at(site, "logging", "existingSecret") or "")
    if pipeline == "external":
        words = _words_of_logstash(existing)
        pair, authorities = _pair(secret, "certificate", "key"), secret.get("caCertificate", b"")
        hosts = [str(each).rpartition(":") for each in list_at(site, "logging", "external", "hosts")]
        return [Target(host, int(port), words, authorities, pair, None, checks) for host, _, port in hosts]
    broker = map_at(site, "logging", "broker")
    pair, authorities = _pair(secret, "brokerCertificate", "brokerKey"), secret.get("brokerCaCertificate", b"")
    login = _login(broker, secret.get("brokerPassword", b""))
    host, port = str(broker["host"]), int(broker["port"])
    return [Target(host, port, _words_of_broker(existing), authorities, pair, login, checks)]


def _login(broker: JsonMap, password: bytes) -> Login | None:
    if not password:
        return None
    user, *names = (str(broker[name]) for name in ("user", "vhost", "exchange", "routingKey"))
    return Login(user, password.decode(errors="replace"), *names)


def _pair(secret: Mapping[str, bytes], certificate: str, key: str) -> Pair | None:
    """Both, where both are at hand."""
    shown, private = secret.get(certificate), secret.get(key)
    return Pair(shown, private) if shown and private else None


def _words_of_broker(secret: str) -> Words:
    return Words(
        server="broker",
        subject="logging.broker",
        host="logging.broker.host",
        port="logging.broker.port",
        authorities=f"brokerCaCertificate of Secret {secret}" if secret else "logging.broker.caCertificate",
        certificate=f"brokerCertificate of Secret {secret}" if secret else "logging.broker.certificate",
        usual_port=5671,
        secret=secret,
    )


def _words_of_logstash(secret: str) -> Words:
    return Words(
        server="logstash",
        subject="logging.external.hosts",
        host="logging.external.hosts",
        port="logging.external.hosts",
        authorities=f"caCertificate of Secret {secret}" if secret else "logging.tls.caCertificate",
        certificate=f"certificate of Secret {secret}" if secret else "logging.tls.certificate",
        usual_port=5044,
        secret=secret,
    )
