"""What it means that a server, once TLS stands, does not take what is asked of it. Pure."""

from __future__ import annotations

from jld.doctor.log_shipping.facts import Connection, Step
from jld.doctor.log_shipping.targets import Login, Target

_ASK = "ask the broker's operators; its log says more"


def judged(target: Target, connection: Connection) -> tuple[str, str]:
    """What was observed, and the remedy."""
    if connection.failed is Step.protocol or target.login is None:
        return _other_server(target, connection)
    login, said = target.login, connection.said
    match connection.failed, connection.code:
        case Step.login, 403:
            remedy = "correct the password or logging.broker.user; the broker's own log says which of them is wrong"
            return f"refuses user {login.user} with the password of logging.secret.brokerPassword", remedy
        case Step.login, _:
            remedy = "let the broker's operators allow the mechanism PLAIN, which TLS protects"
            return f"does not let user {login.user} log in with a password ({said})", remedy
        case Step.vhost, 530 if said.endswith("not found"):
            remedy = "correct logging.broker.vhost, or let the broker's operators make it"
            return f"has no virtual host {login.vhost}", remedy
        case Step.vhost, 530 if said.endswith(f"refused for user '{login.user}'"):
            return f"does not let user {login.user} into virtual host {login.vhost}", _grant(login)
        case Step.vhost, _:
            return f"does not open virtual host {login.vhost} ({said})", _ASK
        case Step.exchange, 404:
            remedy = "correct logging.broker.exchange, or let the broker's operators make it, with a queue bound to it"
            return f"virtual host {login.vhost} has no exchange {login.exchange}", remedy
        case Step.publishing, 403:
            return f"user {login.user} may not publish to exchange {login.exchange} ({said})", _grant(login)
    return f"refuses exchange {login.exchange} ({said})", _ASK


def _grant(login: Login) -> str:
    return (
        f"let the broker's operators grant {login.user} the permission to write to {login.exchange} in {login.vhost} "
        "(rabbitmqctl set_permissions)"
    )


def _other_server(target: Target, connection: Connection) -> tuple[str, str]:
    kind, protocol = ("RabbitMQ", "AMQP 0-9-1") if target.is_broker else ("logstash", "logstash's input for Beats")
    remedy = f"correct {target.words.host}, or write the port of {protocol}, as a rule {target.words.usual_port}"
    return f"answers over TLS, but not as {kind} does: {connection.said}", remedy
