"""What is taken from claims, and what is not."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.identity import IdentityError
from jldhub.login.claims import values as claims
from jldhub.login.claims.groups import ClaimedGroup, claimed_groups
from jldhub.login.usernames import login_name

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.sampled_from(["name", "id"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(("value", "wanted"), [("50001", 50001), (50001, 50001), (2**31 - 1, 2**31 - 1), (None, None)])
def test_a_number_may_be_text(value: object, wanted: int | None) -> None:
    assert claims.unix_id({"n": value}, "n") == wanted


@pytest.mark.parametrize(
    "value",
    [
        0,
        999,
        "999",
        -1,
        2**31,
        "2147483648",
        True,
        1.5,
        "1e4",
        "\u0661\u0662\u0663\u0664",
        " 5000",
        "",
        [5000],
        {"id": 5000},
    ],
)
def test_a_number_that_is_no_persons_is_refused(value: object) -> None:
    with pytest.raises(IdentityError, match="only numbers from 1000 to 2147483647"):
        claims.unix_id({"n": value}, "n")


def test_without_a_claim_nothing_is_read() -> None:
    assert (claims.unix_id({"": 5000}, ""), claims.text({"": "x"}, "")) == (None, "")


@pytest.mark.parametrize(
    ("received", "claim", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"a.b": 1, "a": {"b": 2}}, "a.b", 1),
        ({"https://example.org/claims/groups": 1}, "https://example.org/claims/groups", 1),
        ({"a": "b"}, "a.b", None),
        ({"a": ["b"]}, "a.0", None),
        ({"a": None}, "a", None),
        ({"": 1}, "", None),
    ],
)
def test_a_claim_is_found_by_its_name_or_its_path(received: dict[str, Any], claim: str, value: object) -> None:
    assert claims.find(received, claim) == value


@pytest.mark.parametrize("claim", ["n", "account.n"])
def test_every_reader_takes_a_path(claim: str) -> None:
    received = {"n": "7001", "account": {"n": "7001"}}
    assert claims.subject(received, claim) == "7001"
    assert claims.unix_id(received, claim) == 7001
    assert claims.text(received, claim) == "7001"
    assert claimed_groups(received, claim).groups == (ClaimedGroup("7001"),)


@given(JSON)
def test_no_claim_is_an_error_of_the_server(value: Any) -> None:
    """Whatever it is, it is read, or refused with a sentence that a page can show."""
    claim = {"c": value}
    claimed_groups(claim, "c")
    claims.text(claim, "c")
    for read in (
        lambda: claims.subject(claim, "c"),
        lambda: claims.unix_id(claim, "c"),
        lambda: login_name(value),
    ):
        with suppress(IdentityError):
            read()
    assert len(said(lambda: login_name(value))) < 300
    assert len(said(lambda: claims.unix_id(claim, "c"))) < 300


def said(read: Callable[[], object]) -> str:
    try:
        read()
    except IdentityError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("value", [None, "", "  ", ["x"], {"x": 1}, True, "x" * 256, "a\0b", 1.5])
def test_somebody_without_a_subject_is_nobody(value: object) -> None:
    with pytest.raises(IdentityError, match="by which you are known"):
        claims.subject({"sub": value}, "sub")


def test_a_subject_is_taken_as_it_is() -> None:
    assert [claims.subject({"sub": value}, "sub") for value in ("Abc ", 42)] == ["Abc ", "42"]
