"""RabbitMQ of Debian's packages, on this machine: the remote broker of the tests, and the one beside logstash."""

from pathlib import Path

from jlddev.support import debian_packages, rootfs

PACKAGES = ("ca-certificates", "openssl", "procps", "rabbitmq-server")


def install() -> Path:
    """Unpack RabbitMQ into the cache; nothing is installed on this machine. Returns its root. Raises MachineError."""
    debian_packages.ensure({"mmdebstrap": "mmdebstrap"}, "testing log shipping with the real RabbitMQ")
    return rootfs.unpacked("rabbitmq", PACKAGES)
