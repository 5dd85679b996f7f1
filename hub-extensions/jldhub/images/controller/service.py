"""The controller's loop: every five minutes it reads the settings, looks, and writes what is new."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from jldhub.images.catalogue import Catalogue, CatalogueError, ImageState
from jldhub.images.controller.api import ApiUnavailable
from jldhub.images.controller.logins import Clients
from jldhub.images.controller.looking import look
from jldhub.images.controller.status import Status
from jldhub.images.controller.store import Store
from jldhub.images.prepuller.settings import ImageSettings
from jldhub.settings.settings import SettingsError

# Between two rounds, in seconds. A new tag is in the menu soon after its build, and a registry is asked a few times in a minute at most,
# which is far below the limits of public ones.
INTERVAL = 300.0
_FIRST_PAUSE = 10.0  # after a failure; then twice as long after each, up to the interval
# When nothing else is new, the times of the answers are written after this: often enough to tell whether a controller runs, and
# not so often that etcd, the kubelet and the hub handle the same list of tags all day.
_TIMES = timedelta(hours=1)

log = logging.getLogger("jldhub.images")


Heard = Callable[[ImageSettings, Catalogue], Awaitable[None]]


class Controller:
    """Rounds without an end. It keeps the last catalogue, because the one in the ConfigMap has older times.

    `heard` is told what is known, before registries are asked and after that.
    """

    def __init__(
        self, store: Store, clients: Clients, status: Status, heard: Heard, interval: float = INTERVAL
    ) -> None:
        self._store, self._clients, self._status, self._interval = store, clients, status, interval
        self._heard = heard
        self._last = Catalogue()

    async def run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self.round()
                wait, pause = self._interval, _FIRST_PAUSE
            except (SettingsError, ApiUnavailable, CatalogueError) as failure:
                log.error("%s", failure)
                wait, pause = self._after(pause)
            except Exception:
                log.exception("A round failed; there is another one later")
                wait, pause = self._after(pause)
            self._status.went_on()
            await asyncio.sleep(wait)

    async def round(self) -> None:
        """One round. The API is asked first: while it does not answer, no registry is bothered."""
        settings = ImageSettings.load()
        namespace, name = settings.names.namespace, settings.names.catalogue
        if name is None:
            raise SettingsError("names.catalogue: is missing; the chart writes it where there is a controller")
        stored = await self._stored(namespace, name)
        before = Catalogue(images=stored.images | self._last.images)
        await self._heard(settings, before)
        client = await self._clients.client()
        catalogue = await look(
            settings.hub.lab.images, client, before, datetime.now(UTC), after_each=self._status.went_on
        )
        _tell(catalogue, self._last)
        self._last = catalogue
        self._status.looked(catalogue, len(catalogue.pack()))
        if is_new(catalogue, stored):
            await self._store.write(namespace, name, catalogue)
        await self._heard(settings, catalogue)

    async def _stored(self, namespace: str, name: str) -> Catalogue:
        try:
            return await self._store.read(namespace, name)
        except CatalogueError as mistake:
            log.error("The catalogue in %s is written anew: %s", name, mistake)
            return Catalogue()

    def _after(self, pause: float) -> tuple[float, float]:
        """How long to wait after a failure, and after the next one."""
        return min(pause, self._interval), min(pause * 2, self._interval)


def is_new(catalogue: Catalogue, stored: Catalogue) -> bool:
    """Whether the catalogue has to be written: something other than times is new, or a time is much newer."""
    if catalogue.images.keys() != stored.images.keys():
        return True
    return any(_is_newer(state, stored.images[name]) for name, state in catalogue.images.items())


def _is_newer(state: ImageState, stored: ImageState) -> bool:
    if state.model_copy(update={"checked": None}) != stored.model_copy(update={"checked": None}):
        return True
    if state.checked is None or stored.checked is None:
        return state.checked != stored.checked
    return state.checked - stored.checked >= _TIMES


def _tell(catalogue: Catalogue, before: Catalogue) -> None:
    """Log what began and what is over, once each."""
    for name, state in catalogue.images.items():
        known = before.images.get(name)
        trouble = known.trouble if known and known.reference == state.reference else ""
        if state.trouble and state.trouble != trouble:
            log.warning("hub.lab.images.%s: %s", name, state.trouble)
        elif trouble and not state.trouble:
            log.info("hub.lab.images.%s: its registry answers again", name)
        elif known is None:
            log.info("hub.lab.images.%s: found %d tags and %d digests", name, len(state.tags), len(state.digests))
