"""LSST's tags of both eras: class, order and label of each, and what the original's menu showed of them."""

import pytest
from jldhub.images.tags.grammar import grammar
from jldhub.images.tags.series import Series

# In the order of the menu; "" as the label of what no menu lists. Real spellings beside some that are made in the same form.
TABLE = """
recommended                     | alias        | Recommended
recommended_c0044               | alias        | Recommended, cycle 0044
latest                          | alias        | Latest
latest_release                  | alias        | Latest release
latest_weekly                   | alias        | Latest weekly
latest_daily                    | alias        | Latest daily
r100_0_0                        | release      | Release 100.0.0
r30_0_10_rsp2991                | release      | Release 30.0.10, build 2991
r30_0_9                         | release      | Release 30.0.9
r29_2_0_rsp2629                 | release      | Release 29.2.0, build 2629
r29_2_0                         | release      | Release 29.2.0
r29_1_1                         | release      | Release 29.1.1
r29_1_0                         | release      | Release 29.1.0
r26_0_0                         | release      | Release 26.0.0
r17_0_1                         | release      | Release 17.0.1
r170                            | release      | Release 17.0
r160                            | release      | Release 16.0
r140                            | release      | Release 14.0
r130                            | release      | Release 13.0
w_2026_21_rsp2700               | weekly       | Weekly 2026_21, build 2700
w_2026_21                       | weekly       | Weekly 2026_21
w_2026_21-arm64                 | weekly       |
w_2026_21-amd64                 | weekly       |
w_2026_02                       | weekly       | Weekly 2026_02
w_2025_52                       | weekly       | Weekly 2025_52
w_2021_22_c0020.003             | weekly       | Weekly 2021_22, cycle 0020.003
w_2021_22_c0020.001             | weekly       | Weekly 2021_22, cycle 0020.001
w_2021_22_c0019.012             | weekly       | Weekly 2021_22, cycle 0019.012
w_2021_22                       | weekly       | Weekly 2021_22
w_2019_12                       | weekly       | Weekly 2019_12
w201745                         | weekly       | Weekly 2017_45
w201744                         | weekly       | Weekly 2017_44
d_2026_05_27                    | daily        | Daily 2026_05_27
d_2019_03_20                    | daily        | Daily 2019_03_20
d_2019_03_19                    | daily        | Daily 2019_03_19
d20171113                       | daily        | Daily 2017_11_13
d20171110                       | daily        | Daily 2017_11_10
r29_1_0_rc10                    | candidate    | Release 29.1.0-rc10
r29_1_0_rc2                     | candidate    | Release 29.1.0-rc2
r17_0_1_rc1                     | candidate    | Release 17.0.1-rc1
exp_w_2026_21_ai                | experimental | Experimental Weekly 2026_21 [ai]
exp_w_2021_19_nosudo            | experimental | Experimental Weekly 2021_19 [nosudo]
exp_r29_2_0_rsp2629_uajtpinlsdb | experimental | Experimental Release 29.2.0, build 2629 [uajtpinlsdb]
exp_random                      | experimental | Experimental random
release-candidate               | other        |
latest-amd64                    | other        |
w_2026_99                       | other        |
dev                             | other        |
d_2017_02_30                    | other        |
MiXeD_CaSe                      | other        |
7fd1a60b01f8                    | other        |
3.7.1-rc2                       | other        |
"""
ROWS = [tuple(cell.strip() for cell in row.split("|")) for row in TABLE.strip().splitlines()]
LSST = grammar("lsst")


def test_the_whole_table() -> None:
    series = Series.read(sorted(name for name, _, _ in ROWS), LSST, recommended="recommended")

    found = [(tag.name, tag.tag_class, tag.label if tag.listed else "") for tag in series.tags]
    assert [row for row in found if row[1] != "other"] == [row for row in ROWS if row[1] != "other"]
    assert sorted(row for row in found if row[1] == "other") == sorted(row for row in ROWS if row[1] == "other")


def test_the_original_menu_of_2017() -> None:
    """Three dailies, two weeklies, one release. What was called a release by its first letter alone is none."""
    days, weeks = ([f"d201711{day}" for day in (10, 11, 12, 13)], [f"w2017{week}" for week in (43, 44, 45)])

    series = Series.read([*days, *weeks, "r130", "r140", "latest", "recommended", "dev"], LSST)

    first = series.first({"daily": 3, "weekly": 2, "release": 1})
    assert [(tag.name, tag.label) for tag in first] == [
        ("r140", "Release 14.0"),
        ("w201745", "Weekly 2017_45"),
        ("w201744", "Weekly 2017_44"),
        ("d20171113", "Daily 2017_11_13"),
        ("d20171112", "Daily 2017_11_12"),
        ("d20171111", "Daily 2017_11_11"),
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("r13_0", "Release 13.0"),
        ("w2017_45", "Weekly 2017_45"),
        ("d2017_11_13", "Daily 2017_11_13"),
        ("w_2026_53", "Weekly 2026_53"),
        ("w_2026_21_c0044.002_rsp7_ai.2", "Weekly 2026_21, cycle 0044.002, build 7 [ai.2]"),
        ("r29_1_0_rc10_rsp7", "Release 29.1.0-rc10, build 7"),
        ("exp_d_2026_05_27", "Experimental Daily 2026_05_27"),
        ("exp_exp_w_2026_21", "Experimental exp_w_2026_21"),
        ("exp_w_2026_99", "Experimental w_2026_99"),
        ("d_2024_02_29", "Daily 2024_02_29"),
    ],
)
def test_labels(name: str, label: str) -> None:
    assert LSST.tag(name).label == label


@pytest.mark.parametrize(
    "name",
    [
        *["w_2026_2", "w_2026_00", "w_2026_54", "w_2026", "w_1999_01", "d_2026_13_01", "d_2026_5_27", "d_2025_02_29"],
        *[
            "r29_22",
            "r1",
            "r1400",
            "r29_2_0rc1",
            "r29_2_0_",
            "recommended",
            "rubin",
            "exp_",
            "exp",
            "W_2026_21",
            "w_2026_21-mips",
        ],
    ],
)
def test_no_tag_of_lsst(name: str) -> None:
    assert LSST.tag(name).tag_class == "other"


def test_an_image_for_one_architecture_is_not_listed_and_is_found_by_its_name() -> None:
    series = Series.read(["w_2026_21", "w_2026_21-arm64", "w_2026_22_ai-amd64"], LSST)

    assert [tag.name for tag in series.listed] == ["w_2026_21"]
    assert [series.find(name).architecture for name in ("w_2026_21-arm64", "w_2026_22_ai-amd64")] == ["arm64", "amd64"]  # type: ignore[union-attr]
    assert series.find("latest-weekly") == series.find("w_2026_21")
