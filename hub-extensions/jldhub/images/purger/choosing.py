"""Which images of a node go, and why each of the others stays."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

FOREIGN = "it has a name outside the repositories of labs"
_LOWEST, _HIGHEST = 10, 95


class InvalidOrder(ValueError):
    """What the pod was told cannot be read. The message says why."""


@dataclass(frozen=True)
class Image:
    """An image as the runtime tells of it."""

    id: str
    names: tuple[str, ...]  # by tag and by digest
    bytes: int
    is_pinned: bool

    @property
    def title(self) -> str:
        """How a line of the log names it: by a tag where it has one."""
        tags = [name for name in self.names if "@" not in name]
        return next(iter([*tags, *self.names]), self.id)


@dataclass(frozen=True)
class Order:
    """What the controller says: whose images may go, which of them are wanted, and from which percentage of the disk on."""

    repositories: frozenset[str]
    wanted: frozenset[str]
    above: int
    dry_run: bool = False

    @classmethod
    def read(cls, text: str) -> "Order":
        """Raises InvalidOrder. One that wants nothing is a mistake: everything would go."""
        try:
            document = json.loads(text)
            repositories, wanted = frozenset(document.pop("repositories")), frozenset(document.pop("wanted"))
            above, dry_run = document.pop("above"), document.pop("dryRun", False)
        except (ValueError, TypeError, KeyError, AttributeError) as mistake:
            raise InvalidOrder(f"the order is no document with repositories, wanted and above: {mistake}") from mistake
        if document:
            raise InvalidOrder(f"the order has the unknown key {min(document)!r}")
        if not all(isinstance(each, str) and each for each in repositories | wanted) or not (repositories and wanted):
            raise InvalidOrder("the order names no repository, or nothing that is wanted; nothing is removed then")
        if type(above) is not int or not _LOWEST <= above <= _HIGHEST or type(dry_run) is not bool:
            raise InvalidOrder(f"above is a percentage from {_LOWEST} to {_HIGHEST}, and dryRun true or false")
        return cls(repositories, wanted, above, dry_run)


@dataclass(frozen=True)
class Used:
    """What containers use, those that have ended too: images by name, by id, and by digest alone."""

    references: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, references: Iterable[str]) -> "Used":
        return cls(frozenset(form for each in references for form in _forms(each)))

    def has(self, image: Image) -> bool:
        return any(form in self.references for each in (image.id, *image.names) for form in _forms(each))


def _forms(reference: str) -> set[str]:
    """A runtime writes `sha256:` in front of an id, or not; and one digest may have several repositories."""
    forms = {reference, reference.rpartition("@")[2]}
    return {form.removeprefix("sha256:") for form in forms} - {""}


def why_kept(image: Image, order: Order, used: Used) -> str:
    """Why the image stays. Empty where it may go."""
    if not _are_ours(image.names, order.repositories):
        return FOREIGN
    if image.is_pinned:
        return "it is pinned"
    if not order.wanted.isdisjoint(image.names):
        return "it is wanted"
    return "a container uses it" if used.has(image) else ""


def largest_first(images: Iterable[Image]) -> list[Image]:
    """Runtimes do not tell when an image was used last: fewest removals it is."""
    return sorted(images, key=lambda image: (-image.bytes, image.id))


def _are_ours(names: Iterable[str], repositories: Collection[str]) -> bool:
    known = [repository(name) for name in names]
    return bool(known) and all(each in repositories for each in known)


def repository(name: str) -> str:
    """Of an image's name, without tag and digest. A port is no tag."""
    head, slash, last = name.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
