"""Which images nodes have, from the state that the controller keeps and the kubelet puts into the hub's pod."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from jldhub.images.nodes import FILE, ImageOnNodes, NodesState
from jldhub.labs.menu.watched_file import WatchedFile

_STALE = timedelta(hours=2)  # the controller writes once an hour that nothing changed
_NOTHING = NodesState()


class NodesFile:
    """The file, read when it changed. It may be missing at any time: then nobody looks after nodes, and nothing is known."""

    def __init__(self, directory: Path) -> None:
        self._file = WatchedFile("The state of nodes", directory / FILE, NodesState.unpack, _NOTHING)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself: traitlets copies what is configured for each spawner, and there is one file."""
        return self

    async def refresh(self) -> None:
        await self._file.refresh()

    @property
    def state(self) -> NodesState:
        """What was written last, however long ago."""
        return self._file.content if self._file.is_there else _NOTHING

    @property
    def is_current(self) -> bool:
        """Whether it says what nodes have now, or had a while ago."""
        written = self.state.written
        return written is not None and datetime.now(UTC) - written < _STALE

    def image(self, reference: str) -> ImageOnNodes | None:
        """The image that pods run by this reference. None for one that nobody pulls beforehand, or where nothing is known."""
        if not self.is_current:
            return None
        return next((image for image in self.state.images if image.reference == reference), None)

    def readiness(self, reference: str) -> str:
        """What people should know before they choose the image; empty where it starts at once, and where nothing is known."""
        if not self.is_current:
            return ""
        image = self.image(reference)
        if image is None:
            return "Not pulled beforehand: may start slowly"
        if image.there >= image.eligible:
            return ""
        if image.there:
            return f"On {image.there} of {image.eligible} nodes: may start slowly"
        return f"On no node yet{image.size and f', {image.size}'}: the first start takes minutes"
