"""What exists in the RabbitMQ beside logstash: a vhost, one user, an exchange, a queue, their binding, and the shovel."""

import base64
import hashlib
import json
import re
from typing import Any

from jldlogging.logstash import shovel
from jldlogging.logstash.secret_files import Login
from jldlogging.logstash.settings import Names, Settings

USER = "logstash"
QUEUE_ARGUMENTS: dict[str, str | int] = {
    # It has no length: a sender without confirms, as logstash is, would lose what is over it.
    "x-queue-type": "quorum",
    # By default RabbitMQ throws an event away when it came back twenty times, as it does with each broken connection.
    "x-delivery-limit": -1,
}


def vhost_of(names: Names) -> str:
    """The vhost of these names, another one for each set of them.

    What RabbitMQ has on its volume outlives a change of the values. In one vhost, a binding of before would put a copy of
    every event into a queue that nobody empties. In another one, what was left is still sent, and nothing is added.
    """
    digest = hashlib.sha256(json.dumps(names.model_dump(), sort_keys=True).encode()).hexdigest()
    return f"logs-{digest[:8]}"


def password_hash(password: str, salt: bytes) -> str:
    """As RabbitMQ keeps a password: four bytes of salt, and SHA-256 of salt and password, in base64."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def definitions(settings: Settings, login: Login, password: str, salt: bytes) -> dict[str, Any]:
    """RabbitMQ's definitions. `password` is the one of logstash here; `login` is for the broker elsewhere."""
    names, vhost = settings.names, vhost_of(settings.names)
    here = {"vhost": vhost, "durable": True, "auto_delete": False}
    of_exchange = f"^{re.escape(names.exchange)}$"
    return {
        "vhosts": [{"name": vhost}],
        "users": [
            {
                "name": USER,
                "password_hash": password_hash(password, salt),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [],
            }
        ],
        # logstash declares the exchange that it writes to, which takes both rights, and reads nothing.
        "permissions": [{"user": USER, "vhost": vhost, "configure": of_exchange, "write": of_exchange, "read": "^$"}],
        "exchanges": [here | {"name": names.exchange, "type": "direct", "internal": False, "arguments": {}}],
        "queues": [here | {"name": names.queue, "arguments": QUEUE_ARGUMENTS}],
        "bindings": [
            {
                "source": names.exchange,
                "vhost": vhost,
                "destination": names.queue,
                "destination_type": "queue",
                "routing_key": names.routing_key,
                "arguments": {},
            }
        ],
        "parameters": [shovel.parameter(settings, login, vhost)],
    }
