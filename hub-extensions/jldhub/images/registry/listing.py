"""The tags of a repository, page by page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jldhub.images.registry.answers import NO_REGISTRY, document, expected
from jldhub.images.registry.authorization import Authorization
from jldhub.images.registry.errors import RegistryAnswerUnusable
from jldhub.images.registry.reference import Repository
from jldhub.images.registry.transport import Answer, Limits
from jldhub.images.tags.tag import is_tag

_SIZE = {"n": "1000"}  # tags of one page: the most that many registries give
_REFUSED = frozenset((400, 404, 405, 416, 422))

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{1,256}"')

_Query = Mapping[str, str]


@dataclass(frozen=True)
class _Page:
    """`following` is the query of the next page, where the registry links to it."""

    tags: tuple[str, ...]  # those that can be pulled
    following: _Query | None
    etag: str = ""


class Listing:
    """It keeps pages that have an ETag, by their queries, so that the registry need not send them again."""

    def __init__(self, authorization: Authorization, limits: Limits) -> None:
        self._authorization, self._limits = authorization, limits
        self._kept: dict[Repository, dict[str, _Page]] = {}

    async def tags(self, repository: Repository) -> list[str]:
        """All tags, in the order in which the registry gives them: by its Links, and where it gives none from the last tag on until nothing
        new comes, because some lose the Link. Raises RegistryError.
        """
        pages: dict[str, _Page] = {}
        found: dict[str, None] = {}
        size: _Query = _SIZE
        page = await self._page(repository, size, pages, or_none=True)
        if page is None:  # some refuse the number instead of giving less
            size = {}
            page = await self._page(repository, size, pages)
        by_link = True
        while page is not None:
            new = [tag for tag in page.tags if tag not in found]
            found.update(dict.fromkeys(new))
            if not new and (page.following is None or not by_link):
                break
            if not new and page.tags:
                raise self._endless(repository, "leads in a circle")
            if len(found) > self._limits.tags or len(pages) >= self._limits.pages:
                raise self._endless(repository, f"does not end after {len(found)} tags on {len(pages)} pages")
            by_link = page.following is not None
            query = page.following if page.following is not None else {**size, "last": page.tags[-1]}
            page = await self._page(repository, query, pages, or_none=not by_link)
        self._kept[repository] = {query: page for query, page in pages.items() if page.etag}
        return list(found)

    async def _page(
        self, repository: Repository, query: _Query, pages: dict[str, _Page], or_none: bool = False
    ) -> _Page | None:
        """The page, which is added to `pages`. With `or_none` None where the registry does not take the query."""
        # Of a Link only the query counts: neither the registry's login nor a request goes where a Link says.
        url = repository.url("tags", "list").with_query(query)
        if url.query_string in pages:
            raise self._endless(repository, "leads in a circle")
        kept = self._kept.get(repository, {}).get(url.query_string)
        headers = {"If-None-Match": kept.etag} if kept else {}
        answer = await self._authorization.request("GET", url, repository, headers)
        if or_none and answer.status in _REFUSED:
            return None
        if kept and answer.status == 304:
            page = kept
        else:
            tags = document(expected(answer, repository), repository).get("tags") or []  # null where there is none
            if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
                raise RegistryAnswerUnusable(repository, "its list of tags is none", NO_REGISTRY)
            following = None if answer.next_page is None else dict(answer.next_page.query)
            page = _Page(tuple(filter(is_tag, tags)), following, _etag(answer))
        pages[url.query_string] = page
        return page

    def _endless(self, repository: Repository, what: str) -> RegistryAnswerUnusable:
        return RegistryAnswerUnusable(repository, f"its list of tags {what}", "See the registry's log, or update it")


def _etag(answer: Answer) -> str:
    etag = answer.headers.get("ETag", "")
    return etag if _ETAG.fullmatch(etag) else ""
