"""Log shipping: where events go, and which keys have no effect."""

from __future__ import annotations

from jld.rules.rule import Rule, Violations
from jld.support.key_paths import JsonMap, list_at, map_at, value_at
from jld.support.quantities import amount

_FILES = (("broker", "caCertificate"), ("broker", "certificate"), ("broker", "key"))
_TLS_FILES = (("tls", "caCertificate"), ("tls", "certificate"), ("tls", "key"))

_JAVA_SHARE = (
    0.5  # of logstash's memory limit: JRuby, its buffers for the network and mapped pages of its queue take as much
)
_SMALLEST_VOLUME = 4 * 1024**3  # in bytes: RabbitMQ's own files must be small beside the part of it that stays free


def ports_exist(effective: JsonMap) -> Violations:
    """Each port of `logging.external.hosts` is at most 65535."""
    for index, host in enumerate(list_at(effective, "logging", "external", "hosts")):
        port = str(host).rpartition(":")[2]
        if port.isdigit() and int(port) > 65535:
            yield ("logging", "external", "hosts", index), f"there is no port {port}; write one up to 65535"


def service_name_is_free(effective: JsonMap) -> Violations:
    """`logging.serviceName` is no name of another Service of a release `jld`."""
    name = value_at(effective, "logging", "serviceName")
    if name in ("jld-hub", "jld-nginx", "jld-nginx-api", "jld-firefly", "jld-file-server"):
        yield ("logging", "serviceName"), f"another Service of the release may be called {name}; write another name"


def java_memory_is_half_of_the_limit(effective: JsonMap) -> Violations:
    """`logging.logstash.javaMemory` is at most half of `logging.logstash.resources.limits.memory`."""
    java_memory = value_at(effective, "logging", "logstash", "javaMemory")
    memory_limit = value_at(effective, "logging", "logstash", "resources", "limits", "memory")
    java, limit = amount(java_memory), amount(memory_limit)
    if java and limit and java > limit * _JAVA_SHARE:
        sentence = (
            f"{java_memory} of {memory_limit} leave logstash too little beside Java's heap, so Kubernetes would end it; "
            "lower it to half, or raise logging.logstash.resources.limits.memory"
        )
        yield ("logging", "logstash", "javaMemory"), sentence


def volume_holds_two_queues(effective: JsonMap) -> Violations:
    """`logging.logstash.storage.size` is at least 4Gi."""
    path = ("logging", "logstash", "storage", "size")
    size = value_at(effective, *path)
    if (amount(size) or _SMALLEST_VOLUME) < _SMALLEST_VOLUME:
        yield path, f"{size} is too small for two queues; write 4Gi or more"


def files_are_used(effective: JsonMap) -> Violations:
    logging = map_at(effective, "logging")
    if logging.get("enabled") is not True:
        return
    if logging.get("existingSecret"):
        for path in _FILES:
            if path[-1] == "caCertificate" and value_at(logging, *path):
                yield ("logging", *path), "it has no effect: logging.existingSecret holds it; remove it"
        if value_at(logging, "tls", "caCertificate"):
            yield ("logging", "tls", "caCertificate"), "it has no effect: logging.existingSecret holds it; remove it"


RULES: tuple[Rule, ...] = (
    ports_exist,
    service_name_is_free,
    java_memory_is_half_of_the_limit,
    volume_holds_two_queues,
)
WARNINGS: tuple[Rule, ...] = (files_are_used,)
