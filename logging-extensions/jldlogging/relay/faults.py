"""What is wrong with the broker, in a sentence with the remedy."""

import re
import ssl
from collections.abc import Iterator

from aiormq.exceptions import (
    AuthenticationError,
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ConnectionClosed,
    ConnectionNotAllowed,
    DeliveryError,
    IncompatibleProtocolError,
    InvalidFrameError,
    ProbableAuthenticationError,
    PublishError,
)

from jldlogging.relay.settings import BrokerSettings


def sentence(error: BaseException, broker: BrokerSettings) -> str:
    """Cause and remedy. It holds nothing secret: what a library says of an address is not repeated."""
    causes = list(_causes(error))
    found = next((text for cause in causes if (text := _known(cause, broker))), None)
    return found or f"{type(error).__name__}: {_short(error)}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _known(error: BaseException, broker: BrokerSettings) -> str | None:
    text = str(error)
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is refused: {error.verify_message}; {_remedy_for_certificate(error, broker)}"
        case ssl.SSLError() if "ALERT" in text or "alert" in text:
            return (
                f"it refuses our certificate ({error.reason}): renew logging.broker.certificate, or give one if there is none; "
                "its own log names the cause"
            )
        case ssl.SSLError():
            return f"no TLS at port {broker.port} ({error.reason}): correct logging.broker.port, which is the one for AMQP with TLS"
        case ProbableAuthenticationError() | AuthenticationError():
            return (
                f"it refuses the login of {broker.user}: correct logging.broker.user or logging.secret.brokerPassword"
            )
        # Whether the vhost is open to the user is what is asked last; aiormq does not pass on what the broker answers there.
        case ConnectionNotAllowed() | InvalidFrameError() if (
            isinstance(error, ConnectionNotAllowed) or "OpenOk" in text
        ):
            return (
                f"{broker.user} may not use the vhost {broker.vhost}, or there is none of this name: "
                "correct logging.broker.vhost, or let the broker's operators grant it"
            )
        case ChannelNotFoundEntity():
            return f"there is no exchange {broker.exchange}: correct logging.broker.exchange, or let the broker's operators make it"
        case ChannelAccessRefused():
            return f"{broker.user} may not write to the exchange {broker.exchange}: let the broker's operators grant it"
        case ChannelPreconditionFailed() if "size" in text:
            return "an event is larger than the broker takes: let its operators raise max_message_size to 16 MiB, its default"
        case PublishError():
            return (
                f"nothing is bound to the exchange {broker.exchange} with the key {broker.routing_key}: "
                "correct logging.broker.routingKey, or let the broker's operators bind a queue"
            )
        case DeliveryError():
            return "it refuses events (nack): a queue there is full, or has no majority of its nodes"
        case ConnectionClosed():
            return f"it has closed the connection ({_short(error)}); it may be starting anew"
        case IncompatibleProtocolError():
            return f"no AMQP at port {broker.port}: correct logging.broker.port"
        case ConnectionRefusedError():
            return f"nobody listens at port {broker.port}: the broker is down, or correct logging.broker.port"
        case TimeoutError():
            return (
                "it does not answer: the broker or the network is down, or a firewall is between; pods need to reach it"
            )
        case OSError() if (error.errno is not None and error.errno < 0) or "Name or service not known" in text:
            return "there is no such name in DNS, as the pods see it: correct logging.broker.host"
        case _:
            return None


def _remedy_for_certificate(error: ssl.SSLCertVerificationError, broker: BrokerSettings) -> str:
    if error.verify_code == 62:  # X509_V_ERR_HOSTNAME_MISMATCH
        return f"correct logging.broker.host ({broker.host}), or let the broker's operators name it in the certificate"
    if error.verify_code == 10:  # X509_V_ERR_CERT_HAS_EXPIRED
        return "let the broker's operators renew it, or renew logging.broker.caCertificate"
    return "correct logging.broker.caCertificate"


def _short(error: BaseException) -> str:
    return re.sub(r" object at 0x[0-9a-f]+", "", str(error))[:200] or "no reason given"
