"""Runs the controller in its pod: `python -m jldhub.images.controller`."""

import asyncio
import contextlib
import logging.config
import signal
from pathlib import Path

from tornado.log import LogFormatter

from jldhub.images.controller.api import ACCOUNT, connect
from jldhub.images.controller.logins import DIRECTORY, Clients
from jldhub.images.controller.pulling import Prepuller
from jldhub.images.controller.service import INTERVAL, Controller
from jldhub.images.controller.status import PORT, Status, serving
from jldhub.images.controller.store import Store
from jldhub.images.prepuller.settings import ImageSettings
from jldhub.settings.settings import SettingsError
from jldhub.support.logs import logging_config


async def run(
    directory: Path = DIRECTORY, port: int = PORT, interval: float = INTERVAL, account: Path = ACCOUNT
) -> None:
    """Until SIGTERM, which ends it at once: nothing is lost, for the ConfigMap is written whole or not at all."""
    rounds = asyncio.create_task(_rounds(directory, port, interval, account))
    # Without a handler of its own, process 1 of a container would not hear the signal.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, rounds.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await rounds


async def _rounds(directory: Path, port: int, interval: float, account: Path) -> None:
    status, clients = Status(), Clients(directory)
    async with connect(account) as api, serving(status, port), contextlib.aclosing(clients):
        store = Store(api)
        prepuller = Prepuller(api, store, status)
        async with asyncio.TaskGroup() as group:
            group.create_task(Controller(store, clients, status, prepuller.hear, interval).run())
            group.create_task(prepuller.run())


def configure_log() -> None:
    """As the hub's: the same format, and the level of `hub.log`."""
    try:
        log = ImageSettings.load().hub.log
    except SettingsError:  # the first round tells about it
        form, level = "json", "INFO"
    else:
        form, level = log.format, log.level
    configuration = logging_config(form)
    # These two are traitlets' in the hub.
    lines = {"format": LogFormatter.DEFAULT_FORMAT, "datefmt": LogFormatter.DEFAULT_DATE_FORMAT}
    configuration["formatters"]["console"] |= lines
    handlers = {"console": {"class": "logging.StreamHandler", "formatter": "console"}}
    loggers = {"jldhub": {"level": level}}
    logging.config.dictConfig({"version": 1, "handlers": handlers, "loggers": loggers, **configuration})


if __name__ == "__main__":
    configure_log()
    asyncio.run(run())
