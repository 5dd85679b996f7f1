"""Ctrl-C ends everything: pytest-xdist's processes take down what they made before they go, as a single process does.

By itself it gives them five seconds, in which no release is uninstalled and no cluster ends.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import pytest

FOLDER = pytest.StashKey[Path]()
KEY = "running_workers"  # what a worker is told: a folder, in which its file means that it runs


@contextmanager
def while_tests_run(config: pytest.Config) -> Iterator[None]:
    """In a worker: it is noted as running, and one interruption ends the tests; none disturbs what comes after them."""
    if (worker := getattr(config, "workerinput", None)) is None:
        yield
        return
    (Path(worker[KEY]) / str(os.getpid())).touch()
    try:
        signal.signal(signal.SIGINT, _interrupt_once)
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def done(config: pytest.Config) -> None:
    """At the end. In a worker: note that it took everything down."""
    if FOLDER in config.stash:
        shutil.rmtree(config.stash[FOLDER], ignore_errors=True)
    if worker := getattr(config, "workerinput", None):
        (Path(worker[KEY]) / str(os.getpid())).unlink(missing_ok=True)


def tell(node: Any) -> None:
    """In the process that starts the workers."""
    if FOLDER not in node.config.stash:
        node.config.stash[FOLDER] = Path(tempfile.mkdtemp(prefix="jld-tests-"))
    node.workerinput[KEY] = str(node.config.stash[FOLDER])


def wait_for_workers(config: pytest.Config) -> None:
    """In the process that started the workers, when it was interrupted; interrupted again, it waits no more."""
    if FOLDER not in config.stash:
        return
    interrupted: set[int] = set()
    while running := set(_running(config)):
        if not interrupted:
            print("\njld: take down what the tests made; Ctrl-C again leaves it", file=sys.stderr, flush=True)
        for process in running - interrupted:  # later also those that were still collecting tests
            with suppress(ProcessLookupError):  # a terminal interrupts them by itself, `kill` does not
                os.kill(process, signal.SIGINT)
        interrupted |= running
        time.sleep(0.2)


def _running(config: pytest.Config) -> list[int]:
    found = [int(path.name) for path in config.stash[FOLDER].iterdir()]
    return [process for process in found if _lives(process)]


def _lives(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE  # one that crashed
    except psutil.NoSuchProcess:
        return False


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
