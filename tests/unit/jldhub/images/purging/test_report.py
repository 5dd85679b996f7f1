"""Which images on nodes nobody wants."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jldhub.images.catalogue import ImageState
from jldhub.images.nodes import UnwantedImage
from jldhub.images.prepuller.pods import LabPod
from jldhub.images.purging.report import Ours, sentence, summed, unwanted

from ..prepuller.world import digest, node
from .builders import HUB, LAB, ONE, OWN_LAB, SINGLE, STATE, TAGS, ours

OLD = f"{LAB}@{digest(20)}"


def found(our: Ours, *images: list[str], labs: list[LabPod] | None = None) -> list[tuple[str, ...]]:
    one = node("a", images=[{"names": names, "sizeBytes": 8} for names in images])
    return [image.names for image in unwanted(one, our, labs or [])]


@pytest.mark.parametrize(
    ("names", "is_unwanted"),
    [
        ([OLD], True),
        ([f"{LAB}:w_2026_20"], True),  # imported: no digest at all
        ([OLD, f"{LAB}:w_2026_20"], True),
        ([OLD, "<none>:<none>"], True),
        ([f"{LAB}:w_2020_01"], True),  # no registry tells it any more
        ([f"{LAB}@{digest(21)}"], False),  # the newest, which is recommended
        ([f"{LAB}:w_2026_21"], False),
        ([f"{LAB}:recommended"], False),
        ([f"{LAB}@{digest(10)}"], False),  # pinned
        ([OLD, f"{LAB}:w_2025_10"], False),
        ([f"{SINGLE}@{digest(1)}"], False),
        ([f"{SINGLE}:1"], False),
        ([f"{SINGLE}:2"], True),
        ([f"{SINGLE}@{digest(2)}"], True),
        ([f"{HUB}:0.1.0"], False),
        ([f"{HUB}:0.0.9"], True),
        ([f"{OWN_LAB}:0.1.0"], True),  # hub.lab.image starts no lab where there are hub.lab.images
        ([OLD, f"docker.io/other/lab@{digest(20)}"], False),
        (["registry.k8s.io/pause:3.10"], False),
        ([f"{LAB}/more:w_2026_20"], False),
        (["<none>@<none>", "<none>:<none>"], False),
        (["what is this?"], False),
        ([], False),
    ],
)
def test_what_nobody_wants(names: list[str], is_unwanted: bool) -> None:
    assert bool(found(ours(), names)) is is_unwanted


def test_without_a_list_of_images_the_site_s_own_stay() -> None:
    kept = [f"{OWN_LAB}:0.1.0"], [f"{HUB}:0.1.0"], [OLD]
    assert found(ours(images=False), *kept, [f"{OWN_LAB}:0.0.9"]) == [(f"{OWN_LAB}:0.0.9",)]


@pytest.mark.parametrize(
    "change",
    [
        {"state": None},  # no registry answered yet
        {"state": ImageState(reference=LAB, trouble="it does not answer")},
        {"state": STATE.model_copy(update={"reference": "registry.example.org/another"})},
        {"state": STATE.model_copy(update={"digests": {}})},
        {"state": STATE.model_copy(update={"digests": {**TAGS, "w_2025_10": ""}})},
        {"series": {"pins": ["w_2025_10", "w_2024_01"]}},  # which is gone from the registry
        {"series": {"tags": {"weekly": "("}, "newest": {}}},
    ],
)
def test_where_not_everything_is_known_the_repository_is_left_alone(change: dict[str, Any]) -> None:
    our = ours(**change)
    assert found(our, [OLD], [f"{LAB}:w_2026_20"]) == []
    assert found(our, [f"{SINGLE}:2"]) == [(f"{SINGLE}:2",)]


def test_a_single_image_whose_registry_does_not_answer_is_left_alone() -> None:
    our = ours(single=ImageState(reference=ONE.reference))
    assert found(our, [f"{SINGLE}:2"]) == []
    assert found(our, [OLD]) == [(OLD,)]


@pytest.mark.parametrize("reference", [OLD, f"{LAB}:w_2026_20", f"{LAB}:w_2026_20@{digest(20)}"])
def test_what_a_lab_there_has_is_not_told(reference: str) -> None:
    names = [OLD, f"{LAB}:w_2026_20"]
    assert found(ours(), names, labs=[LabPod("a", frozenset({"busybox", reference}), False)]) == []
    assert found(ours(), names, labs=[LabPod("b", frozenset({reference}), False)]) == [tuple(names)]


_NAMES = st.builds(
    lambda place, end: f"{place}{end}",
    st.sampled_from([LAB, SINGLE, HUB, OWN_LAB, "registry.k8s.io/pause", f"{LAB}/more"]),
    st.sampled_from(
        [":w_2026_20", ":w_2026_21", ":1", ":0.1.0", *(f"@{digest(number)}" for number in (1, 10, 20, 21))]
    ),
)
_STATES = st.sampled_from([None, STATE, STATE.model_copy(update={"digests": {}})])


@given(st.lists(st.lists(_NAMES, max_size=3)), st.lists(_NAMES, max_size=2), _STATES)
def test_nothing_that_is_wanted_running_or_foreign_is_ever_told(
    images: list[list[str]], running: list[str], state: ImageState | None
) -> None:
    our = ours(state=state)
    for names in found(our, *images, labs=[LabPod("a", frozenset(running), False)]):
        assert names
        assert not our.wanted & set(names)
        assert not set(running) & set(names)
        assert all(name.partition("@")[0].rpartition(":")[0] in our.repositories or "@" in name for name in names)
        assert not [name for name in names if name.startswith(("registry.k8s.io", f"{LAB}/more"))]
        assert state is STATE or not [name for name in names if name.startswith(LAB)]


def test_the_sum_over_nodes_names_images_as_people_do() -> None:
    our = ours()
    one, many = node("a", images=[_image(OLD, 8)]), node("b", images=[_image(OLD, 8), _image(f"{SINGLE}:2", 20)])
    told = summed({each.name: unwanted(each, our, []) for each in (one, many)}, our)
    assert told == [
        UnwantedImage(name=f"{SINGLE}:2", bytes=20 * 10**9, nodes=1),
        UnwantedImage(name="lsst:w_2026_20", bytes=16 * 10**9, nodes=2),
    ]
    assert [sentence(each) for each in told] == [
        f"{SINGLE}:2 on 1 node, 20.0 GB could go",
        "lsst:w_2026_20 on 2 nodes, 16.0 GB could go",
    ]


def _image(name: str, gigabytes: int) -> dict[str, Any]:
    return {"names": [name], "sizeBytes": gigabytes * 10**9}
