"""What a menu shows first of a repository's tags, what aliases stand for, and what is found by a word."""

import pytest
from jldhub.images.tags.grammar import grammar
from jldhub.images.tags.series import Series

LSST = grammar("lsst")
TAGS = [
    "recommended",
    "r29_2_0",
    "r29_1_0",
    "w_2026_21",
    "w_2026_20",
    "w_2026_12",
    "d_2026_05_27",
    "r30_0_0_rc1",
    "dev",
]


def names(series: Series, newest: dict[str, int], pins: list[str] | None = None) -> list[str]:
    return [tag.name for tag in series.first(newest, pins or [])]


def test_the_recommended_then_the_pins_then_the_newest_of_each_class() -> None:
    series = Series.read(TAGS, LSST, "recommended")

    first = names(series, {"daily": 1, "weekly": 2, "release": 1}, ["w_2026_12", "dev"])

    assert first == ["recommended", "w_2026_12", "dev", "r29_2_0", "w_2026_21", "w_2026_20", "d_2026_05_27"]


def test_a_class_that_is_not_asked_for_is_not_shown_first() -> None:
    assert names(Series.read(TAGS, LSST), {"weekly": 1}) == ["w_2026_21"]
    assert names(Series.read(TAGS, LSST), {"weekly": 0}) == []


def test_nothing_is_shown_twice() -> None:
    series = Series.read(TAGS, LSST, "w_2026_21")

    assert names(series, {"weekly": 2}, ["w_2026_21", "w_2026_20"]) == ["w_2026_21", "w_2026_20"]


def test_what_the_repository_does_not_have_is_left_out() -> None:
    assert names(Series.read(["w_2026_21"], LSST, "recommended"), {"weekly": 5, "release": 1}, ["w_2025_01"]) == [
        "w_2026_21"
    ]


def test_an_alias_is_shown_as_what_it_stands_for_and_that_not_again() -> None:
    digests = {"recommended": "sha256:a", "w_2026_21": "sha256:a", "w_2026_20": "sha256:b"}
    series = Series.read(TAGS, LSST, "recommended", digests)

    first = series.first({"weekly": 2})

    assert [(tag.name, tag.label) for tag in first] == [
        ("recommended", "Recommended (Weekly 2026_21)"),
        ("w_2026_20", "Weekly 2026_20"),
    ]
    assert first[0].stands_for == "w_2026_21"


def test_an_alias_stands_for_the_best_name_of_its_image() -> None:
    same = dict.fromkeys(["latest", "d_2026_05_27", "w_2026_21", "w_2026_21-amd64", "dev"], "sha256:a")

    assert Series.read(same, LSST, digests=same).listed[0].label == "Latest (Weekly 2026_21)"


def test_an_unknown_name_of_a_known_image_is_an_alias() -> None:
    digests = {"stable": "sha256:a", "4.10.0": "sha256:a", "edge": "sha256:b", "stable-amd64": "sha256:a"}
    series = Series.read([*digests, "latest"], grammar("semver"), digests=digests)

    assert [(tag.name, tag.label) for tag in series.listed] == [
        ("latest", "Latest"),
        ("stable", "stable (4.10.0)"),
        ("4.10.0", "4.10.0"),
    ]


def test_a_release_may_be_recommended() -> None:
    series = Series.read(TAGS, LSST, "r29_1_0")

    assert [(tag.name, tag.tag_class) for tag in series.first({"release": 1})] == [
        ("r29_1_0", "release"),
        ("r29_2_0", "release"),
    ]


def test_what_is_recommended_with_a_cycle_makes_the_one_without_an_alias_too() -> None:
    series = Series.read(["recommended", "recommended_c0044", "recommended_c0045"], LSST, "recommended_c0044")

    assert [tag.name for tag in series.listed] == ["recommended", "recommended_c0045", "recommended_c0044"]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("w_2026_12", "w_2026_12"),
        ("dev", "dev"),
        ("recommended", "r29_1_0"),
        ("latest-weekly", "w_2026_21"),
        ("latest-release", "r29_2_0"),
        ("latest-candidate", "r30_0_0_rc1"),
        ("latest-experimental", None),
        ("latest-other", None),
        ("latest", None),
        ("", None),
        ("w_2024_01", None),
    ],
)
def test_what_is_found_by_a_word(word: str, name: str | None) -> None:
    found = Series.read([tag for tag in TAGS if tag != "recommended"], LSST, "r29_1_0").find(word)

    assert (found and found.name) == name
