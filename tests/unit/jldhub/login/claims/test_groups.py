"""A claim that lists groups is read completely, or it says that it is not."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.login.claims.groups import ClaimedGroup, claimed_groups, group_key

SEVERAL = {"science", "suspended"}


def read(value: object) -> tuple[set[str], bool]:
    """The keys of the groups, and whether everything was understood."""
    claimed = claimed_groups({"g": value}, "g")
    assert len(claimed.unread) < 200
    return {group.key for group in claimed.groups}, not claimed.unread


@pytest.mark.parametrize(
    "value",
    [
        ["science", "suspended"],
        ["Science", "SUSPENDED", "suspended"],
        ["/science", "/suspended/"],
        ["science ", " suspended"],
        ["\uff53cience", "suspended"],
        "science;suspended",
        "science,suspended",
        "science, suspended,",
        "/science;/suspended",
        ["CN=science,OU=Groups,DC=uni,DC=edu", "CN=suspended,OU=Security Groups,DC=uni,DC=edu"],
        ["cn=science", "cn = Suspended , dc = x"],
        "cn=science,ou=Groups,dc=x;CN=suspended,OU=People,dc=x",
        ["CN=scien\\63e,OU=x", 'cn="suspended",ou=y'],
        ["cn=science+ou=x,dc=y", "2.5.4.3=suspended,dc=y"],
        ["cn=science,cn=Users,dc=x", "suspended"],
        [{"name": "science"}, {"name": "suspended", "id": 7002}],
    ],
)
def test_groups_are_understood_in_many_forms(value: object) -> None:
    groups, understood = read(value)
    assert groups - {"users"} == SEVERAL
    assert understood


@pytest.mark.parametrize("value", [[], "", ";", " "])
def test_no_groups_are_no_groups(value: object) -> None:
    assert read(value) == (set(), True)


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        True,
        {"science": True},
        "science suspended",
        "science|suspended",
        "science\nsuspended",
        "science,suspended;x",
        '["science", "suspended"]',
        "cn=science,cn=suspended",
        "cn=science,ou=g,cn=suspended,ou=g",
        [f"g{number}" for number in range(1001)],
        ["science", None],
        ["science", 7],
        ["science", ""],
        ["science", ["suspended"]],
        ["science", {"id": 7001}],
        ["science", {"name": ["suspended"]}],
        ["science", {"name": "x", "path": "/suspended"}],
        ["science", {"displayName": "suspended"}],
        ["science", "x\ny"],
        ["science", "sus\u200bpended"],
        ["science", "n" * 256],
        ["science,suspended"],
        ["science;suspended"],
        ["UNI\\suspended"],
        ["%73uspended"],
        ["cn=a\\,ou=Groups,ou=People,x"],
        ["uid=jane,ou=People"],
        ["cn=,ou=People"],
        ["cn=science,ou=g,cn=suspended,ou=g"],
        ["cn=science,"],
        "science,cn=suspended|",
        ["cn=science|suspended,ou=g"],
        "science,users cn=suspended",
        ['cn="science cn=suspended"'],
    ],
)
def test_what_is_not_understood_completely_is_told(value: object) -> None:
    assert not read(value)[1]


def test_numbers_are_taken_where_they_can_be() -> None:
    value = [{"name": "a", "id": 7001}, {"name": "b", "id": "7002"}, {"name": "c", "id": 7}, "/d", "A"]
    assert claimed_groups({"g": value}, "g").groups == (
        *(ClaimedGroup("a", 7001), ClaimedGroup("b", 7002), ClaimedGroup("c")),
        ClaimedGroup("/d"),
    )


@pytest.mark.parametrize(
    ("one", "other"), [("\u00c9quipe", "e\u0301quipe"), ("/Science", "science"), ("stra\u00dfe", "STRASSE")]
)
def test_names_that_people_take_for_the_same_are(one: str, other: str) -> None:
    assert group_key(one) == group_key(other)


DENIED = "suspended"
plain = st.sampled_from(["science", "users", "lsst:gpu", "Domain Users", "a-b", "7"])
spellings = st.sampled_from(
    [
        *(
            DENIED,
            DENIED.upper(),
            f"/{DENIED}",
            f" {DENIED} ",
            f"CN={DENIED},OU=g,DC=x",
            f"cn={DENIED}",
            f'cn="{DENIED}",ou=x',
        ),
        *(f"UNI\\{DENIED}", f"%73{DENIED[1:]}", "sus\u00adpended", f"{DENIED}\n", f"\uff53{DENIED[1:]}"),
    ]
)
separators = st.sampled_from([",", ";", " ", "|", ", ", "; ", "\n", "\t", ",,"])
wrapped = st.sampled_from(
    [
        lambda group: group,
        lambda group: {"name": group},
        lambda group: {"name": group, "id": 7001},
        lambda group: {"name": "x", "path": group},
        lambda group: {"displayName": group},
        lambda group: [group],
        lambda group: {group: True},
        lambda group: json.dumps([group]),
    ]
)


@given(
    st.lists(plain, max_size=4),
    spellings,
    st.integers(0, 4),
    st.lists(separators, min_size=6, max_size=6),
    wrapped,
    st.booleans(),
)
def test_a_group_is_found_or_known_to_be_missed_in_whatever_form_it_is_written(
    others: list[str], spelling: str, place: int, between: list[str], wrap: Any, one_text: bool
) -> None:
    names: list[Any] = [*others[:place], spelling, *others[place:]]
    if one_text:
        value: Any = "".join(f"{name}{separator}" for name, separator in zip(names, between, strict=False))
    else:
        value = [wrap(name) for name in names]
    claimed = claimed_groups({"g": value}, "g")
    found = any(DENIED in group.words or group.key == DENIED for group in claimed.groups)
    assert found or claimed.unread, value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | spellings,
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_every_text_of_a_claim_is_accounted_for(value: Any) -> None:
    """What was understood completely names every text of the claim."""
    claimed = claimed_groups({"g": value}, "g")
    if not claimed.unread and isinstance(value, list):
        assert len({group.key for group in claimed.groups}) <= len(value)
        assert all(isinstance(entry, str | dict) for entry in value)
    assert all(one != other for one, other in pairwise(sorted(group.key for group in claimed.groups)))
