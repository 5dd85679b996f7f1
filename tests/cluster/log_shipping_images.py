"""Images of log shipping for the native node alone: filebeat 8.1.3, Debian's RabbitMQ, and logstash's stand-in."""

import shutil
from pathlib import Path

from jlddev.images import build
from jlddev.support import rootfs
from jlddev.support.paths import CHECKOUT
from jlddev.tools import filebeat, rabbitmq

STANDIN = CHECKOUT / "tests" / "standins" / "logstash.py"
# The chart's configuration, without what filebeat 8.1.3 does not know (tests/logging/chain.py); what it is told is what the chart tells it.
FILEBEAT = r"""#!/bin/sh
exec filebeat "$1" "$2" -c /dev/fd/3 3<<END
$(sed -e '/^ *compression: auto$/d' -e 's/file_identity.fingerprint: {growing: true}/file_identity.native: ~/' \
  -e 's/^\( *\)- \\.tmp\$$/&\n\1- \\.gz$/' "$4")
END
"""
LOGSTASH = """#!/bin/sh
# logstash --path.settings FOLDER
exec python /opt/standin/logstash.py "$2/pipeline.conf" /etc/jld/logging/tls 5044 /usr/share/logstash/data/standin
"""


def images(folder: Path, hub: build.Image) -> dict[str, build.Image]:
    """filebeat, RabbitMQ and logstash's stand-in as images, from files below `folder`. Raises Unsupported."""
    for name in ("filebeat", "rabbitmq", "logstash"):
        (folder / name).mkdir()
    _program(folder / "filebeat" / "filebeat", filebeat.install().read_bytes())
    _program(folder / "filebeat" / "start", FILEBEAT.encode())
    _dockerfile(
        folder / "filebeat", f"FROM {build.BASE}", "COPY filebeat start /usr/local/bin/", 'ENTRYPOINT ["start"]'
    )
    rabbitmq.install()
    shutil.copy(rootfs.bootstrap("rabbitmq", rabbitmq.PACKAGES), folder / "rabbitmq" / "root.tar")
    path = "/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # Debian's own scripts in /usr/sbin want to be root
    _dockerfile(folder / "rabbitmq", "FROM scratch", "ADD root.tar /", f"ENV PATH={path} LANG=C.UTF-8")
    source = CHECKOUT / "logging-extensions" / "jldlogging"
    shutil.copytree(source, folder / "logstash" / "jldlogging", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(STANDIN, folder / "logstash")
    _program(folder / "logstash" / "start", LOGSTASH.encode())
    _dockerfile(
        folder / "logstash",
        "ARG BASE",
        "FROM ${BASE}",
        "COPY jldlogging /opt/standin/jldlogging",
        "COPY logstash.py /opt/standin/",
        "COPY start /usr/share/logstash/bin/logstash",
        "ENV PYTHONPATH=/opt/standin",
    )
    return {
        "filebeat": build.Image("filebeat-for-tests", folder / "filebeat"),
        "rabbitmq": build.Image("rabbitmq-for-tests", folder / "rabbitmq"),
        "logstash": build.Image("logstash-for-tests", folder / "logstash", hub),
    }


def _program(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o755)


def _dockerfile(folder: Path, *lines: str) -> None:
    (folder / "Dockerfile").write_text("\n".join((*lines, "")))
