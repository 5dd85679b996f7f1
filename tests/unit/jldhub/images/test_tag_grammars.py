"""Tags by version, by date, and by a site's own expressions; and what holds for each grammar, whatever the tags are."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.images.tags.expressions import ExpressionError
from jldhub.images.tags.grammar import NAMED, Grammar, grammar
from jldhub.images.tags.series import Series
from jldhub.images.tags.tag import Tag, in_order

OWN = {
    "nightly": r"nb-(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(-(?P<build>\d+))?",
    "release": r"lab-(?P<v1>\d+)\.(?P<v2>\d+)(-(?P<pre>rc\.\d+))?(_(?P<extra>.+))?",
    "conda": r"(?P<label>py(?P<v1>\d)\.?(?P<v2>\d+))-conda.*?(?P<arch>-arm)?",
}
GRAMMARS = {**NAMED, "own": grammar(OWN)}


def shown(tags: tuple[Tag, ...]) -> list[tuple[str, str, str]]:
    return [(tag.name, tag.tag_class, tag.label) for tag in tags]


def test_versions() -> None:
    names = [
        "1.2.3-rc.2",
        "4.4",
        "v1.2.3",
        "latest",
        "3.7.1",
        "1.2.3-amd64",
        "4.10.0",
        "cuda12-1.0",
        "1.2.3-rc.10",
        "4.4.1",
    ]

    series = Series.read([*names, "1.2-rc1", "1.2.3-rc..1", "12", "1.2.3.4", "1.2.3-alpha.beta"], grammar("semver"))

    assert shown(series.listed) == [
        ("latest", "alias", "Latest"),
        ("4.10.0", "release", "4.10.0"),
        ("4.4.1", "release", "4.4.1"),
        ("4.4", "release", "4.4"),
        ("3.7.1", "release", "3.7.1"),
        ("v1.2.3", "release", "1.2.3"),
        ("1.2.3-rc.10", "candidate", "1.2.3-rc.10"),
        ("1.2.3-rc.2", "candidate", "1.2.3-rc.2"),
        ("1.2.3-alpha.beta", "candidate", "1.2.3-alpha.beta"),
    ]
    hidden = {tag.name: tag.tag_class for tag in series.tags if not tag.listed}
    assert hidden.pop("1.2.3-amd64") == "release"
    assert hidden == dict.fromkeys(["cuda12-1.0", "1.2-rc1", "1.2.3-rc..1", "12", "1.2.3.4"], "other")


def test_pre_releases_compare_as_semantic_versioning_says() -> None:
    order = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]  # of its section 11

    series = Series.read([f"1.0.0-{stage}" for stage in order], grammar("semver"))

    assert [tag.name for tag in series.listed] == [f"1.0.0-{stage}" for stage in reversed(order)]


def test_dates() -> None:
    names = ["20240101", "2024-10-07", "2023.05.18", "2024.11.05", "2024-10-07-2", "2024-11-19", "v2022-02-02"]
    no_dates = ["2024-13-01", "lab-4.2.5", "python-3.12", "x86_64-2024-10-07", "7fd1a60b01f8", "2024-1001", "2024-10"]

    series = Series.read([*names, *no_dates], grammar("calendar"))

    assert shown(series.listed) == [
        ("2024-11-19", "release", "2024-11-19"),
        ("2024.11.05", "release", "2024-11-05"),
        ("2024-10-07-2", "release", "2024-10-07, build 2"),
        ("2024-10-07", "release", "2024-10-07"),
        ("20240101", "release", "2024-01-01"),
        ("2023.05.18", "release", "2023-05-18"),
        ("v2022-02-02", "release", "2022-02-02"),
    ]
    assert {tag.name for tag in series.tags if not tag.listed} == set(no_dates)


def test_expressions_of_a_site() -> None:
    names = [
        "nb-2026-05-27",
        "nb-2026-05-27-10",
        "nb-2026-05-27-9",
        "nb-2026-13-01",
        "py3.12-conda",
        "py39-conda24",
        "py3.9-conda-arm",
    ]
    names += ["lab-1.10", "lab-1.9", "lab-1.10-rc.2", "lab-1.10-rc.10", "lab-1.9_gpu", "lab-x.y", "my-lab-1.9"]

    series = Series.read(names, GRAMMARS["own"])

    assert shown(series.listed) == [
        ("lab-1.10", "release", "lab-1.10"),
        ("lab-1.10-rc.10", "release", "lab-1.10-rc.10"),
        ("lab-1.10-rc.2", "release", "lab-1.10-rc.2"),
        ("lab-1.9_gpu", "release", "lab-1.9_gpu"),
        ("lab-1.9", "release", "lab-1.9"),
        ("py3.12-conda", "conda", "py3.12"),
        ("py39-conda24", "conda", "py39"),
        ("nb-2026-05-27-10", "nightly", "nb-2026-05-27-10"),
        ("nb-2026-05-27-9", "nightly", "nb-2026-05-27-9"),
        ("nb-2026-05-27", "nightly", "nb-2026-05-27"),
    ]
    assert {tag.name: tag.tag_class for tag in series.tags if not tag.listed} == {
        "nb-2026-13-01": "other",
        "lab-x.y": "other",
        "my-lab-1.9": "other",
        "py3.9-conda-arm": "conda",
    }


@pytest.mark.parametrize(
    ("tag_class", "expression", "why"),
    [
        ("release", r"(?P<v1>\d+", "is no regular expression: missing ), unterminated subpattern"),
        ("release", r"(?P<v1>\d+)(?P<v1>\d+)", "is no regular expression: redefinition of group name"),
        (
            "release",
            r"v\d+",
            r"names no number, so that no tag would be newer than another; write for instance (?P<v1>\d+)",
        ),
        ("release", r"v(?P<label>\d+)", "names no number"),
        ("release", r"v(?P<major>\d+)", "names the group major, which means nothing; use v1, v2, v3"),
        ("release", r"(?P<v1>\d+)\1", "may take for ever on some tags; write it without backreferences"),
        ("release", r"(?=v)(?P<v1>\d+)", "may take for ever"),
        ("release", r"(?P<v1>\d++)", "may take for ever"),
        ("release", r"(?P<v1>\d{1,2000})", "may take for ever"),
        ("release", r"(?P<v1>\d)" + "((a{9}){99}){99}", "may take for ever"),
        ("release", r"(?P<v1>\d)" + "a" * 500, "has more than 500 characters"),
        ("alias", r"(?P<v1>\d)", "'alias' cannot be a class of tags"),
        ("other", r"(?P<v1>\d)", "'other' cannot be a class of tags"),
        ("My class", r"(?P<v1>\d)", "'My class' cannot be a class of tags; write a word such as release or nightly"),
    ],
)
def test_expressions_that_cannot_be_used(tag_class: str, expression: str, why: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        grammar({tag_class: expression})

    assert why in str(refused.value)


def test_a_grammar_that_does_not_exist() -> None:
    with pytest.raises(ExpressionError, match="'semantic' is no grammar of tags; write lsst, semver, calendar, or"):
        grammar("semantic")


def test_an_expression_that_blocks_python_reads_the_longest_tag() -> None:
    """With Python's own `re` this test would not end."""
    blocking = grammar({"release": r"(?P<v1>(\d+)+)(a*a*)*x", "nightly": r"(?P<v1>\d)([a-z_.-]|[a-z]|a)*(b*)*=.*"})

    assert blocking.tag("1" * 100 + "a" * 27).tag_class == "other"
    assert blocking.tag("1" * 127 + "x").tag_class == "release"
    assert blocking.tag("1" + "a" * 127).tag_class == "other"


