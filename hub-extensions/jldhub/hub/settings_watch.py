"""Ends the hub when its settings file changes. Kubernetes then restarts the container, with the new settings.

Most changes of values replace the hub's pod. Changes of other parts of the chart, such as volumes and Firefly, change
only the mounted ConfigMap, which the kubelet updates within a minute or two. Labs and routes outlive the hub.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from jldhub.settings.settings import DEFAULT_PATH

_SECONDS = 5.0
log = logging.getLogger("jldhub")


def watch(path: Path = DEFAULT_PATH, stop: Callable[[], None] | None = None, seconds: float = _SECONDS) -> None:
    """Poll the file every `seconds` in a daemon thread, and call `stop` once when its content has changed.

    Does nothing where the file does not exist, as in a hub outside of its pod. `stop` sends SIGTERM to this process by
    default.
    """
    if path.exists():
        arguments = (path, path.read_bytes(), stop or _end, seconds)
        threading.Thread(target=_poll, args=arguments, name="settings", daemon=True).start()


def _poll(path: Path, initial: bytes, stop: Callable[[], None], seconds: float) -> None:
    while _read(path, initial) == initial:
        time.sleep(seconds)
    log.warning("The settings in %s were changed; the hub starts again with them. Labs go on.", path)
    stop()


def _read(path: Path, default: bytes) -> bytes:
    """The file's content, or `default`: while the kubelet replaces the file, it is missing for a moment."""
    try:
        return path.read_bytes()
    except OSError:
        return default


def _end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
