"""Which sizes somebody is offered, and what they are to KubeSpawner."""

import pytest
from jldhub.identity import Identity
from jldhub.labs.menu.sizes import check_size, chosen_size, offered_sizes, size_profiles
from jldhub.settings.lab import Lab, Size
from jldhub.settings.settings import Settings
from jldhub.support.refusal import Refusal

NOBODY = Identity(uid=5000, gid=5000, groups=(), name="", email="")


def member(*groups: str) -> Identity:
    """Of groups that need not be among the sixteen that a lab has."""
    return Identity(uid=5000, gid=5000, groups=(), name="", email="", memberships=groups)


@pytest.fixture
def lab(settings: Settings) -> Lab:
    """With a size for one organization, and one for a team or another organization."""
    huge = Size.model_validate({"cpu": 16, "memory": "64Gi", "groups": ["LSST"]})
    gpu = Size.model_validate({"cpu": 8, "memory": "64Gi", "groups": ["lsst-sqre:friends", "vault"]})
    sizes = settings.hub.lab.sizes | {"huge": huge, "gpu": gpu}
    return settings.hub.lab.model_copy(update={"sizes": sizes})


def test_the_sizes_are_offered_smallest_first_with_their_guarantees(settings: Settings) -> None:
    profiles = size_profiles(settings.hub.lab, NOBODY)
    assert [(p["slug"], p["display_name"], p["default"]) for p in profiles] == [
        ("tiny", "Tiny", False),
        ("small", "Small", True),
        ("medium", "Medium", False),
        ("large", "Large", False),
    ]
    assert profiles[0]["description"] == "Up to 0.5 CPU and 1 GiB of memory"
    assert [p["kubespawner_override"] for p in profiles] == [
        {"cpu_limit": 0.5, "cpu_guarantee": 0.125, "mem_limit": 2**30, "mem_guarantee": 2**28},
        {"cpu_limit": 1.0, "cpu_guarantee": 0.25, "mem_limit": 2**31, "mem_guarantee": 2**29},
        {"cpu_limit": 2.0, "cpu_guarantee": 0.5, "mem_limit": 2**32, "mem_guarantee": 2**30},
        {"cpu_limit": 4.0, "cpu_guarantee": 1.0, "mem_limit": 2**33, "mem_guarantee": 2**31},
    ]


def test_a_size_may_say_its_guarantees_and_has_its_gpus_told(settings: Settings) -> None:
    written = {"cpu": 8, "memory": "48Gi", "guaranteedCpu": 4, "guaranteedMemory": "40Gi", "gpus": 2}
    sizes = {"gpu": Size.model_validate(written)}
    (profile,) = size_profiles(settings.hub.lab.model_copy(update={"sizes": sizes, "default_size": "gpu"}), NOBODY)
    assert profile["description"] == "Up to 8 CPU and 48 GiB of memory, and 2 GPUs"
    assert profile["kubespawner_override"] == {
        "cpu_limit": 8.0,
        "cpu_guarantee": 4.0,
        "mem_limit": 48 * 2**30,
        "mem_guarantee": 40 * 2**30,
    }


@pytest.mark.parametrize("key", ["guaranteedCpu", "guaranteedMemory", "shmSize"])
def test_a_part_that_is_larger_than_the_size_is_a_mistake(key: str) -> None:
    written = {"cpu": 1, "memory": "1Gi", key: 2 if key == "guaranteedCpu" else "2Gi"}
    with pytest.raises(ValueError, match=f"{key} is more than the lab may use; write less, or make the size larger"):
        Size.model_validate(written)


@pytest.mark.parametrize(("chosen", "name"), [(None, "small"), ("", "small"), ("large", "large")])
def test_no_choice_is_the_default(lab: Lab, chosen: object, name: str) -> None:
    assert chosen_size(lab, chosen) == lab.sizes[name]


@pytest.mark.parametrize("size_range", [1, 3, 1000])
def test_a_guarantee_is_never_nothing_and_never_above_its_limit(settings: Settings, size_range: float) -> None:
    sizes = {"crumb": Size.model_validate({"cpu": "1m", "memory": "1Mi"})}
    lab = settings.hub.lab.model_copy(update={"sizes": sizes, "default_size": "crumb", "size_range": size_range})
    size = size_profiles(lab, NOBODY)[0]["kubespawner_override"]
    assert 0 < size["cpu_guarantee"] <= size["cpu_limit"]
    assert 0 < size["mem_guarantee"] <= size["mem_limit"]


@pytest.mark.parametrize(
    ("groups", "more"),
    [
        ([], []),
        (["lsst"], ["huge"]),
        (["LSST", "Vault"], ["gpu", "huge"]),
        (["lsst-sqre:Friends"], ["gpu"]),
        (["/vault", "x"], ["gpu"]),
        (["lsst-sqre_friends"], []),
        (["lsst-sqre"], []),
        (["lsst2", "a-lsst", "friends", ""], []),
    ],
)
def test_members_alone_are_offered_the_sizes_of_their_groups(lab: Lab, groups: list[str], more: list[str]) -> None:
    assert list(offered_sizes(lab, member(*groups))) == ["tiny", "small", "medium", "large", *more]


def test_a_size_of_a_group_is_refused_to_others_with_what_they_may_have(lab: Lab) -> None:
    check_size(lab, member("lsst"), "huge")
    with pytest.raises(Refusal) as refused:
        check_size(lab, member("vault"), "huge")
    assert (refused.value.status_code, refused.value.sentence) == (
        403,
        "The lab size 'huge' is for members of LSST. Choose one of: tiny, small, medium, large, gpu.",
    )


@pytest.mark.parametrize("chosen", [None, "", "small"])
def test_everybody_may_have_the_default(lab: Lab, chosen: object) -> None:
    check_size(lab, NOBODY, chosen)


@pytest.mark.parametrize("chosen", ["enormous", ["huge"], {"huge": 1}, 7, True, "x" * 10_000, "Huge"])
def test_what_is_no_size_is_refused(lab: Lab, chosen: object) -> None:
    with pytest.raises(Refusal, match="There is no lab size") as refused:
        check_size(lab, member("lsst"), chosen)
    assert refused.value.status_code == 400
    assert len(str(refused.value)) < 150


def test_a_default_that_not_everybody_may_have_is_a_mistake() -> None:
    document = {
        "sizes": {"tiny": {"cpu": 1, "memory": "1Gi", "groups": ["lsst"]}, "small": {"cpu": 1, "memory": "1Gi"}},
        "defaultSize": "tiny",
    }
    with pytest.raises(ValueError, match="defaultSize 'tiny' is for lsst only; name one that is for everybody"):
        Lab.model_validate(document)
