"""A browser for tests: keeps cookies, follows redirects, and reaches the site's address at the front door's port."""

import re
import ssl
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Self
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from .deployment import SITE


@dataclass(frozen=True)
class Page:
    url: str
    status: int
    text: str
    headers: dict[str, str]

    @property
    def sentence(self) -> str:
        """What a person reads: the text without markup."""
        body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", self.text)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    @property
    def error(self) -> str:
        """What an error page says below its heading, without its reference, which is another one each time."""
        found = re.search(r'(?s)<div class="error">.*?<p>(.*?)</p>', self.text)
        said = " ".join(unescape(re.sub(r"<[^>]+>", " ", found[1])).split()) if found else ""
        return re.sub(r" \(Reference [0-9a-f]{8}\)$", "", said)


class Browser:
    def __init__(self, url: str, patience: float = 60, authority: Path | None = None) -> None:
        """`patience`: seconds for one answer. `authority`: of the certificate of a provider."""
        self._url = url
        jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=URL(url))
        self._session = aiohttp.ClientSession(
            cookie_jar=jar,
            connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=authority)) if authority else None,
            timeout=aiohttp.ClientTimeout(total=patience),
            headers={
                "Host": "jupyter.example.org",
                "X-Forwarded-Proto": "https",  # what the front door adds
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Site": "same-origin",
            },
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(self, url: str, *, follow: bool = True, headers: dict[str, str] | None = None) -> Page:
        return await self._request("GET", url, follow=follow, headers=headers)

    async def post(self, url: str, form: dict[str, str], *, follow: bool = True) -> Page:
        return await self._request("POST", url, form=form, follow=follow)

    async def post_json(self, url: str, document: object) -> Page:
        """As a page's script does: the token against forged requests goes along in the address."""
        token = xsrf(await self.get("/hub/home"))["_xsrf"]
        return await self._request("POST", f"{url}?_xsrf={token}", document=document, follow=False)

    async def patch_json(self, url: str, document: object) -> Page:
        token = xsrf(await self.get("/hub/home"))["_xsrf"]
        return await self._request("PATCH", f"{url}?_xsrf={token}", document=document, follow=False)

    async def post_json_to_lab(self, url: str, document: object) -> Page:
        return await self._request("POST", url, document=document, follow=False)

    async def delete(self, url: str) -> Page:
        return await self._request("DELETE", url, follow=False)

    def socket(self, path: str) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        return self._session.ws_connect(self._url + path, headers={"Origin": SITE})

    async def choose_at_provider(self, login: str) -> Page:
        """Press the site's login button and a person's button at the provider; the answer carries the way back."""
        provider = await self.get("/hub/oauth_login")
        assert f'value="{login}"' in provider.text, provider.text
        return await self.post(provider.url, {"login": login}, follow=False)

    async def log_in_with_provider(self, login: str) -> Page:
        back = await self.choose_at_provider(login)
        return await self.get(back.headers["Location"])

    choose_at_github, log_in_with_github = choose_at_provider, log_in_with_provider

    async def log_in(self, username: str, password: str) -> Page:
        page = await self.get("/hub/login")
        return await self.post("/hub/login", {**xsrf(page), "username": username, "password": password})

    async def _request(
        self,
        method: str,
        url: str,
        *,
        form: dict[str, str] | None = None,
        document: object = None,
        follow: bool,
        headers: dict[str, str] | None = None,
    ) -> Page:
        for _ in range(15):
            url = urljoin(f"{SITE}/", url)
            at_site = url.startswith(SITE)
            real = URL(self._url + url.removeprefix(SITE) if at_site else url, encoded=True)
            own = dict(headers or {}) | ({} if at_site else {"Host": real.authority})
            async with self._session.request(
                method, real, data=form, json=document, headers=own, allow_redirects=False
            ) as answer:
                text = await answer.text()
                page = Page(url, answer.status, text, dict(answer.headers))
            if not follow or answer.status not in (301, 302, 303, 307):
                return page
            method, form, url = "GET", None, urljoin(url, answer.headers["Location"])
        raise AssertionError(f"too many redirects, the last one to {url}")


def xsrf(page: Page) -> dict[str, str]:
    """The token of a page's form, or the one that a page gives to its scripts."""
    found = re.search(r'name="_xsrf"\s+value="([^"]+)"|_xsrf=([^"&]+)|xsrf_token: "([^"]+)"', page.text)
    assert found, page.text
    return {"_xsrf": unescape(next(filter(None, found.groups())))}
