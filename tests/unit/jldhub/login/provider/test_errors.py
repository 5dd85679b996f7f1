"""What counts as an outage, and whether a provider can be asked again."""

import time
from io import BytesIO

import pytest
from jldhub.login.provider.errors import cannot_refresh, concerns_everybody, is_outage
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders


def answer(code: int, body: str = "", **headers: str) -> HTTPResponse:
    named = HTTPHeaders({name.replace("_", "-"): value for name, value in headers.items()})
    return HTTPResponse(HTTPRequest("https://api.github.com/user"), code, named, BytesIO(body.encode()))


@pytest.mark.parametrize(
    "response",
    [
        answer(500),
        answer(503),
        answer(599),
        answer(429),
        answer(304),
        answer(403, Retry_After="60"),
        answer(403, X_RateLimit_Remaining="0"),
        answer(403, '{"message": "You have exceeded a secondary rate limit."}'),
    ],
    ids=lambda response: str(response.code),
)
def test_these_say_nothing_about_the_person(response: HTTPResponse) -> None:
    assert is_outage(response.code, response)


@pytest.mark.parametrize(
    "response",
    [
        answer(200),
        answer(204),
        answer(401),
        answer(403),
        answer(404),
        answer(403, '{"message": "Sorry. Your account was suspended."}'),
        answer(403, '["rate limit"]'),
        answer(403, "{", X_RateLimit_Remaining="17"),
    ],
    ids=lambda response: str(response.code),
)
def test_these_are_answers(response: HTTPResponse) -> None:
    assert not is_outage(response.code, response)


def test_only_a_token_past_its_own_end_without_another_one_cannot_be_used() -> None:
    old = {"received": time.time() - 1000, "expires_in": 900}
    assert cannot_refresh({"token_response": old})
    for state in (
        {"token_response": old, "refresh_token": "rt"},
        {"token_response": {"received": time.time() - 800, "expires_in": 900}},
        {"token_response": {"received": time.time() - 1000}},
        {"token_response": {"expires_in": 900}},
        {"token_response": None},
        {},
    ):
        assert not cannot_refresh(state)


@pytest.mark.parametrize(
    ("code", "everybody"),
    [(599, True), (502, True), (503, True), (504, True), (500, False), (429, False), (403, False)],
)
def test_an_answer_about_one_account_says_nothing_about_the_others(code: int, everybody: bool) -> None:
    assert concerns_everybody(code) is everybody
