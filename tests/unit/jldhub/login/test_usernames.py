"""Which name in the hub belongs to a name at the provider."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.identity import IdentityError
from jldhub.login.people import METADATA, Account, IdRange, People, Person
from jldhub.login.usernames import LoginName, login_name
from sqlalchemy import create_engine
from sqlalchemy.orm import Session


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("jane", "jane"),
        ("Jane.Doe@Uni.edu", "jane.doe.uni.edu"),
        ("toronto:ann@utoronto.ca", "toronto.ann.utoronto.ca"),
        ("a+b_c-d", "a.b_c-d"),
    ],
)
def test_a_plain_name_stays(name: str, wanted: str) -> None:
    assert login_name(name) == LoginName(wanted, exact=True)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("O'Brien", "obrien"),
        ("o\u2019brien@uni.edu", "obrien.uni.edu"),
        ("Jos\u00e9 Garc\u00eda", "jose-garcia"),
        ("jose\u0301", "jose"),
        ("jane doe", "jane-doe"),
        ("jane_uni.edu#EXT#@tenant.onmicrosoft.com", "jane_uni.edu-ext-.tenant.onmicrosoft.com"),
        ("Bj\u00f8rn Stra\u00dfe", "bjorn-strasse"),
        ("\u738b\u4f1f", "wangwei"),
        ("j\u0430ne", "jane"),
        ("a$b", "a-b"),
        ("-x", "x"),
        (".x", "x"),
        ("@x", "x"),
    ],
)
def test_another_name_is_written_in_letters_that_the_hub_takes(name: str, wanted: str) -> None:
    assert login_name(name) == LoginName(wanted, exact=False)


@pytest.mark.parametrize(
    "name",
    ["", " ", "#", "@", "../x", "a/b", "a\\b", "a\n", "a\0", None, 5, True, ["a"], {"a": 1}, "x" * 256, "a\u200bb"],
)
def test_what_cannot_be_a_name_is_refused(name: object) -> None:
    with pytest.raises(IdentityError, match="cannot be a user name"):
        login_name(name)


@given(st.text(max_size=80))
def test_every_name_fits_the_hub_and_stays_when_it_is_read_again(text: str) -> None:
    try:
        name = login_name(text).name
    except IdentityError:
        return
    assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]*", name)
    assert login_name(name) == LoginName(name, exact=True)


def test_a_name_that_the_settings_list_goes_to_nobody_whose_own_is_another(tmp_path: object) -> None:
    """Else whoever can choose a name at the provider becomes administrator by writing one like it."""
    listed = frozenset({"jane"})
    with Session(create_engine(f"sqlite:///{tmp_path}/hub.sqlite")) as db:
        METADATA.create_all(db.connection())
        people = People(db, IdRange(5000, 5009))
        assert people.record(Account("p", "1", "jane", others_names=listed)) == Person("jane-5000", 5000)
        assert people.record(Account("p", "2", "jane")) == Person("jane", 5001)
        assert people.record(Account("p", "1", "jane", others_names=listed)) == Person("jane-5000", 5000)
