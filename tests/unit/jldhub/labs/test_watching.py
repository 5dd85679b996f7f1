"""Watches that ended are begun anew."""

import asyncio
from collections.abc import Callable

import pytest
from jldhub.labs.start import watching
from jldhub.labs.start.watching import has_ended, is_loaded, keep_watching, may_load
from kubernetes_asyncio.client import ApiException


class Reflector:
    """As much of KubeSpawner's as is looked at. It fails `failures` times before it reads the cluster."""

    kind = "pods"
    error: Exception = OSError("no API")

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.starts = failures, 0
        self.first_load_future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.watch_task: asyncio.Task[None] | None = None
        self.on_failure: Callable[[], None] | None = lambda: None

    async def start(self) -> None:
        self.starts += 1
        if self.failures:
            self.failures -= 1
            if not self.first_load_future.done():
                self.first_load_future.set_exception(self.error)
            raise self.error
        if not self.first_load_future.done():
            self.first_load_future.set_result(None)
        self.watch_task = asyncio.create_task(asyncio.sleep(3600))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def test_what_ends_goes_on_as_soon_as_the_api_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(watching, "LONGEST_SECONDS", 0.02)
    alive, dead, never = Reflector(), Reflector(), Reflector(failures=4)
    for each in (alive, dead):
        await each.start()
    reflectors = {"alive": alive, "dead": dead}
    keep_watching(reflectors)  # type: ignore[arg-type]
    assert dead.watch_task
    dead.failures = 3
    dead.watch_task.cancel()
    await until(lambda: dead.starts == 5 and not has_ended(dead))  # type: ignore[arg-type]
    assert alive.starts == 1
    # KubeSpawner's own way out, which ends the hub, is closed.
    assert alive.on_failure is None
    # One that comes later, and whose first reading fails.
    with pytest.raises(OSError, match="no API"):
        await never.start()
    reflectors["never"] = never
    keep_watching(reflectors)  # type: ignore[arg-type]  # twice is once
    assert not is_loaded(never)  # type: ignore[arg-type]
    await until(lambda: is_loaded(never))  # type: ignore[arg-type]


async def test_what_has_read_nothing_yet_knows_nothing() -> None:
    assert not is_loaded(None)
    fresh = Reflector()
    assert not is_loaded(fresh)  # type: ignore[arg-type]
    assert not has_ended(fresh)  # type: ignore[arg-type]
    await fresh.start()
    assert is_loaded(fresh)  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "passes"), [(403, False), (404, False), (429, True), (500, True), (503, True)])
async def test_who_is_refused_is_not_waited_for(status: int, passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as in the namespace of a person that is no longer the hub's."""
    monkeypatch.setattr(watching, "EVERY_SECONDS", 0.01)
    refused = Reflector(failures=2)
    refused.error = ApiException(status=status)
    assert may_load(refused)  # type: ignore[arg-type]
    with pytest.raises(ApiException):
        await refused.start()
    assert may_load(refused) is passes  # type: ignore[arg-type]
    dead = Reflector()
    await dead.start()
    assert dead.watch_task
    dead.watch_task.cancel()
    keep_watching({"refused": refused, "dead": dead})  # type: ignore[dict-item]
    await until(lambda: dead.starts == 2 and (is_loaded(refused) or not passes))  # type: ignore[arg-type]
    assert refused.starts == (3 if passes else 1)
