"""What a fault of TLS means, and what to do about it. Pure."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from jld.doctor.facts import Level
from jld.doctor.log_shipping.facts import Connection
from jld.doctor.log_shipping.targets import Target
from jld.secrets.certificates import chain_of, name_of, names

_OTHER_NAME = (62, 64)  # OpenSSL's numbers of what it could not verify: host name, address
_EXPIRED, _NOT_YET = 10, 9
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
_AGAINST_RFC_5280 = range(80, 95)  # a key identifier that is missing, and the like
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
_REFUSED_BY_NAME = {  # the other side's alerts about the certificate that it was shown
    "CERTIFICATE_EXPIRED": "it has expired",
    "CERTIFICATE_REVOKED": "it was revoked",
    "UNKNOWN_CA": "it does not know who issued it",
    "BAD_CERTIFICATE": "it is not as it must be",
    "CERTIFICATE_UNKNOWN": "it gives no reason; its own log does",
    "UNSUPPORTED_CERTIFICATE": "it is not meant for clients",
    "DECRYPT_ERROR": "it does not fit its key",
}

Judged = tuple[Level, str, str]  # level, what was observed, remedy


def judged(target: Target, connection: Connection, now: datetime) -> Judged:
    """Why no connection over TLS came about."""
    if isinstance(connection.code, int):
        return Level.failure, *_unverified(target, connection, now)
    return _ended(target, connection)


def _unverified(target: Target, connection: Connection, now: datetime) -> tuple[str, str]:
    """The server's certificate is wrong, or thought wrong."""
    words, certificate = target.words, connection.server
    if connection.code in _OTHER_NAME:
        shown = ", ".join(names(certificate)) if certificate else ""
        remedy = f"write one of its names in {words.host}, or let the {words.server}'s operators get one that names {target.host}"
        return f"its certificate is for {shown or 'other names'}, not for {target.host}", remedy
    if connection.code == _EXPIRED:
        remedy = f"let the {words.server}'s operators renew it"
        if certificate and certificate.not_valid_after_utc <= now:
            return f"its certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}", remedy
        return f"an authority of its certificate has expired; it may be the one in {words.authorities}", remedy
    if connection.code == _NOT_YET:
        return "its certificate is not valid yet", "look at this machine's clock, and at the server's"
    if connection.code in _UNKNOWN_AUTHORITY:
        return _unknown_authority(target, certificate)
    observed = f"its certificate cannot be verified ({connection.said})"
    if connection.code in _AGAINST_RFC_5280:
        return observed, "let its operators get one, or authorities, as RFC 5280 wants them; the relay takes no others"
    return observed, f"see that {words.authorities} holds the authorities of this server"


def _unknown_authority(target: Target, certificate: x509.Certificate | None) -> tuple[str, str]:
    words = target.words
    remedy = "put the certificate of its authority there, if this is the server that you mean, or let it show its whole chain"
    if certificate is None:
        return f"who issued its certificate is not in {words.authorities}", remedy
    held = chain_of(target.authorities)
    alike = not isinstance(held, str) and any(each.subject == certificate.issuer for each in held)
    other = "holds another one of that name" if alike else "does not hold it"
    issuer = name_of(certificate.issuer)
    return f"its certificate was issued by {issuer}; {words.authorities} {other}", remedy


def _ended(target: Target, connection: Connection) -> Judged:
    """The handshake ended otherwise, by an alert of the other side or by what is no TLS."""
    words = target.words
    name = str(connection.code)
    alert = name.partition("ALERT_")[2]
    if name in _NO_TLS:
        remedy = f"write the port with TLS in {words.port}, as a rule {words.usual_port}; nothing is sent without TLS"
        return Level.failure, "answers without TLS", remedy
    if target.pair is None and alert in ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE"):
        sure = "asks" if alert == "CERTIFICATE_REQUIRED" else "ends the handshake; most likely it asks"
        if words.secret:
            observed = f"{sure} for a certificate, whose key in Secret {words.secret} is not read"
            return Level.unknown, observed, "what the pods see stands in their log"
        remedy = f"name a certificate that it accepts in {words.certificate}, with its key"
        return Level.failure, f"{sure} for a certificate, and the site has none to show", remedy
    if alert in _REFUSED_BY_NAME:
        observed = f"refuses the certificate that it is shown: {_REFUSED_BY_NAME[alert]}"
        return Level.failure, observed, f"get one that it accepts for {words.certificate}, with its key"
    if alert == "PROTOCOL_VERSION" or name == "UNSUPPORTED_PROTOCOL":
        return Level.failure, "knows only TLS older than 1.2", "let its operators allow TLS 1.2 or 1.3"
    if "TimeoutError" in name:
        return Level.unknown, "takes connections, and does not answer in time", f"see that {words.port} is right"
    observed = f"ended the connection during the TLS handshake ({connection.said})"
    return Level.failure, observed, "see the log of the other side; what stands between may do it too"
