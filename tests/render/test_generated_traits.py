"""Whatever the tool accepts of `hub.traits` and `hub.auth.other`, the hub's classes take: many more than get into generated sites."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from generating_traits import logins, traits
from hypothesis import HealthCheck, given, settings
from jld.rules import hub as rules
from jldhub.hub.traits import trait_faults
from jldhub.login.other import other_login
from jldhub.settings.login import Other

EXAMPLES = int(os.environ.get("JLD_EXAMPLES", "200")) * 5
COMMON = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture
def counted() -> Iterator[Counter[bool]]:
    """How many of those that were drawn the tool accepts: some, and not all."""
    found: Counter[bool] = Counter()
    yield found
    assert min(found[True], found[False]) > EXAMPLES / 20


@COMMON
@given(drawn=traits())
def test_traits(drawn: dict[str, Any], counted: Counter[bool]) -> None:
    accepted = not any(rules.traits_are_accepted({"hub": {"traits": drawn}}))
    counted[accepted] += 1
    assert not accepted or trait_faults(drawn) == []


@COMMON
@given(drawn=logins())
def test_logins(drawn: dict[str, Any], counted: Counter[bool]) -> None:
    other = {"clientId": "jld", "allowAll": True, **drawn}
    accepted = not any(
        rules.other_class_is_accepted({"hub": {"auth": {"other": other}, "image": {"repository": "hub"}}})
    )
    counted[accepted] += 1
    if accepted:
        other_login(Other.model_validate(other))  # raises SettingsError for what cannot work
