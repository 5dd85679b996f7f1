"""Runs the relay in its pod: `python -m jldlogging.relay`."""

import asyncio
import contextlib
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

from jldlogging.relay import lumberjack, metrics
from jldlogging.relay.broker import Broker
from jldlogging.relay.server import Server, listen
from jldlogging.relay.settings import Files, SettingsError, load
from jldlogging.relay.tls import TlsFiles

SETTINGS = Path("/etc/jld/logging/settings/relay.yaml")
SECRETS = Path("/etc/jld/logging/secret")
_ENDS_WITHIN = 20.0  # seconds for what was taken; the pod has thirty


async def run(
    settings: Path = SETTINGS,
    secrets: Path = SECRETS,
    port: int = lumberjack.PORT,
    metrics_port: int = metrics.PORT,
) -> None:
    """Until SIGTERM. What is not confirmed then, filebeat sends again to another copy, or to the next."""
    files, numbers = Files(secrets), metrics.Metrics()
    broker = Broker(load(settings).broker, files, numbers)
    server = Server(broker.deliver, TlsFiles(files), numbers)
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    asyncio.get_running_loop().set_exception_handler(_unless_cancelled)
    async with metrics.serving(numbers, metrics_port):
        tasks = [asyncio.create_task(broker.run()), asyncio.create_task(listen(server, port))]
        ended = asyncio.create_task(ending.wait())
        done, _ = await asyncio.wait([*tasks, ended], return_when=asyncio.FIRST_COMPLETED)
        tasks[1].cancel()
        await server.end(_ENDS_WITHIN)
        tasks[0].cancel()
        for task in done:
            task.result()


def _unless_cancelled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What was cancelled at the end is no fault: libraries leave it to the loop, which would log it with a traceback."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


class _Lines(logging.Formatter):
    """One JSON object a line, as the other parts of the platform write their logs."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_log() -> None:
    """What the relay has to say, and not what its libraries tell of each attempt: that holds addresses."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of each event for a connection that is closed


def main() -> None:
    configure_log()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(run())
    except SettingsError as error:
        logging.getLogger("jldlogging.relay").error("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()
