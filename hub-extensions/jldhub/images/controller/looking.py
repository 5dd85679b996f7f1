"""One look at all images of a site: what their registries say now, and for those that do not answer what they said last."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from jldhub.images.catalogue import Catalogue, CatalogueError, ImageState
from jldhub.images.registry.errors import RegistryAnswerUnusable, RegistryError, RegistryUnavailable
from jldhub.images.registry.reference import InvalidReference, Reference, Repository, parse
from jldhub.images.tags.expressions import ExpressionError
from jldhub.images.tags.grammar import LATEST, grammar
from jldhub.images.tags.series import Series
from jldhub.images.tags.tag import ALIAS
from jldhub.settings.lab_images import LabImage

log = logging.getLogger("jldhub.images")

LONGEST = 600.0  # seconds for one image: a registry that answers more slowly keeps no other image waiting for longer
_AT_ONCE = 4  # images; the client limits the connections to each registry by itself
_MOST = 100  # digests of one series that are asked for, because each is a request in each round
_NEW_CONTENTS = 20  # digests of one image in a round whose contents are asked for: some registries count it as a pull
_BACK = 20  # of each class that is shown: so far back is looked for the tag that an alias stands for


class Registries(Protocol):
    """What is asked of a RegistryClient."""

    async def tags(self, repository: Repository) -> list[str]: ...

    async def digest(self, repository: Repository, tag: str) -> str: ...

    async def digests(self, repository: Repository, tags: Iterable[str]) -> dict[str, str]: ...

    async def contents(self, repository: Repository, digest: str) -> dict[str, int]: ...


async def look(
    images: Mapping[str, LabImage],
    registries: Registries,
    before: Catalogue,
    now: datetime,
    longest: float = LONGEST,
    after_each: Callable[[], None] = lambda: None,
) -> Catalogue:
    """The catalogue of now. An image whose registry fails keeps its last answer, with the reason as its `trouble`.

    `after_each` is called whenever one image has been looked at.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> ImageState:
        async with places:
            state = await _state(images[name], registries, before.images.get(name), now, longest)
        after_each()
        return state

    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(one(name)) for name in sorted(images)}
    return _that_fits(Catalogue(images={name: task.result() for name, task in tasks.items()}), before)


async def _state(
    image: LabImage, registries: Registries, before: ImageState | None, now: datetime, longest: float
) -> ImageState:
    known = before if before and before.reference == image.reference else ImageState(reference=image.reference)
    deadline = asyncio.get_running_loop().time() + longest
    try:
        async with asyncio.timeout_at(deadline):
            reference = parse(image.reference)
            state = await (
                _series(image, reference.repository, registries, known, now)
                if image.is_series
                else _single(reference, registries, known, now)
            )
    except TimeoutError:
        slow = RegistryUnavailable(
            image.reference, f"a look at it takes longer than {longest:g} s", "See whether the registry is overloaded"
        )
        return _troubled(known, slow)
    except (RegistryError, InvalidReference, ExpressionError) as failure:
        return _troubled(known, failure)
    return await _with_contents(state, reference, registries, known, deadline)


async def _with_contents(
    state: ImageState, reference: Reference, registries: Registries, known: ImageState, deadline: float
) -> ImageState:
    """The state with the sizes of its digests. Each is asked for once, for a digest's content never changes.

    Where they cannot be had, or not in time, nothing is wrong but a size that nobody knows.
    """
    digests = dict.fromkeys([*([reference.digest] if reference.digest else []), *state.digests.values()])
    contents = {digest: known.contents[digest] for digest in digests if digest in known.contents}
    try:
        async with asyncio.timeout_at(deadline):
            for digest in [each for each in digests if each not in contents][:_NEW_CONTENTS]:
                try:
                    contents[digest] = await registries.contents(reference.repository, digest)
                except RegistryUnavailable:
                    raise
                except RegistryError as failure:
                    log.debug("%s", failure)
    except (RegistryUnavailable, TimeoutError) as failure:
        log.debug("%s: the other sizes are asked for in the next round: %s", reference, failure or "it is too slow")
    return state.model_copy(update={"contents": contents})


async def _single(reference: Reference, registries: Registries, known: ImageState, now: datetime) -> ImageState:
    if reference.digest:  # it says all itself
        return ImageState(reference=known.reference)
    tag = reference.tag or LATEST
    digest = await registries.digest(reference.repository, tag)
    return ImageState(reference=known.reference, digests={tag: digest}, checked=now)


async def _series(
    image: LabImage, repository: Repository, registries: Registries, known: ImageState, now: datetime
) -> ImageState:
    understood = grammar(image.tags)  # before anything is asked
    names = await registries.tags(repository)
    if not names:
        raise RegistryAnswerUnusable(
            repository, "the registry lists no tags", "Push an image, or correct the repository's name"
        )
    series = Series.read(names, understood, image.recommended)
    answered = ImageState(reference=known.reference, tags=sorted(names), checked=now)
    digests: dict[str, str] = {}
    try:
        digests = await registries.digests(repository, _wanted(image, series))
        if older := _perhaps_meant(image, series, digests):
            digests |= _meant(series, digests, await registries.digests(repository, older))
    except RegistryError as failure:
        still_there = {tag: digest for tag, digest in known.digests.items() if series.tag(tag)}
        return _troubled(answered.model_copy(update={"digests": still_there | digests}), failure)
    return answered.model_copy(update={"digests": digests})


def _wanted(image: LabImage, series: Series) -> list[str]:
    """What the menu shows first, and the aliases, whose digests tell what they stand for."""
    first = series.first(image.newest, image.pins)
    aliases = [tag for tag in series.tags if tag.tag_class == ALIAS and tag.listed]
    return list(dict.fromkeys(tag.name for tag in (*first, *aliases)))[:_MOST]


def _perhaps_meant(image: LabImage, series: Series, digests: Mapping[str, str]) -> list[str]:
    """Older tags, if an alias stands for none of those that were asked for."""
    if _of_aliases(series, digests) <= _of_others(series, digests):
        return []
    classes = [tag_class for tag_class, number in sorted(image.newest.items()) if number]
    recent = [tag.name for tag_class in classes for tag in series.newest(tag_class, _BACK)]
    return [name for name in recent if name not in digests][:_MOST]


def _meant(series: Series, digests: Mapping[str, str], older: Mapping[str, str]) -> dict[str, str]:
    """Those of the older tags that an alias stands for."""
    return {tag: digest for tag, digest in older.items() if digest in _of_aliases(series, digests)}


def _of_aliases(series: Series, digests: Mapping[str, str]) -> set[str]:
    return {digest for name, digest in digests.items() if (tag := series.tag(name)) and tag.tag_class == ALIAS}


def _of_others(series: Series, digests: Mapping[str, str]) -> set[str]:
    return {digest for name, digest in digests.items() if (tag := series.tag(name)) and tag.tag_class != ALIAS}


def _that_fits(catalogue: Catalogue, before: Catalogue) -> Catalogue:
    """The catalogue, or where it is too large the series as they were before."""
    try:
        catalogue.pack()
    except CatalogueError as mistake:
        too_large = CatalogueError(f"The list of all tags is not kept: {mistake}. Follow repositories with fewer tags.")
        return Catalogue(
            images={
                name: _troubled(before.images.get(name) or ImageState(reference=state.reference), too_large)
                if state.tags
                else state
                for name, state in catalogue.images.items()
            }
        )
    return catalogue


def _troubled(state: ImageState, failure: Exception) -> ImageState:
    return state.model_copy(update={"trouble": str(failure)})
