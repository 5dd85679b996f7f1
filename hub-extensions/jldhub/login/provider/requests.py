"""Requests to a provider, and which of their failures are outages."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from oauthenticator.oauth2 import OAuthenticator
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse
from traitlets import Any as AnyTrait
from traitlets import Unicode, default

from jldhub.login.provider.errors import (
    NO_RESPONSE,
    NOT_MODIFIED,
    NOT_UNDERSTOOD,
    ProviderUnavailable,
    concerns_everybody,
    is_outage,
)
from jldhub.login.provider.proxied import ProxiedClient
from jldhub.support import login_metrics
from jldhub.support.outbound import has_proxy, obstacle, tls_context
from jldhub.support.refusal import Refusal

# Running sessions send no request for this time after one that failed for everybody, so that pages do not wait for it.
_PAUSE_SECONDS = 60
# Half of what GitHub takes from one address (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api).
_MOST_REQUESTS = 50  # at once

AuthModel = dict[str, Any]


class ProviderRequests(OAuthenticator):
    """The requests of oauthenticator's classes, with an exception of their own for outages."""

    provider_address = Unicode(help="The provider's name in messages for people.").tag(config=True)

    authorities = Unicode(help="A file with authorities that are trusted besides; empty for none.").tag(config=True)

    http_client = AnyTrait()
    _next_request: float = 0  # monotonic seconds
    _places: asyncio.Semaphore = AnyTrait()  # type: ignore[assignment]

    @default("http_client")
    def _own_http_client(self) -> AsyncHTTPClient:
        tls = tls_context(Path(self.authorities) if self.authorities else None)
        if has_proxy():
            return ProxiedClient(force_instance=True, tls=tls)
        # Tornado prefers these to what a request itself says, such as an operator's `ca_certs` in http_request_kwargs.
        own = {"ca_certs", "validate_cert"} & self.http_request_kwargs.keys() or not self.validate_server_cert
        trust = {} if own or not self.authorities else {"ssl_options": tls}
        # Tornado's shared client has ten connections for the whole hub, and those who wait for one time out as if the provider
        # were down. Here they wait in httpfetch, whose clock has not begun.
        return AsyncHTTPClient(force_instance=True, max_clients=2 * _MOST_REQUESTS, defaults=trust)

    @default("_places")
    def _all_places(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(_MOST_REQUESTS)

    async def httpfetch(
        self, url: str, label: str = "fetching", parse_json: bool = True, raise_error: bool = True, **kwargs: Any
    ) -> Any:
        """A request to the provider. Raises ProviderUnavailable in an outage, and HTTPClientError for a refusal."""

        async def fetch(**more: Any) -> Any:
            async with self._places:
                return await super(ProviderRequests, self).httpfetch(
                    url, label, parse_json=parse_json, raise_error=raise_error, **{**kwargs, **more}
                )

        try:
            try:
                response = await fetch()
                not_modified = isinstance(response, HTTPResponse) and response.code == NOT_MODIFIED
            except HTTPClientError as error:
                if error.code != NOT_MODIFIED:
                    raise
                not_modified = True
            if not_modified:
                response = await fetch(headers={**kwargs.get("headers", {}), "Cache-Control": "no-cache"})
        except HTTPClientError as error:
            if is_outage(error.code, error.response):
                raise self._outage(error.code, error.message) from error
            raise
        except TimeoutError as error:
            raise self._outage(NO_RESPONSE, "no answer in time") from error
        except (OSError, aiohttp.ClientError) as error:
            reason, remedy = obstacle(error, url) or (f"no connection ({getattr(error, 'strerror', '') or error})", "")
            raise self.unavailable(reason, remedy, for_all=True) from error
        except ValueError as error:
            raise self.unavailable(NOT_UNDERSTOOD) from error
        if isinstance(response, HTTPResponse) and is_outage(response.code, response):
            raise self._outage(response.code, response.reason)
        login_metrics.PROVIDER_UP.labels(self.login_service).set(1)
        return response

    async def get_token_info(self, handler: Any, params: Mapping[str, Any]) -> AuthModel:
        try:
            info: AuthModel = await super().get_token_info(handler, params)
        except web.HTTPError as error:
            if error.status_code < 500 or isinstance(error, Refusal):
                raise
            # Its message contains the provider's response, which may contain a token.
            raise self.unavailable(NOT_UNDERSTOOD) from None
        if not isinstance(info.get("access_token"), str):
            raise self.unavailable(NOT_UNDERSTOOD)
        return {**info, "token_type": info.get("token_type") or "Bearer", "received": time.time()}

    async def token_to_user(self, token_info: AuthModel) -> AuthModel:
        info = await super().token_to_user(token_info)
        if not isinstance(info, dict):
            raise self.unavailable(NOT_UNDERSTOOD)
        return info

    def unavailable(self, reason: str, remedy: str = "", *, for_all: bool = False) -> ProviderUnavailable:
        """The exception to raise. Counts and logs the outage, with the operator's `remedy`.

        `for_all` says that nobody else would be answered either: then all running sessions pause their requests. An odd answer
        about one account says nothing about the others.
        """
        provider = self.provider_address or self.login_service
        self.log.error("%s cannot be asked: %s%s", provider, reason, f". {remedy}" if remedy else "")
        login_metrics.OUTAGES.labels(self.login_service).inc()
        login_metrics.PROVIDER_UP.labels(self.login_service).set(0)
        if for_all:
            self._next_request = time.monotonic() + min(self.auth_refresh_age, _PAUSE_SECONDS)
        return ProviderUnavailable(provider, reason)

    def _outage(self, code: int, text: str | None) -> ProviderUnavailable:
        if code in (403, 429):
            return self.unavailable("it limits how often it may be asked")
        reason = text or "no answer" if code == NO_RESPONSE else f"it answers {code} {text or ''}".strip()
        return self.unavailable(reason, for_all=concerns_everybody(code))
