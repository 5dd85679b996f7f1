"""The controller's rounds: what is written, how long it waits after what, and what it tells of itself."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from jldhub.images.catalogue import Catalogue, CatalogueError, ImageState
from jldhub.images.controller import service
from jldhub.images.controller.api import ApiUnavailable
from jldhub.images.controller.service import Controller, is_new
from jldhub.images.controller.status import Status
from jldhub.images.prepuller.settings import ImageSettings
from jldhub.images.registry.errors import RegistryUnavailable
from jldhub.images.registry.reference import Repository
from jldhub.settings.names import ImageNames

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
DIGEST = "sha256:" + 64 * "a"
STATE = ImageState(reference="x.org/y", tags=["1.0"], digests={"1.0": DIGEST}, checked=NOW)


def one(**changes: Any) -> Catalogue:
    return Catalogue(images={"y": STATE.model_copy(update=changes)})


@pytest.mark.parametrize(
    ("now", "new"),
    [
        (one(), False),
        (one(checked=NOW + timedelta(minutes=55)), False),
        (one(checked=NOW + timedelta(minutes=60)), True),
        (one(checked=NOW - timedelta(days=1)), False),
        (one(checked=None), True),
        (one(tags=["1.0", "1.1"]), True),
        (one(digests={}), True),
        (one(trouble="x.org does not answer"), True),
        (one(reference="x.org/z"), True),
        (Catalogue(), True),
        (Catalogue(images=one().images | {"z": STATE}), True),
    ],
)
def test_a_catalogue_is_written_when_it_is_new(now: Catalogue, new: bool) -> None:
    assert is_new(now, one()) is new


class Store:
    """The ConfigMap, or why it cannot be had."""

    def __init__(self) -> None:
        self.catalogue: Catalogue | CatalogueError | ApiUnavailable = Catalogue()
        self.written = 0

    async def read(self, namespace: str, name: str) -> Catalogue:
        assert (namespace, name) == ("science", "jld-catalogue")
        if isinstance(self.catalogue, Exception):
            raise self.catalogue
        return self.catalogue

    async def write(self, namespace: str, name: str, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.written += 1


class Registries:
    """As clients, and as the one client that they give."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: Exception | None = None

    async def client(self) -> "Registries":
        return self

    async def digest(self, repository: Repository, tag: str) -> str:
        self.asked += 1
        if self.failure:
            raise self.failure
        return DIGEST

    async def contents(self, repository: Repository, digest: str) -> dict[str, int]:
        return {"amd64": 1}

    async def tags(self, repository: Repository) -> list[str]:
        raise NotImplementedError

    async def digests(self, repository: Repository, tags: Iterable[str]) -> dict[str, str]:
        raise NotImplementedError


class Site:
    """A controller with what is around it."""

    def __init__(self, settings: dict[str, Any], file: Path) -> None:
        self.store, self.registries, self.status = Store(), Registries(), Status()
        self.heard: list[Catalogue] = []
        self.controller = Controller(self.store, self.registries, self.status, self.hear)  # type: ignore[arg-type]
        self.settings, self.file = settings, file
        self.write({"y": {"reference": "x.org/y:1.0"}})

    async def hear(self, settings: ImageSettings, catalogue: Catalogue) -> None:
        assert settings.names.namespace == "science"
        self.heard.append(catalogue)

    def write(self, images: dict[str, Any]) -> None:
        lab = self.settings["hub"]["lab"] | {"images": images, "defaultImage": min(images, default="")}
        hub = {"lab": lab, "log": self.settings["hub"].get("log", {})}
        names = self.settings["names"] | {"catalogue": "jld-catalogue"}
        of_images = {
            field.alias: names[field.alias] for field in ImageNames.model_fields.values() if field.alias in names
        }
        self.file.write_text(yaml.safe_dump({"hub": hub, "names": of_images}))

    def state(self) -> ImageState:
        assert isinstance(self.store.catalogue, Catalogue)
        return self.store.catalogue.images["y"]


