"""What is taken from claims, and what is not."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.identity import IdentityError
from jldhub.login import claims
from jldhub.login.claims import ClaimedGroup

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.sampled_from(["name", "id"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("jane", "jane"),
        ("Jane.Doe@Uni.edu", "jane.doe.uni.edu"),
        ("toronto:ann@utoronto.ca", "toronto.ann.utoronto.ca"),
        ("a+b_c-d", "a.b_c-d"),
    ],
)
def test_a_name_becomes_one_of_the_hub(name: str, wanted: str) -> None:
    assert claims.username(name) == wanted


@pytest.mark.parametrize(
    "name", ["", "-x", ".x", "@x", "../x", "a/b", "a\n", "a b", "j\u0430ne", "a$b", None, 5, ["a"], {"a": 1}, "x" * 256]
)
def test_what_cannot_be_a_name_is_refused(name: object) -> None:
    with pytest.raises(IdentityError, match="cannot be a user name"):
        claims.username(name)


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
    assert (claims.unix_id({"": 5000}, ""), claims.text({"": "x"}, ""), claims.groups({"": ["x"]}, "")) == (
        None,
        "",
        None,
    )


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (["a", "b", "A"], (ClaimedGroup("a"), ClaimedGroup("b"))),
        ("a;b", (ClaimedGroup("a"), ClaimedGroup("b"))),
        ([{"name": "a", "id": 7001}, {"name": "b", "id": "7002"}, {"name": "c", "id": 7}], (ClaimedGroup("a", 7001), ClaimedGroup("b", 7002), ClaimedGroup("c"))),
        ("cn=a,ou=Groups,dc=x;CN=b,OU=People,dc=x;cn=c,ou=sub,ou=groups,dc=x", (ClaimedGroup("a"), ClaimedGroup("c"))),
        (["cn=a\\,ou=Groups,ou=People", 5, None, {"id": 7001}, ["a"], "", "x\ny", "n" * 256], ()),
        ([], ()),
        (None, None),
        ({"a": True}, None),
        (7, None),
        ([f"g{n}" for n in range(1001)], None),
    ],
)  # fmt: skip
def test_groups_come_in_many_forms(value: object, wanted: tuple[ClaimedGroup, ...] | None) -> None:
    assert claims.groups({"g": value}, "g") == wanted


@given(JSON)
def test_no_claim_is_an_error_of_the_server(value: Any) -> None:
    """Whatever it is, it is read, or refused with a sentence that a page can show."""
    claim = {"c": value}
    claims.groups(claim, "c")
    claims.text(claim, "c")
    for read in (
        lambda: claims.subject(claim, "c"),
        lambda: claims.unix_id(claim, "c"),
        lambda: claims.username(value),
    ):
        with suppress(IdentityError):
            read()
    assert len(said(lambda: claims.username(value))) < 300
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
