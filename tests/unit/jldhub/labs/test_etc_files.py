"""The files that give names to the numbers of a lab."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.identity import HIGHEST_ID, LOWEST_ID, Group, Identity
from jldhub.labs.etc_files import gitconfig_file, group_file, passwd_file, unix_name

LSST, RIVALS = Group("lsst", 5001), Group("LSST", 5002)
numbers = st.integers(LOWEST_ID, HIGHEST_ID)


def ada(*groups: Group, name: str = "Ada Lovelace") -> Identity:
    return Identity(uid=4000001, gid=4000001, groups=groups, name=name, email="")


def test_the_person_and_the_systems_users_are_known() -> None:
    assert passwd_file(ada(), "ada", "/home/ada").splitlines() == [
        "root:x:0:0:root:/root:/usr/sbin/nologin",
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
        "ada:x:4000001:4000001:Ada Lovelace:/home/ada:/bin/bash",
    ]


def test_organizations_are_groups_of_the_person() -> None:
    assert group_file(ada(LSST), "ada").splitlines() == [
        "root:x:0:",
        "nogroup:x:65534:",
        "ada:x:4000001:",
        "lsst:x:5001:ada",
    ]


def test_names_that_differ_by_case_stay_apart() -> None:
    assert group_file(ada(LSST, RIVALS), "lsst").splitlines()[2:] == [
        "lsst:x:4000001:",
        "lsst-5001:x:5001:lsst",
        "lsst-5002:x:5002:lsst",
    ]


def test_the_own_group_is_not_said_twice() -> None:
    assert group_file(ada(Group("self", 4000001)), "ada").count("4000001") == 1


def test_git_knows_whose_commits_these_are(tmp_path: Path) -> None:
    identity = Identity(
        uid=5000, gid=5000, groups=(), name='Ada "Countess" \\ Lovelace\n[core]', email="ada@example.org"
    )
    file = tmp_path / "gitconfig"
    file.write_text(gitconfig_file(identity))
    read = ["git", "config", "--file", str(file), "--list"]

    assert subprocess.run(read, capture_output=True, text=True, check=True).stdout.splitlines() == [
        'user.name=Ada "Countess" \\ Lovelace[core]',
        "user.email=ada@example.org",
    ]


def test_a_person_without_name_and_email_has_no_git_identity() -> None:
    assert gitconfig_file(Identity(uid=5000, gid=5000, groups=(), name=" ", email="")) == ""


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("Ada", "ada"),
        ("1st", "_1st"),
        ("a.b@c", "a_b_c"),
        ("root", "root-1234"),
        ("nogroup", "nogroup-1234"),
        ("x" * 39, "x" * 27 + "-1234"),
    ],
)
def test_a_name_is_one_that_linux_takes(name: str, account: str) -> None:
    assert unix_name(name, 1234) == account


@given(name=st.text(), number=numbers)
def test_no_name_breaks_out_of_its_field(name: str, number: int) -> None:
    assert re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", unix_name(name, number))


@given(name=st.text(), username=st.text(), groups=st.lists(st.tuples(st.text(), numbers), max_size=16))
def test_hostile_names_make_no_line_and_no_variable(name: str, username: str, groups: list[tuple[str, int]]) -> None:
    person = ada(*(Group(*each) for each in {gid: (title, gid) for title, gid in groups}.values()), name=name)
    users, members = passwd_file(person, username, "/home/x"), group_file(person, username)

    assert [line.count(":") for line in users.split("\n")] == [6, 6, 6, 0]
    assert {line.count(":") for line in members.split("\n")[:-1]} == {3}
    names = [line.partition(":")[0] for line in members.split("\n")[:-1]]
    assert len(names) == len(set(names))
    assert "$" not in users + members
