"""The exporter's process: `python -m jldlogging.exporter`."""

import signal
import sys
from functools import partial
from pathlib import Path

from jldlogging.exporter.filebeat import statistics
from jldlogging.exporter.open_files import open_files
from jldlogging.exporter.serving import Looks, Server

PORT = 9114
FILEBEAT = ("127.0.0.1", 5066)  # `http` in filebeat's configuration
LOGS = Path("/var/log/pods")  # where the kubelet keeps the logs of a node's containers


def say(sentence: str) -> None:
    print(f"jld: {sentence}", file=sys.stderr, flush=True)


def main() -> None:
    # The first process of a container does not end by a signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    looks = Looks(partial(statistics, *FILEBEAT), partial(open_files, Path("/proc"), LOGS), say)
    with Server(PORT, looks) as server:
        say(f"metrics of filebeat at port {PORT}, /metrics")
        server.serve_forever()


if __name__ == "__main__":
    main()
