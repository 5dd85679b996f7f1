"""Outages of a provider, detected from its responses and tokens. Pure functions."""

import json
import time
from collections.abc import Mapping
from typing import Any

from tornado.httpclient import HTTPClientError, HTTPResponse

from jldhub.support.refusal import Refusal

# JLD sends no conditional requests, so a response with this status comes from a cache between the hub and the provider.
NOT_MODIFIED = 304
NO_RESPONSE = 599  # tornado's status of a request that failed
NOT_UNDERSTOOD = "its answer could not be understood"


class ProviderUnavailable(Refusal):
    """The provider does not answer. Nobody can log in meanwhile, and running sessions are extended."""

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(
            503, f"{provider} cannot be asked who you are: {reason}. Nobody can log in until it answers; try later."
        )
        self.why = reason


def is_outage(code: int, response: HTTPResponse | None) -> bool:
    """Whether a status means that the provider cannot be used now.

    That is a server error, a time-out (tornado's status 599), a cached response, and a rate limit, for which GitHub
    uses 403 and 429 (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api).
    """
    if code >= 500 or code in (NOT_MODIFIED, 429):
        return True
    if code != 403 or response is None:
        return False
    headers = response.headers
    return "Retry-After" in headers or headers.get("X-RateLimit-Remaining") == "0" or "rate limit" in message(response)


def concerns_everybody(code: int) -> bool:
    """Whether an outage with this status is that of the whole provider.

    A rate limit may apply to one person's token alone, and a 500 to what is asked about one account.
    """
    return code in (502, 503, 504, NO_RESPONSE)


def message(response: HTTPResponse | None) -> str:
    """The `message` of a JSON response, at most 200 characters; empty where there is none."""
    try:
        document = json.loads((response.body if response else b"") or b"")
    except ValueError:
        return ""
    text = document.get("message") if isinstance(document, dict) else None
    return text[:200] if isinstance(text, str) else ""


def error_text(error: HTTPClientError) -> str:
    """The message of the response, else that of the exception, without a period at the end."""
    return message(error.response).rstrip(".") or str(error.message)


def cannot_refresh(state: Mapping[str, Any]) -> bool:
    """Whether the access token has expired and there is no refresh token.

    That says nothing about the person's memberships.
    """
    token = state.get("token_response")
    if state.get("refresh_token") or not isinstance(token, dict):
        return False
    received, lifetime = token.get("received"), token.get("expires_in")
    return isinstance(received, float) and isinstance(lifetime, int | float) and time.time() >= received + lifetime
