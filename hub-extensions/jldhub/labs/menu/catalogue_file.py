"""The tags of series, from the catalogue that the controller keeps and the kubelet puts into the hub's pod."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from jldhub.images.catalogue import FILE, Catalogue, ImageState
from jldhub.images.tags.grammar import Grammar
from jldhub.images.tags.series import Series
from jldhub.labs.menu.watched_file import WatchedFile


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


@dataclass(frozen=True)
class _Read:
    """What was made of the file: the states of images, and what follows from them."""

    states: Mapping[str, ImageState]
    known: Mapping[str, KnownSeries]


class CatalogueFile:
    """The file, read when it changed. It may be missing at any time."""

    def __init__(self, directory: Path, images: Mapping[str, FollowedImage]) -> None:
        self._images = images
        before = _Read({}, {name: image.known(None) for name, image in images.items()})
        self._file = WatchedFile("The catalogue of images", directory / FILE, self._read, before)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself: traitlets copies what is configured for each spawner, and there is one file."""
        return self

    @property
    def images(self) -> Mapping[str, KnownSeries]:
        return self._file.content.known

    async def refresh(self) -> None:
        await self._file.refresh()

    def _read(self, packed: bytes) -> _Read:
        catalogue = Catalogue.unpack(packed)
        # About another repository than the settings name now, nothing is known.
        states = {
            name: state
            for name, state in catalogue.images.items()
            if name in self._images and state.reference == self._images[name].reference
        }
        return _Read(states, {name: self._known(name, states.get(name)) for name in self._images})

    def _known(self, name: str, state: ImageState | None) -> KnownSeries:
        before, known = self._file.content.states.get(name), self.images[name]
        if state and before and (state.tags, state.digests) == (before.tags, before.digests) and state.tags:
            return KnownSeries(known.series, state.checked, bool(state.trouble))
        return self._images[name].known(state)
