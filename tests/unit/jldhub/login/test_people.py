"""Names and numbers that stay."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jldhub.login.people import METADATA, Account, IdRange, IdsExhausted, People, Person, UidTaken
from jldhub.login.usernames import LONGEST, ReservedUsername, candidates, require_unreserved
from jldhub.settings.reserved_names import RESERVED
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

NUMBERS = IdRange(5000, 5002)


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/hub.sqlite"
    METADATA.create_all(create_engine(url))
    return url


@pytest.fixture
def db(database: str) -> Iterator[Session]:
    with Session(create_engine(database)) as session:
        yield session


def oidc(subject: str, login: str = "jane", uid: int | None = None) -> Account:
    return Account("id.example.org", subject, login, uid)


def test_whoever_is_known_stays_who_they_are(db: Session) -> None:
    people = People(db, NUMBERS)
    assert people.record(oidc("1", "jane")) == Person("jane", 5000)
    assert people.record(oidc("1", "jane.doe", uid=7000)) == Person("jane", 5000)
    assert people.find(oidc("1", "x")) == Person("jane", 5000)


def test_a_namesake_gets_a_name_with_their_number(db: Session) -> None:
    people = People(db, NUMBERS)
    people.record(oidc("1"))
    assert people.record(oidc("2")) == Person("jane-5001", 5001)
    assert people.record(oidc("3", "jane-5002")) == Person("jane-5002", 5002)


def test_a_name_that_was_made_is_not_taken_twice(db: Session) -> None:
    people = People(db, NUMBERS)
    people.record(oidc("1", uid=7001))
    people.record(oidc("2", "jane-7003", uid=7002))
    assert people.record(oidc("3", uid=7003)).name == "jane-7003-2"


def test_subjects_that_differ_by_case_are_two_people(db: Session) -> None:
    people = People(db, NUMBERS)
    assert people.record(oidc("abc")) != people.record(oidc("ABC"))


def test_the_same_subject_at_another_provider_is_somebody_else(db: Session) -> None:
    people = People(db, NUMBERS)
    people.record(oidc("1"))
    assert people.record(Account("other.example.org", "1", "jane")) == Person("jane-5001", 5001)


def test_who_is_only_expected_is_not_written_down(db: Session) -> None:
    people = People(db, NUMBERS)
    assert people.preview(oidc("1")) == Person("jane", 5000)
    assert people.find(oidc("1")) is None
    assert people.preview(oidc("2")) == Person("jane", 5000)


def test_a_number_is_never_given_twice_and_the_end_is_told(db: Session) -> None:
    people = People(db, NUMBERS)
    given = [people.record(oidc("1", "a")).uid, people.group_gid("p", "g"), people.record(oidc("2", "b")).uid]
    assert given == [5000, 5001, 5002]
    assert people.group_gid("p", "g") == 5001
    with pytest.raises(IdsExhausted, match=r"hub\.auth\.numbers\.last"):
        people.record(oidc("3", "c"))


def test_nobody_brings_a_number_of_somebody_else_or_one_to_be_given(db: Session) -> None:
    people = People(db, NUMBERS)
    people.record(oidc("1", "a", uid=7000))
    for uid in (7000, 5000, 5002):
        with pytest.raises(UidTaken, match="belongs to somebody else"):
            people.record(oidc("2", "b", uid=uid))
    assert [bool(people.reserved_ids([number])) for number in (7000, 5000, 5002, 5003, 6999)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_another_hub_on_the_same_database_may_be_faster(database: str) -> None:
    with Session(create_engine(database)) as one, Session(create_engine(database)) as other:
        mine, theirs = People(one, NUMBERS), People(other, NUMBERS)
        assert mine.preview(oidc("1")).uid == theirs.preview(oidc("2")).uid
        one.commit()
        other.commit()
        assert mine.record(oidc("1")) == Person("jane", 5000)
        assert theirs.record(oidc("2")) == Person("jane-5001", 5001)
        assert theirs.record(oidc("1")) == Person("jane", 5000)


def test_what_is_written_down_outlives_the_hub(database: str) -> None:
    for _ in range(2):
        with Session(create_engine(database)) as session:
            assert People(session, NUMBERS).record(oidc("1")) == Person("jane", 5000)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("ab-1", min_size=1, max_size=64), st.integers(6000, 6999)),
        max_size=12,
        unique_by=lambda e: e[1],
    )
)
def test_no_two_people_share_a_name_or_a_number(accounts: list[tuple[str, int]]) -> None:
    with Session(create_engine("sqlite://")) as session:
        METADATA.create_all(session.connection())
        people = People(session, NUMBERS)
        kept = [people.record(oidc(str(n), login[:LONGEST], uid)) for n, (login, uid) in enumerate(accounts)]
        assert len({person.name for person in kept}) == len({person.uid for person in kept}) == len(kept)
        assert all(len(person.name) <= LONGEST for person in kept)


def test_a_long_name_leaves_room_for_the_number() -> None:
    own, numbered, again, *_ = candidates("j" * 63, 4000001)
    assert (len(own), numbered[-8:], len(numbered), again[-10:], len(again)) == (63, "-4000001", 63, "-4000001-2", 63)


@pytest.mark.parametrize("name", ["root", "daemon", "jovyan", "nobody", "www-data"])
def test_names_of_the_system_are_nobodys(name: str) -> None:
    with pytest.raises(ReservedUsername, match=f"would be {name}, which is the name of a system account"):
        require_unreserved(name)
    assert name in RESERVED


def test_other_names_are_free() -> None:
    require_unreserved("lsst")


def test_the_numbers_of_groups_are_recorded_once(db: Session) -> None:
    people = People(db, NUMBERS)
    assert not people.is_group_gid(7001)
    people.record_gids("id.example.org", {"science": 7001, "users": 7002})
    people.record_gids("id.example.org", {"renamed": 7001, "more": 7003})
    people.record_gids("id.example.org", {})
    assert [people.is_group_gid(number) for number in (7001, 7002, 7003, 7004)] == [True, True, True, False]
    assert people.group_gid("id.example.org", "science") == 5000, "a claim without the number comes from elsewhere"
