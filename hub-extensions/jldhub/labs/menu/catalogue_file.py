"""The tags of series, from the catalogue that the controller keeps and the kubelet puts into the hub's pod."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from tornado.log import app_log

from jldhub.images.catalogue import FILE, Catalogue, CatalogueError, ImageState
from jldhub.images.tags.grammar import Grammar
from jldhub.images.tags.series import Series


@dataclass(frozen=True)
class KnownSeries:
    """The tags of a series as far as they are known, `checked` when the registry answered last, and whether it failed since."""

    series: Series
    checked: datetime | None = None
    trouble: bool = False


@dataclass(frozen=True)
class FollowedImage:
    """What the settings say of an image that the catalogue tells about. `grammar` is None for a single image."""

    reference: str
    grammar: Grammar | None = None
    recommended: str = ""
    pins: tuple[str, ...] = ()

    def known(self, state: ImageState | None) -> KnownSeries:
        """The tags of the catalogue. Without it those that the settings name, so that a registry which is down stops nobody."""
        if self.grammar is None:
            return KnownSeries(Series((), digests=state.digests if state else {}))
        if state is None or not state.tags:
            named = (*self.pins, *([self.recommended] if self.recommended else []))
            return KnownSeries(Series.read(named, self.grammar, self.recommended))
        series = Series.read(state.tags, self.grammar, self.recommended, state.digests)
        return KnownSeries(series, state.checked, bool(state.trouble))


class CatalogueFile:
    """The file, read when it changed. It may be missing at any time."""

    def __init__(self, directory: Path, images: Mapping[str, FollowedImage]) -> None:
        self._path = directory / FILE
        self._images = images
        self._stamp: tuple[int, ...] | None = None
        self._states: dict[str, ImageState] = {}
        self._reading = asyncio.Lock()
        self.images: Mapping[str, KnownSeries] = {name: image.known(None) for name, image in images.items()}

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself: traitlets copies what is configured for each spawner, and there is one file."""
        return self

    async def refresh(self) -> None:
        """Read the file if it is another one than before. What cannot be read changes nothing."""
        if _stamp(self._path) == self._stamp:
            return
        async with self._reading:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            try:
                # Thousands of tags take a tenth of a second.
                self._states, self.images = await asyncio.to_thread(self._read)
            except FileNotFoundError:
                return
            except (OSError, CatalogueError) as mistake:
                app_log.warning("The catalogue of images in %s is left as it was: %s", self._path, mistake)

    def _read(self) -> tuple[dict[str, ImageState], dict[str, KnownSeries]]:
        catalogue = Catalogue.unpack(self._path.read_bytes())
        # About another repository than the settings name now, nothing is known.
        states = {
            name: state
            for name, state in catalogue.images.items()
            if name in self._images and state.reference == self._images[name].reference
        }
        return states, {name: self._known(name, states.get(name)) for name in self._images}

    def _known(self, name: str, state: ImageState | None) -> KnownSeries:
        before, known = self._states.get(name), self.images[name]
        if state and before and (state.tags, state.digests) == (before.tags, before.digests) and state.tags:
            return KnownSeries(known.series, state.checked, bool(state.trouble))
        return self._images[name].known(state)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What tells one version of the file from another; None where there is none. The kubelet exchanges the folder of the file."""
    try:
        found = path.stat()  # of what the kubelet links to
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
