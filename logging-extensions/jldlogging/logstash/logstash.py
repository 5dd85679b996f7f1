"""logstash's own files: its settings, and how it logs."""

import yaml

from jldlogging.logstash.settings import Settings
from jldlogging.logstash.volume import MIB, Shares

# Without this file in the folder of its settings logstash says nothing but errors.
LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = JSONLayout
appender.out.layout.compact = true
appender.out.layout.eventEol = true
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""


def configuration(settings: Settings, shared: Shares) -> str:
    """logstash.yml."""
    keys: dict[str, str | int | bool] = {
        "path.config": str(settings.folders.logstash / "pipeline.conf"),
        "path.data": str(settings.folders.logstash_data),
        "pipeline.workers": 1,
        "pipeline.ordered": True,
        "queue.type": "persisted",
        "queue.max_bytes": f"{shared.queue // MIB}mb",
        "queue.page_capacity": "64mb",
        # Each event is on the disk before filebeat is told that it is.
        "queue.checkpoint.writes": 1,
        "api.http.host": "127.0.0.1",
        "api.http.port": settings.ports.api,
        "log.level": "info",
        "log.format": "json",
        # A certificate that was renewed is read without a restart; the one needs the other.
        "config.reload.automatic": True,
        "ssl.reload.automatic": True,
    }
    return yaml.safe_dump(keys, sort_keys=False)