# Names of tags as they are, put together from parts that mean something, and anything at all.
PARTS = [
    *[
        "r29_1_0",
        "r30_0_9",
        "r140",
        "r170",
        "w_2026_21",
        "w201745",
        "w_2026_53",
        "d_2026_05_27",
        "d20171113",
        "d_2026_02_30",
    ],
    *[
        "_rc1",
        "_rc10",
        "_c0020.003",
        "_rsp2700",
        "_ai",
        "-amd64",
        "-arm64",
        "exp_",
        "latest",
        "recommended",
        "_c0044",
        "_weekly",
    ],
    *["1.2", ".3", "-rc.2", "v", "2024-10-07", "-2", "20240101", "nb-", "lab-", "py3.12-conda", "-arm", "stable"],
]
NAMES = st.one_of(
    st.sampled_from(PARTS),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("".join),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True),
    st.text(max_size=200),
)
EACH_GRAMMAR = pytest.mark.parametrize("which", GRAMMARS.values(), ids=GRAMMARS)


@EACH_GRAMMAR
@given(names=st.lists(NAMES, max_size=12), digests=st.dictionaries(NAMES, st.sampled_from(["a", "b"])), word=NAMES)
def test_whatever_the_tags_are_they_are_read(
    which: Grammar, names: list[str], digests: dict[str, str], word: str
) -> None:
    series = Series.read(names, which, "recommended", digests)

    first = series.first(dict.fromkeys([*which.classes, "alias", "other"], 3), [word])
    assert {tag.name for tag in series.tags} == set(names)
    assert all(tag.label for tag in series.listed)
    assert len({tag.name for tag in first}) == len(first)
    assert set(first) <= set(series.tags)
    found = series.find(word)
    assert found is None or found in series.tags


@EACH_GRAMMAR
@given(names=st.lists(NAMES, unique=True, min_size=3, max_size=3))
def test_the_order_is_total(which: Grammar, names: list[str]) -> None:
    """Any two tags have one order, which is the same the other way round and beside any third."""
    classes = ("alias", *which.classes)
    tags = [which.tag(name, "recommended") for name in names]

    for one, two in itertools.combinations(tags, 2):
        assert in_order([one, two], classes) == in_order([two, one], classes)
    orders = {in_order(each, classes) for each in itertools.permutations(tags)}
    assert len(orders) == 1
    (order,) = orders
    for one, two in itertools.combinations(order, 2):
        assert in_order([two, one], classes) == (one, two)


@EACH_GRAMMAR
@given(names=st.lists(NAMES, unique=True, max_size=12))
def test_a_class_is_in_one_piece_and_its_versions_descend(which: Grammar, names: list[str]) -> None:
    tags = Series.read(names, which, "recommended").tags

    pieces = [(tag_class, list(group)) for tag_class, group in itertools.groupby(tags, lambda tag: tag.tag_class)]
    places = [("alias", *which.classes, "other").index(tag_class) for tag_class, _ in pieces]
    assert places == sorted(set(places))
    for _, piece in pieces:
        assert [tag.version for tag in piece] == sorted((tag.version for tag in piece), reverse=True)
