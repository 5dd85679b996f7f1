"""Keeps KubeSpawner's watches of pods and events alive: each gives up for ever when the API server is away for a minute."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from kubernetes_asyncio.client import ApiException
from kubespawner.reflector import ResourceReflector

from jldhub.support.metrics import WATCHES_REVIVED

EVERY_SECONDS = 2.0
LONGEST_SECONDS = 16.0  # between two attempts in a long outage
# KubeSpawner's traits, in seconds. By default it lists every pod and event anew after each ten seconds. A connection that
# died in silence is noticed by `request_timeout`, a little later than by default (60).
WATCH_CONFIG = {"timeout_seconds": 60, "restart_seconds": 60, "request_timeout": 75}
_BUSY = 429  # HTTP: as an outage, and unlike a refusal, it passes
_log = logging.getLogger("jldhub.watching")
_watchdogs: dict[
    asyncio.AbstractEventLoop, asyncio.Task[None]
] = {}  # the hub has one event loop; each test has its own


def keep_watching(reflectors: Mapping[Any, ResourceReflector]) -> None:
    """Look after these from now on. Once for each event loop; `reflectors` may grow."""
    loop = asyncio.get_running_loop()
    watchdog = _watchdogs.get(loop)
    if watchdog is None or watchdog.done():
        _watchdogs[loop] = loop.create_task(_revive(reflectors))


def is_loaded(reflector: ResourceReflector | None) -> bool:
    """Whether it has read the cluster at least once: before that, what it does not know may be there nevertheless."""
    if reflector is None or not reflector.first_load_future.done():
        return False
    return reflector.first_load_future.exception() is None or reflector.watch_task is not None


def may_load(reflector: ResourceReflector | None) -> bool:
    """Whether it has not read the cluster yet, and will when the API server answers: nobody refused it."""
    if reflector is None or is_loaded(reflector):
        return False
    future = reflector.first_load_future
    return not future.done() or is_outage(future.exception())


def is_outage(error: BaseException | None) -> bool:
    """Whether an error passes by itself, unlike a refusal."""
    status = error.status if isinstance(error, ApiException) else None
    return error is not None and (status is None or status == _BUSY or status >= 500)


async def _revive(reflectors: Mapping[Any, ResourceReflector]) -> None:
    pause = EVERY_SECONDS
    while True:
        started = []
        for reflector in list(reflectors.values()):
            reflector.on_failure = None  # KubeSpawner would end the hub
            # One that was refused before it read anything is of a namespace that is no longer the hub's.
            if has_ended(reflector) and (is_loaded(reflector) or may_load(reflector)):
                started.append(await _start(reflector))
        pause = EVERY_SECONDS if all(started) else min(2 * pause, LONGEST_SECONDS)
        await asyncio.sleep(pause)


def has_ended(reflector: ResourceReflector) -> bool:
    """Whether nothing will tell it any more what changes."""
    if reflector.watch_task is None:  # its first reading failed, or is under way
        return bool(reflector.first_load_future.done())
    return bool(reflector.watch_task.done())


async def _start(reflector: ResourceReflector) -> bool:
    try:
        await reflector.start()
    except Exception as error:
        _log.warning("The watch of %s has ended and cannot begin anew yet: %s", reflector.kind, error)
        return False
    WATCHES_REVIVED.inc()
    _log.warning("The watch of %s had ended; it goes on", reflector.kind)
    return True
