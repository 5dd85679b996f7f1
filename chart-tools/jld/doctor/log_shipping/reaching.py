"""Ask a broker or a logstash step by step: address, port, TLS, whether it is what it should be, and what it lets us do."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from tempfile import TemporaryDirectory

from jld.doctor.facts import NoResponse
from jld.doctor.log_shipping import broker
from jld.doctor.log_shipping.facts import Connection, Step
from jld.doctor.log_shipping.targets import Target
from jld.secrets.certificates import Pair

SECONDS = 3.0  # for a step
_SILENCE = 1.0  # seconds in which a server says nothing that does not object to the certificate that it was shown
_ENOUGH = 8  # bytes
_GREETING = b"AMQP\x00\x00\x09\x01"  # AMQP 0-9-1: the client begins
_METHOD_ON_CHANNEL_0 = b"\x01\x00\x00"  # and the broker's first frame is one


def reach(target: Target) -> Connection | NoResponse:
    """How far a connection gets. A password is sent only to a broker whose certificate is right."""
    try:
        context = _context(target)
    except (ValueError, OSError) as error:  # an SSLError is an OSError
        return NoResponse(f"not tried: the certificates or the key for it cannot be read ({_reason(error)})")
    try:
        socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return Connection(Step.address, said=_reason(error))
    try:
        plain = socket.create_connection((target.host, target.port), timeout=SECONDS)
    except OSError as error:
        return Connection(Step.port, said=_reason(error))
    with plain:
        reached = _tls(plain, context, target)
    if reached.failed or target.login is None:
        return reached
    return broker.log_in(target, target.login, context, reached.certificate, SECONDS)


def _context(target: Target) -> ssl.SSLContext:
    """Trusts the target's authorities alone, as strictly as who connects to it from the cluster."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= target.checks
    # Its argument has to be ASCII, and between certificates stand names of any language.
    context.load_verify_locations(cadata=target.authorities.decode("ascii", errors="ignore"))
    if target.pair:
        _show(context, target.pair)
    return context


def _show(context: ssl.SSLContext, pair: Pair) -> None:
    """OpenSSL reads a pair from files only. They are there for a moment, and for nobody else."""
    with TemporaryDirectory(prefix="jld-doctor-") as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        certificate.write_bytes(pair.certificate)
        key.touch(mode=0o600)
        key.write_bytes(pair.key)
        context.load_cert_chain(certificate, key, password=lambda: b"")  # without one OpenSSL would ask the terminal


def _tls(plain: socket.socket, context: ssl.SSLContext, target: Target) -> Connection:
    try:
        encrypted = context.wrap_socket(plain, server_hostname=target.host)
    except ssl.SSLCertVerificationError as error:
        return Connection(Step.tls, error.verify_code, error.verify_message, _shown_certificate(target))
    except OSError as error:
        return _failed_tls(error)
    with encrypted:
        certificate = encrypted.getpeercert(binary_form=True) or b""
        try:
            return _first_words(encrypted, target, certificate)
        except OSError as error:  # with TLS 1.3 a client's certificate is refused only now
            return _failed_tls(error, certificate)


def _first_words(encrypted: ssl.SSLSocket, target: Target, certificate: bytes) -> Connection:
    """Both kinds of server wait for the client to begin. One that refuses the client's certificate does not."""
    encrypted.settimeout(_SILENCE)
    try:
        first = encrypted.recv(_ENOUGH)
    except TimeoutError:
        if not target.is_broker:
            return Connection(certificate=certificate)
        encrypted.settimeout(SECONDS)
        encrypted.sendall(_GREETING)
        first = encrypted.recv(_ENOUGH)
        if first.startswith(_METHOD_ON_CHANNEL_0):
            return Connection(certificate=certificate)
    said = f"its first bytes are {first!r}" if first else "it ended the connection"
    return Connection(Step.protocol, said=said, certificate=certificate)


def _failed_tls(error: OSError, certificate: bytes = b"") -> Connection:
    name = error.reason if isinstance(error, ssl.SSLError) else ""
    return Connection(Step.tls, name or type(error).__name__, _reason(error), certificate)


def _shown_certificate(target: Target) -> bytes:
    """What a server shows that could not be verified, to be named to a person. Nothing is sent to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((target.host, target.port), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=target.host) as encrypted,
        ):
            return encrypted.getpeercert(binary_form=True) or b""
    except OSError:
        return b""


def _reason(error: Exception) -> str:
    """In the words of the system, without its numbers and places."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    if isinstance(error, TimeoutError):
        return "timed out"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
