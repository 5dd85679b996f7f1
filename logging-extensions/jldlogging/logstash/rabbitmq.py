"""RabbitMQ's own files: its configuration, its environment, its plugins. But for its metrics it is reached on loopback alone."""

from jldlogging.logstash.settings import Settings
from jldlogging.logstash.volume import MIB, Shares

_SHOVEL = ("rabbitmq_shovel",)
_METRICS = ("rabbitmq_prometheus", "rabbitmq_shovel_prometheus")
_MEMORY_TENTHS = 6  # of the limit: then it takes no more, and a queue that is read needs some
_LOG_OF_QUEUES = 64 * MIB  # written ahead of all queues; the default, 512 MiB, would be much of a small volume
_THIRTY_DAYS = 30 * 24 * 3600 * 1000  # milliseconds

# Erlang compares the name in a certificate letter by letter. This lets `*.example.org` stand for `logs.example.org`, as
# it does for browsers (RFC 6125). It is set before RabbitMQ starts, and without blanks, at which Erlang would cut it.
_WILDCARDS = (
    "application:set_env(amqp_client,ssl_options,"
    "[{customize_hostname_check,[{match_fun,public_key:pkix_verify_hostname_match_fun(https)}]}],[{persistent,true}])."
)
# Erlang's threads would spin for a while where there is nothing to do, and take the processor from a pod that shares it:
# https://www.rabbitmq.com/docs/runtime#busy-waiting
_NO_SPINNING = "+sbwt none +sbwtdcpu none +sbwtdio none"


def plugins(settings: Settings) -> str:
    """enabled_plugins."""
    chosen = _SHOVEL + (_METRICS if settings.ports.metrics else ())
    return f"[{','.join(chosen)}].\n"


def configuration(settings: Settings, shared: Shares, listen: str) -> str:
    """rabbitmq.conf. `listen` is the address at which metrics are read, where somebody may."""
    lines: dict[str, object] = {
        "listeners.tcp.loopback": f"127.0.0.1:{settings.ports.amqp}",
        "auth_mechanisms.1": "PLAIN",
        "definitions.import_backend": "local_filesystem",
        "definitions.local.path": settings.folders.rabbitmq / "definitions.json",
        "disk_free_limit.absolute": shared.free,
        "vm_memory_high_watermark.absolute": settings.rabbitmq_memory * _MEMORY_TENTHS // 10,
        "raft.wal_max_size_bytes": _LOG_OF_QUEUES,
        # A broker elsewhere that takes nothing is no reason to take events back from the shovel, and to send them twice.
        "consumer_timeout": _THIRTY_DAYS,
        "log.file": "false",
        "log.console": "true",
        "log.console.level": "info",
        "log.console.formatter": "json",
    }
    if settings.ports.metrics:
        lines |= {"prometheus.tcp.ip": listen, "prometheus.tcp.port": settings.ports.metrics}
    return "".join(f"{key} = {value}\n" for key, value in lines.items())


def environment(settings: Settings) -> str:
    """rabbitmq-env.conf, which the server reads, and so do its commands in the same container.

    The name of the node is always the same: RabbitMQ keeps its data below it, and a pod's name may change.
    """
    folders = settings.folders
    exported = {
        "ERL_AFLAGS": f"-eval {_WILDCARDS}",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP_SECONDS": "0",  # a dump holds what is secret
    }
    own = {
        "NODENAME": "rabbit@localhost",
        "USE_LONGNAME": "false",
        "CONFIG_FILE": folders.rabbitmq / "rabbitmq.conf",
        "CONFIG_FILES": folders.rabbitmq / "none",  # of the image, which would open more
        "ADVANCED_CONFIG_FILE": folders.rabbitmq / "none",
        "ENABLED_PLUGINS_FILE": folders.rabbitmq / "enabled_plugins",
        "MNESIA_BASE": folders.rabbitmq_data / "mnesia",
        "SERVER_ADDITIONAL_ERL_ARGS": f"{_NO_SPINNING} -kernel inet_dist_use_interface {{127,0,0,1}}",
    }
    lines = [f"export {name}='{value}'" for name, value in exported.items()]
    return "".join(f"{line}\n" for line in [*lines, *(f"{name}='{value}'" for name, value in own.items())])
