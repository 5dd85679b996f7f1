"""One check of a session: what it saves, and what a login that came meanwhile has saved."""

from collections.abc import Mapping
from typing import Any

import pytest
from jldhub.identity import AUTH_STATE_KEY, REFUSED
from jldhub.login.provider.sessions import Check


class Person:
    def __init__(self, state: Mapping[str, Any] | None) -> None:
        self.state = state

    async def get_auth_state(self) -> Mapping[str, Any] | None:
        return self.state

    async def save_auth_state(self, state: Mapping[str, Any]) -> None:
        self.state = state


REFUSAL = {AUTH_STATE_KEY: {REFUSED: "You are suspended."}}


async def test_what_a_check_finds_is_saved_with_the_rest() -> None:
    person = Person({"access_token": "one", "id_token": "x"})
    check = Check(person, dict(person.state or {}))
    await check.save({"access_token": "two"})  # a renewed one
    await check.save(REFUSAL)
    assert person.state == {"access_token": "two", "id_token": "x", **REFUSAL}


@pytest.mark.parametrize("newer", [{"access_token": "newer"}, {}, None])
async def test_a_login_that_came_meanwhile_is_not_overwritten(newer: Mapping[str, Any] | None) -> None:
    person = Person({"access_token": "one"})
    check = Check(person, {"access_token": "one"})
    person.state = newer
    await check.save(REFUSAL)
    assert person.state == newer
