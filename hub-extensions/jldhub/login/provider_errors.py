"""What a provider's answers and tokens tell about the provider itself. Pure: no network here."""

import json
import time
from collections.abc import Mapping
from typing import Any

from tornado.httpclient import HTTPClientError, HTTPResponse

# We ask for no comparison, so whoever answers this stands between and answers from its memory.
NOT_MODIFIED = 304


def is_outage(code: int, answer: HTTPResponse | None) -> bool:
    """Server errors, time-outs (tornado's 599), an old answer, and a rate limit, which GitHub reports as 403 or 429."""
    if code >= 500 or code in (NOT_MODIFIED, 429):
        return True
    if code != 403 or answer is None:
        return False
    headers = answer.headers
    return "Retry-After" in headers or headers.get("X-RateLimit-Remaining") == "0" or "rate limit" in message(answer)


def message(answer: HTTPResponse | None) -> str:
    """What an answer says for people."""
    try:
        document = json.loads((answer.body if answer else b"") or b"")
    except ValueError:
        return ""
    said = document.get("message") if isinstance(document, dict) else None
    return said[:200] if isinstance(said, str) else ""


def error_text(error: HTTPClientError) -> str:
    return message(error.response).rstrip(".") or str(error.message)


def cannot_refresh(state: Mapping[str, Any]) -> bool:
    """The token is past its own end and there is none to renew it: that says nothing about the person."""
    token = state.get("token_response")
    if state.get("refresh_token") or not isinstance(token, dict):
        return False
    received, lives = token.get("received"), token.get("expires_in")
    return isinstance(received, float) and isinstance(lives, int | float) and time.time() >= received + lives
