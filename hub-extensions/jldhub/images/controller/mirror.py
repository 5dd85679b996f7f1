"""What a list of the Kubernetes API holds, kept up to date by a watch."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from jldhub.images.controller.api import Api, ApiUnavailable

_PAGE = "100"  # objects of one request; a thousand nodes would be 9 MB at once
_WATCH_SECONDS = 300.0  # then another watch goes on from there
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0

Item = TypeVar("Item")
log = logging.getLogger("jldhub.images")


class Mirror(Generic[Item]):
    """`items` by their names, with namespaces where they have one. Each is what `read` makes of an object; None leaves it out.

    `path` is that of the list. `changed` is set whenever something is another one.
    """

    def __init__(
        self,
        api: Api,
        what: str,
        path: str,
        read: Callable[[Mapping[str, Any]], Item | None],
        changed: asyncio.Event,
        query: Mapping[str, str] | None = None,
    ) -> None:
        self.items: dict[str, Item] = {}
        self.is_listed = False
        self._api, self._what, self._path, self._query = api, what, path, query or {}
        self._read, self._changed = read, changed

    async def run(self) -> None:
        """Until it is cancelled. While the API does not answer, the items stay as they were last."""
        version, pause = "", _FIRST_PAUSE
        while True:
            try:
                version = await self._watch(version or await self._list())
                pause = _FIRST_PAUSE
                continue
            except ApiUnavailable as failure:
                log.log(logging.DEBUG if failure.status == 410 else logging.ERROR, "%s", failure)
            except Exception:
                log.exception("%s cannot be read; they are listed again later", self._what)
            version = ""  # what happened meanwhile may be too long ago to be told
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _list(self) -> str:
        """All items anew, and the version of the list."""
        items: dict[str, Item] = {}
        version = ""
        async for page in self._pages():
            version = page["metadata"]["resourceVersion"]
            for raw in page["items"]:
                item = self._read(raw)
                if item is not None:
                    items[_key(raw)] = item
        self.items, self.is_listed = items, True
        self._changed.set()
        return version

    async def _pages(self) -> AsyncIterator[Any]:
        following: dict[str, str] = {}
        while True:
            page = await self._api.get(self._path, self._what, {**self._query, "limit": _PAGE, **following})
            yield page
            if not (token := page["metadata"].get("continue")):
                return
            following = {"continue": token}

    async def _watch(self, version: str) -> str:
        """Take over what changes, and return the version up to which that was done."""
        query = {**self._query, "resourceVersion": version}
        async with aclosing(self._api.watch(self._path, self._what, query, _WATCH_SECONDS)) as events:
            async for event in events:
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._take(event["type"], event["object"])
        return version

    def _take(self, kind: str, raw: Mapping[str, Any]) -> None:
        item = None if kind == "DELETED" else self._read(raw)
        if item is None:
            self.items.pop(_key(raw), None)
        else:
            self.items[_key(raw)] = item
        self._changed.set()


def _key(raw: Mapping[str, Any]) -> str:
    metadata = raw["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else str(metadata["name"])