@pytest.fixture
def site(settings_document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("JLD_SETTINGS", str(tmp_path / "settings.yaml"))
    return Site(settings_document, tmp_path / "settings.yaml")


async def test_rounds_that_find_nothing_new_write_nothing(site: Site) -> None:
    for _ in range(3):
        await site.controller.round()

    assert (site.registries.asked, site.store.written) == (3, 1)
    assert site.state().digests == {"1.0": DIGEST}


async def test_what_is_known_is_told_before_registries_are_asked_and_after_that(site: Site) -> None:
    site.store.catalogue = one(reference="x.org/y:1.0")
    site.registries.failure = RegistryUnavailable("x.org/y", "it is away", "Wait")
    await site.controller.round()

    before, after = site.heard
    assert before == one(reference="x.org/y:1.0")
    assert after.images["y"].trouble


async def test_what_is_taken_away_from_the_config_map_is_written_again(site: Site) -> None:
    await site.controller.round()
    site.store.catalogue = Catalogue()
    await site.controller.round()

    assert site.state().digests == {"1.0": DIGEST}


async def test_what_nobody_can_read_is_written_anew(site: Site) -> None:
    site.store.catalogue = CatalogueError("it cannot be read")
    await site.controller.round()

    assert site.state().digests == {"1.0": DIGEST}


async def test_a_controller_that_starts_while_a_registry_is_away_keeps_what_another_one_wrote(site: Site) -> None:
    earlier = ImageState(reference="x.org/y:1.0", digests={"1.0": DIGEST}, checked=NOW)
    site.store.catalogue = Catalogue(images={"y": earlier})
    site.registries.failure = RegistryUnavailable("x.org/y", "it is away", "Wait")
    await site.controller.round()

    assert site.state() == earlier.model_copy(update={"trouble": "x.org/y: it is away. Wait."})


async def test_the_times_of_the_last_answers_are_kept_exactly_until_they_are_needed(site: Site) -> None:
    """They are not written in each round, and are right when a registry goes away nevertheless."""
    for _ in range(2):
        await site.controller.round()
    first, written = site.state().checked, site.store.written
    last = site.controller._last.images["y"].checked
    site.registries.failure = RegistryUnavailable("x.org/y", "it is away", "Wait")
    await site.controller.round()

    assert written == 1
    assert first is not None
    assert last is not None
    assert site.state().checked == last > first


async def test_no_registry_is_asked_while_nothing_can_be_written(site: Site) -> None:
    site.store.catalogue = ApiUnavailable("the ConfigMap", "does not answer")
    with pytest.raises(ApiUnavailable):
        await site.controller.round()

    assert site.registries.asked == 0


async def test_trouble_is_told_when_it_begins_and_when_it_ends(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jldhub.images")
    site.registries.failure = RegistryUnavailable("x.org/y", "it is away", "Wait")
    await site.controller.round()
    await site.controller.round()
    site.registries.failure = None
    await site.controller.round()
    await site.controller.round()

    assert caplog.messages == [
        "hub.lab.images.y: x.org/y: it is away. Wait.",
        "hub.lab.images.y: its registry answers again",
    ]


class Enough(BaseException):
    """Ends a loop that has no end."""


@pytest.mark.parametrize(
    "what", ["the API is away", "the settings are wrong", "a mistake of the program"], ids=lambda what: str(what)
)
async def test_what_fails_is_tried_again_later_and_later(
    site: Site, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 7:  # then it works once
            site.store.catalogue = Catalogue()
            site.registries.failure = None
            site.write({"y": {"reference": "x.org/y:1.0"}})
        if len(waits) == 8:
            site.file.write_text("[]")
        if len(waits) == 9:
            raise Enough

    monkeypatch.setattr(service.asyncio, "sleep", sleep)
    if what == "the API is away":
        site.store.catalogue = ApiUnavailable("the ConfigMap", "does not answer")
    elif what == "the settings are wrong":
        site.file.write_text("hub: {}")
    else:
        site.registries.failure = ZeroDivisionError()
    with pytest.raises(Enough):
        await site.controller.run()

    assert waits == [10, 20, 40, 80, 160, 300, 300, 300, 10]


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_it_is_alive_as_long_as_it_goes_on() -> None:
    clock = Clock()
    status = Status(clock)
    alive = []
    for seconds, moves in ((900, False), (901, False), (901, True), (1801, False), (1802, False)):
        clock.seconds = seconds
        if moves:
            status.went_on()
        alive.append(status.is_alive)

    assert alive == [True, False, True, True, False]


async def test_a_round_that_fails_goes_on_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new start would mend neither the API nor a registry."""
    clock = Clock()
    site.status._clock = clock
    clock.seconds = 1e9

    async def sleep(_: float) -> None:
        raise Enough

    monkeypatch.setattr(service.asyncio, "sleep", sleep)
    site.store.catalogue = ApiUnavailable("the ConfigMap", "does not answer")
    with pytest.raises(Enough):
        await site.controller.run()

    assert site.status.is_alive


@pytest.mark.parametrize(("form", "begins"), [("json", '{"time": "'), ("text", "[W ")])
def test_the_log_has_the_hubs_format_and_no_secrets(site: Site, form: str, begins: str) -> None:
    site.settings = site.settings | {"hub": site.settings["hub"] | {"log": {"format": form, "level": "WARNING"}}}
    site.write({})
    program = (
        "import logging; from jldhub.images.controller.__main__ import configure_log; configure_log(); "
        "log = logging.getLogger('jldhub.images'); log.info('left out'); log.warning('Bearer abcdefghijklmnop')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = done.stderr.splitlines()

    assert line.startswith(begins)
    assert "Bearer [secret]" in line


async def test_numbers_of_an_image_that_is_gone_are_gone(site: Site) -> None:
    def told(name: str, **labels: str) -> float | None:
        return site.status.registry.get_sample_value(name, labels)

    await site.controller.round()
    site.registries.failure = RegistryUnavailable("x.org/y", "it is away", "Wait")
    await site.controller.round()
    assert told("jld_registry_checks_total", result="answered") == 1
    assert told("jld_registry_checks_total", result="failed") == 1
    assert told("jld_registry_age_seconds", image="y") is not None
    size = told("jld_catalogue_bytes")
    site.write({})
    await site.controller.round()

    assert told("jld_registry_age_seconds", image="y") is None
    assert size is not None
    assert told("jld_catalogue_bytes") < size  # type: ignore[operator]
