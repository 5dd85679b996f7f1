"""Folders of Zero to JupyterHub are found by the names that KubeSpawner itself makes, and nobody gets the home of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.labs.homes import person_slug
from jldstorage.takeover.names import escaped, old_names, slug, unescaped
from jldstorage.takeover.people import ListWrong, Person, people_in
from kubespawner.slugs import escape_slug, safe_slug

# In the scheme `escape`. What `safe` makes has a hash in it.
ESCAPED = {
    "ada": "ada",
    "ada-l": "ada-2dl",
    "jane.doe": "jane-2edoe",
    "jane@uni.edu": "jane-40uni-2eedu",
    "Ada": "-41da",
    "7of9": "7of9",
    "a--b": "a-2d-2db",
    "zoë": "zo-c3-ab",
    "tab\tbed": "tab-9bed",
}


@pytest.mark.parametrize("name", ESCAPED)
def test_a_name_in_both_schemes(name: str) -> None:
    assert escaped(name) == escape_slug(name) == ESCAPED[name]
    assert slug(name) == safe_slug(name, max_length=48)


@given(st.one_of(st.text(max_size=80), st.from_regex(r"[a-zA-Z0-9.@_-]{1,80}", fullmatch=True)))
def test_names_are_those_of_kubespawner_and_of_homes_here(name: str) -> None:
    assert (slug(name), escaped(name)) == (safe_slug(name, max_length=48), escape_slug(name))
    assert slug(name) == person_slug(name)


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_whose_an_escaped_name_may_be_is_known(name: str) -> None:
    assert unescaped(escaped(name)) == (name if escaped(name) != name else None)


@pytest.mark.parametrize("name", ["ada", "jane-adams", "x-", "class-a", "a-zz"])
def test_a_name_that_escapes_nobody_is_nobody_elses(name: str) -> None:
    assert unescaped(name) is None


@pytest.mark.parametrize("name", ["..", ".", "../ada", "/etc", "a/b", "a\0b"])
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    assert all("/" not in each and each not in (".", "..") for each in old_names(name))


def test_a_list_of_people() -> None:
    found = people_in(
        ["# all of us", "", "ada 4000001", "jane.doe 50001 50002 was=jane@uni.edu  # she came later", "bob"]
    )

    assert found == [
        Person("ada", 4000001, 4000001, "ada", False),
        Person("jane.doe", 50001, 50002, "jane@uni.edu", True),
        Person("bob", None, None, "bob", False),
    ]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "the list is empty: write a line NAME [UID [GID]] [was=OLD-NAME] for each home"),
        (["# nobody"], "the list is empty: write a line NAME [UID [GID]] [was=OLD-NAME] for each home"),
        (["ada 0"], "line 1: '0' is no user or group number from 1000 to 2147483647"),
        (["ada 1000 100"], "line 1: '100' is no user or group number from 1000 to 2147483647"),
        (["ada -1"], "line 1: '-1' is no user or group number from 1000 to 2147483647"),
        (["ada 4294968296"], "line 1: '4294968296' is no user or group number from 1000 to 2147483647"),
        (["ada bob"], "line 1: 'bob' is no user or group number from 1000 to 2147483647"),
        (["ada ²⁰⁰⁰"], "line 1: '\\xb2\\u2070\\u2070\\u2070' is no user or group number from 1000 to 2147483647"),
        (["was=ada"], "line 1: 'was=ada' has not the form NAME [UID [GID]] [was=OLD-NAME]"),
        (["ada was="], "line 1: 'ada was=' has not the form NAME [UID [GID]] [was=OLD-NAME]"),
        (["ada 1000 1000 1000"], "line 1: 'ada 1000 1000 1000' has not the form NAME [UID [GID]] [was=OLD-NAME]"),
        (["ada", "", "bob was=ada"], "line 3: 'ada' is there twice, and an old home has one person"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(lines: list[str], sentence: str) -> None:
    with pytest.raises(ListWrong) as told:
        people_in(lines)
    assert str(told.value) == sentence
