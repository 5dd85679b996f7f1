"""Tornado's HTTP client for a site behind an HTTP proxy, which tornado's own one does not know without libcurl."""

import asyncio
import ssl
from collections.abc import Callable
from io import BytesIO
from typing import Any

import aiohttp
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders

from jldhub.login.provider.errors import NO_RESPONSE
from jldhub.support.outbound import proxy_for


class ProxiedClient(AsyncHTTPClient):
    """Sends each request by aiohttp, through the proxy of the environment or past it.

    It understands of a request what oauthenticator's classes write into one.
    """

    def initialize(self, *, tls: ssl.SSLContext) -> None:  # type: ignore[override]
        super().initialize()
        self._tls = tls
        self._running: set[asyncio.Task[HTTPResponse]] = set()  # asyncio itself holds them only weakly

    def fetch_impl(self, request: HTTPRequest, callback: Callable[[HTTPResponse], None]) -> None:
        """Tornado's interface for clients."""

        def done(task: asyncio.Task[HTTPResponse]) -> None:
            self._running.discard(task)
            error = task.exception()
            callback(HTTPResponse(request, NO_RESPONSE, error=error) if error else task.result())

        task = asyncio.ensure_future(self._response(request))
        self._running.add(task)
        task.add_done_callback(done)

    async def _response(self, request: HTTPRequest) -> HTTPResponse:
        """Raises aiohttp.ClientError, OSError and ValueError."""
        timeout = aiohttp.ClientTimeout(total=request.request_timeout, sock_connect=request.connect_timeout)
        options: dict[str, Any] = {"data": request.body, "headers": list(request.headers.get_all())}
        if request.auth_username is not None:
            options["auth"] = aiohttp.BasicAuth(request.auth_username, request.auth_password or "")
        own = ssl.create_default_context(cafile=request.ca_certs) if request.ca_certs else self._tls
        connector = aiohttp.TCPConnector(ssl=own if request.validate_cert else False)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.request(
                request.method,
                request.url,
                allow_redirects=bool(request.follow_redirects),
                max_redirects=request.max_redirects or 5,
                proxy=proxy_for(request.url),
                **options,
            ) as response,
        ):
            headers = HTTPHeaders()
            for name, value in response.headers.items():
                headers.add(name, value)
            body = BytesIO(await response.read())
            return HTTPResponse(request, response.status, headers, body, str(response.url), reason=response.reason)
