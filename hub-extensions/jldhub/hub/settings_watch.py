"""A hub whose settings were changed ends, and Kubernetes starts it again with the new ones.

Most changes replace its pod. Those of other parts of the chart that the hub is told of, such as volumes and Firefly, change only the
file, which the kubelet puts in place within a minute or two. Labs and routes outlive the hub.
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
    """Look at the file from now on, beside all else; `stop` is called once, when it was replaced by another text.

    Outside of its pod the hub's settings lie elsewhere, and nobody looks at them.
    """
    if path.exists():
        arguments = (path, path.read_bytes(), stop or _end, seconds)
        threading.Thread(target=_poll, args=arguments, name="settings", daemon=True).start()


def _poll(path: Path, known: bytes, stop: Callable[[], None], seconds: float) -> None:
    while _read(path, known) == known:
        time.sleep(seconds)
    log.warning("The settings in %s were changed; the hub starts again with them. Labs go on.", path)
    stop()


def _read(path: Path, known: bytes) -> bytes:
    """While the kubelet replaces the file it may not be there for a moment."""
    try:
        return path.read_bytes()
    except OSError:
        return known


def _end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
