"""Removes images until there is room, and tells of each."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from jldhub.images.purger.choosing import FOREIGN, Image, Order, Used, largest_first, why_kept

_BELOW = 10  # percentage points below the mark where it stops


class Node(Protocol):
    """What is asked of the runtime."""

    async def images(self) -> list[Image]: ...

    async def used(self) -> Used: ...

    async def remove(self, image: Image) -> None: ...


@dataclass(frozen=True)
class Disk:
    """The file system that holds images, in bytes."""

    total: int
    used: int

    def percent(self, freed: int = 0) -> float:
        """As kubelets see it, as if `freed` bytes of it were free."""
        return 100 * max(0, self.used - freed) / self.total if self.total else 0.0


@dataclass
class Summary:
    """What was done: it is what the controller reads of a pod that has ended."""

    percent_before: float = 0
    percent_after: float = 0
    removed: list[str] = field(default_factory=list)
    freed: int = 0  # bytes, as the runtime tells an image's size
    kept: Counter[str] = field(default_factory=Counter)  # by reason

    def document(self) -> dict[str, Any]:
        return {
            "percentBefore": round(self.percent_before, 1),
            "percentAfter": round(self.percent_after, 1),
            "removed": len(self.removed),
            "freed": self.freed,
            "names": self.removed,
            "kept": dict(self.kept),
        }


class Purge:
    """One run. `tell` takes a line of the log; `summary` is right at any time, also after a failure."""

    def __init__(self, order: Order, node: Node, disk: Callable[[], Disk], tell: Callable[[str], None]) -> None:
        self._order, self._node, self._disk, self._tell = order, node, disk, tell
        self.summary = Summary()

    async def run(self) -> None:
        order, summary = self._order, self.summary
        summary.percent_before = summary.percent_after = self._disk().percent()
        if summary.percent_before < order.above:
            self._tell(f"The disk is {summary.percent_before:.0f} % full, below {order.above} %: nothing is removed")
            return
        self._tell(f"The disk is {summary.percent_before:.0f} % full, which is {order.above} % or more")
        used = await self._node.used()
        candidates = []
        for image in largest_first(await self._node.images()):
            if reason := why_kept(image, order, used):
                self._keep(image, reason)
            else:
                candidates.append(image)
        for image in candidates:
            await self._remove(image)
        if foreign := summary.kept[FOREIGN]:
            self._tell(f"Kept {foreign} images that are not of labs' repositories")
        if summary.percent_after >= order.above:
            self._tell(
                f"The disk is still {summary.percent_after:.0f} % full: what is left is used, wanted, or not labs'"
            )

    async def _remove(self, image: Image) -> None:
        order, summary = self._order, self.summary
        if summary.percent_after < order.above - _BELOW:
            self._keep(image, "there is room now")
            return
        # Once more: since the last look a lab may have started, or an image may have got another name.
        now = {each.id: each for each in await self._node.images()}.get(image.id)
        if now is None:
            self._keep(image, "somebody else removed it")
            return
        if reason := why_kept(now, order, await self._node.used()):
            self._keep(now, reason)
            return
        if not order.dry_run:
            await self._node.remove(now)
        summary.removed.append(now.title)
        summary.freed += now.bytes
        summary.percent_after = self._disk().percent(summary.freed if order.dry_run else 0)
        verb = "Would remove" if order.dry_run else "Removed"
        self._tell(f"{verb} {now.title} ({now.id}), {now.bytes / 10**6:.0f} MB")

    def _keep(self, image: Image, reason: str) -> None:
        self.summary.kept[reason] += 1
        if reason != FOREIGN:
            self._tell(f"Kept {image.title}: {reason}")
