"""Ask a RabbitMQ whether log shipping may do there what it has to, without doing it.

pika and not aiormq, on which the relay stands: that one does not hand on why a virtual host is refused.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pika
from pika import exceptions

from jld.doctor.log_shipping.facts import Connection, Step
from jld.doctor.log_shipping.targets import Login, Target

# RabbitMQ looks whether a user may publish before it refuses a message for its properties, so one that it has to refuse shows
# the right and reaches nobody. The text stands in the broker's log then.
_REFUSED_ALWAYS = pika.BasicProperties(expiration="jld doctor only asks", user_id="jld doctor only asks")
_PRECONDITION_FAILED = 406
_Refusal = tuple[Step, int | str, str]  # where, AMQP's reply code, the words beside it
_REPLY = re.compile(r"\((\d{3})\) (['\"])(.*)\2", re.DOTALL)


def log_in(target: Target, login: Login, context: ssl.SSLContext, certificate: bytes, seconds: float) -> Connection:
    """Log in, enter the virtual host, look for the exchange, and ask for the right to publish to it."""
    parameters = pika.ConnectionParameters(
        host=target.host,
        port=target.port,
        virtual_host=login.vhost,
        credentials=pika.PlainCredentials(login.user, login.password),
        ssl_options=pika.SSLOptions(context, target.host),
        socket_timeout=seconds,
        stack_timeout=seconds,
        blocked_connection_timeout=seconds,
        connection_attempts=1,
        client_properties={"product": "jld doctor"},
    )
    try:
        with _silence(), pika.BlockingConnection(parameters) as connection:
            failed = _look(connection.channel(), login)
    except (exceptions.AMQPError, OSError) as error:
        failed = _refused(error)
    step, code, said = failed or (None, "", "")
    return Connection(step, code, said, certificate)


def _look(channel: pika.adapters.blocking_connection.BlockingChannel, login: Login) -> _Refusal | None:
    try:
        channel.exchange_declare(login.exchange, passive=True)
    except exceptions.ChannelClosedByBroker as error:
        return Step.exchange, error.reply_code, error.reply_text
    try:
        channel.confirm_delivery()
        channel.basic_publish(login.exchange, login.routing_key, b"", _REFUSED_ALWAYS, mandatory=True)
    except exceptions.ChannelClosedByBroker as error:
        if error.reply_code != _PRECONDITION_FAILED:
            return Step.publishing, error.reply_code, error.reply_text
    except (exceptions.UnroutableError, exceptions.NackError):
        pass  # it looks at no property; that it answers is enough
    return None


def _refused(error: Exception) -> _Refusal:
    """Where the broker ended the connection, and why. pika puts the broker's reply into a text."""
    text = str(error)
    reply = _REPLY.search(text)
    code, said = (int(reply[1]), reply[3]) if reply else ("", text or type(error).__name__)
    if isinstance(error, exceptions.ProbableAuthenticationError | exceptions.AuthenticationError):
        return Step.login, code, said
    if isinstance(error, exceptions.ProbableAccessDeniedError):
        return Step.vhost, code, said
    return Step.protocol, code, said


@contextmanager
def _silence() -> Iterator[None]:
    """pika logs what it raises."""
    logger = logging.getLogger("pika")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
